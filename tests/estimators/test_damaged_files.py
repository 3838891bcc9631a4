"""Whatever a file holds, loading it gives a ValueError, or a model that is whole; and no code of it runs.

Files are cut, their bytes changed, and their contents replaced by other ones with checksums that are right.
"""

import copy
import io
import json
import os
import pickle
import random
import tracemalloc
import zipfile

import joblib
import numpy as np
import pytest

import skmlp
from tests.estimators.saved_models import FOLDER, NAMED, ROWS, outputs, rows_of

FILES = sorted((FOLDER / skmlp.__version__).glob("*.skmlp"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
SMALL_ONES = [path for path in FILES if path.stat().st_size < 5000]

pytestmark = pytest.mark.filterwarnings("ignore")  # of sizes and values that make little sense


def attempt(content, path):
    """The model of a file of this content, or None if it is refused."""
    path.write_bytes(content)
    try:
        return skmlp.load(path)
    except ValueError as error:
        assert str(error).startswith(f"{path} cannot be loaded: ") and len(str(error)) < 1000
        return None


def expected(path):
    model = skmlp.load(path)
    rows = rows_of(model)
    return rows, outputs(model, rows)


def assert_predicts(model, rows, values):
    for method, found in outputs(model, rows).items():
        np.testing.assert_array_equal(found, values[method])


@EVERY_FILE
def test_a_file_that_ends_too_early_is_refused(path, tmp_path):
    content = path.read_bytes()
    lengths = {0, 1, 4, len(content) - 1, *random.Random(0).sample(range(len(content)), 60)}
    assert [length for length in lengths if attempt(content[:length], tmp_path / "file") is not None] == []


@EVERY_FILE
@pytest.mark.parametrize("kind", ["another byte", "a byte more", "a byte less", "zeros"])
def test_a_file_with_other_bytes_is_refused_or_the_same(path, tmp_path, kind):
    content, (rows, values) = path.read_bytes(), expected(path)
    draw = random.Random(f"{path.stem} {kind}")
    refused = 0
    for place in draw.sample(range(len(content)), 400 if path.stem == "quantiles" else 60):
        middle = {
            "another byte": bytes([content[place] ^ draw.randint(1, 255)]),
            "a byte more": content[place : place + 1] * 2,
            "a byte less": b"",
            "zeros": bytes(64),
        }[kind]
        after = place + (64 if kind == "zeros" else 1)
        model = attempt(content[:place] + middle + content[after:], tmp_path / "file")
        refused += model is None
        if model is not None:
            assert_predicts(model, rows, values)
    assert refused > 30


JUNK = [None, True, False, 0, 1, -1, 3, 10**6, 2**40, 2**70, -(2**70), 0.5, -0.0, 1e308, "", "a", "adam", "softmax", []]
JUNK += [[1], [[]], {}, {"float": "nan"}, {"float": "inf"}, {"tuple": []}, {"tuple": [1, 2]}, {"dict": []}]
JUNK += [{"array": "0"}, {"array": "1"}, {"objects": [[0], []]}, {"scalar": ["<f4", 1.0]}, {"type": "float"}]


def places_in(node, path=()):
    """Ways to all parts of JSON."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield *path, key
        yield from places_in(value, (*path, key))


def at(node, path):
    for key in path:
        node = node[key]
    return node


def with_another_part(header, draw):
    """JSON with one part missing, replaced by junk or another part, or off by one."""
    header, places = copy.deepcopy(header), list(places_in(header))
    *path, last = draw.choice(places)
    node, how = at(header, path), draw.random()
    if how < 0.1:
        del node[last]
    elif how < 0.3 and type(node[last]) is int:
        node[last] += draw.choice([-1, 1])
    elif how < 0.5:
        node[last] = copy.deepcopy(at(header, draw.choice(places)))
    else:
        node[last] = draw.choice(JUNK)
    return header


def with_header(path, header):
    """The file with another header, and checksums that are right."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(content, "w") as target:
        for name in source.namelist():
            target.writestr(name, json.dumps(header) if name == "model.json" else source.read(name))
    return content.getvalue()


def header_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("model.json"))


@EVERY_FILE
def test_a_file_with_another_header_is_refused_or_gives_a_model_that_works(path, tmp_path):
    """What is loaded predicts; what it says no to, such as other names of columns, is a ValueError."""
    header, rows, draw = header_of(path), rows_of(skmlp.load(path)), random.Random(path.stem)
    refused = 0
    for _ in range(60):
        model = attempt(with_header(path, with_another_part(header, draw)), tmp_path / "file")
        refused += model is None
        if model is None:
            continue
        try:
            outputs(model, rows)
            model.save(tmp_path / "again")
            go_on(model)
        except (ValueError, TypeError, AttributeError) as error:
            # Of parameters that no fit takes, and of attributes that are deleted.
            assert type(error) is not AttributeError or not model.__sklearn_is_fitted__()
    assert 10 < refused < 60


def go_on(model):
    if hasattr(model, "partial_fit"):
        X = NAMED if hasattr(model, "feature_names_in_") else ROWS
        model.set_params(max_iter=1, verbose=0).partial_fit(X, model.predict(X))


@EVERY_FILE
def test_a_file_with_arrays_in_other_places_is_refused_or_gives_a_model_that_works(path, tmp_path):
    """Where two arrays are of a kind, it is a model of other numbers."""
    header, rows, draw = header_of(path), rows_of(skmlp.load(path)), random.Random(path.stem)
    places = [place for place in places_in(header) if place[-1] == "array"]
    names = [at(header, place) for place in places]
    for place in draw.sample(places, min(len(places), 20)):
        for name in {*draw.sample(names, min(len(names), 6)), "missing"}:
            changed = copy.deepcopy(header)
            at(changed, place[:-1])["array"] = name
            model = attempt(with_header(path, changed), tmp_path / "file")
            assert name != "missing" or model is None
            if model is not None:
                outputs(model, rows)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def test_no_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attack = pickle.dumps(Attack())
    for number, dump in enumerate([pickle.dump, joblib.dump]):
        with open(f"pickle{number}", "wb") as file:
            dump(Attack(), file)
        with pytest.raises(ValueError, match="it is a pickle, which can run code"):
            skmlp.load(f"pickle{number}")
    array = np.empty(1, dtype=object)
    array[0] = Attack()
    with zipfile.ZipFile(SMALL_ONES[0]) as source, zipfile.ZipFile("file", "w") as target:
        for name in source.namelist():
            with target.open(name, "w") as member:
                np.save(member, array) if name == "0.npy" else member.write(source.read(name))
    with pytest.raises(ValueError, match="dtype object are not saved"):
        skmlp.load("file")
    assert not os.path.exists("attacked")
    pickle.loads(attack)
    assert os.path.exists("attacked"), "the attack would do nothing anyway"


GREEDY = {
    "an encoder of many columns": ("encoder", "_n_features_out", 10**12),
    "many units": ("quantiles", "units", {"tuple": [10**6, 10**6, 10**6, 3]}),
    "many classes": ("one_class", "classes", {"objects": [[10**12], []]}),
    "a huge random state": ("quantiles", "random_state", {"random_state": [[0] * 1000, 10**9, 0, 0.0]}),
    "a huge scalar": ("quantiles", "alpha", {"scalar": ["|V1000000000000", 1]}),
}


@pytest.mark.parametrize("what", GREEDY)
def test_no_file_takes_more_memory_than_it_is_long(tmp_path, what):
    name, key, value = GREEDY[what]
    path = FOLDER / skmlp.__version__ / f"{name}.skmlp"
    header = header_of(path)
    (place,) = [place for place in places_in(header) if place[-1] == key]
    at(header, place[:-1])[key] = value
    content = with_header(path, header)
    tracemalloc.start()
    try:
        assert attempt(content, tmp_path / "file") is None
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        skmlp.load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        skmlp.load(tmp_path)
    for path in (3, None, io.BytesIO()):
        with pytest.raises(TypeError, match="PathLike"):
            skmlp.load(path)
