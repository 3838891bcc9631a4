"""Files that this version and earlier ones have written: they load, and predict what they did."""

import json

import numpy as np
import pandas as pd
import pytest

import skmlp
from skmlp.saving import Saveable, container
from tests.estimators import saved_models
from tests.estimators.saved_models import FOLDER, MODELS, outputs

FILES = sorted(FOLDER.glob("*/*.skmlp"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def test_each_version_has_files_of_all_that_can_be_saved():
    classes = {name for name in skmlp.__all__ if issubclass(type(getattr(skmlp, name)), type)}
    saveable = {name for name in classes if issubclass(getattr(skmlp, name), Saveable)}
    assert len(saveable) == 7
    folder = FOLDER / skmlp.__version__
    assert folder.is_dir(), "make files of this version: python -m tests.estimators.saved_models"
    assert {path.stem for path in folder.glob("*.skmlp")} == MODELS.keys()
    assert {type(skmlp.load(path)).__name__ for path in folder.glob("*.skmlp")} == saveable


@EVERY_FILE
def test_predictions_are_what_they_were(path):
    content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    model = skmlp.load(path)
    assert type(model).__name__ == content["estimator"]
    rows = pd.DataFrame(content["rows"]) if isinstance(content["rows"], dict) else np.array(content["rows"])
    found = outputs(model, rows)
    assert found.keys() == content["expected"].keys()
    for method, expected in content["expected"].items():
        if found[method].dtype.kind == "f":  # another processor may round otherwise
            np.testing.assert_allclose(found[method], expected, rtol=1e-4, atol=1e-5)
        else:
            assert found[method].tolist() == expected


@EVERY_FILE
def test_they_can_be_saved_again(path, tmp_path):
    skmlp.load(path).save(tmp_path / "again")
    skmlp.load(tmp_path / "again").save(tmp_path / "once more")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "once more").read_bytes()


@EVERY_FILE
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_goes_on(path):
    model, (_, X, y) = skmlp.load(path), MODELS[path.stem]
    if hasattr(model, "_optimizer"):
        before = model.t_
        assert model.partial_fit(X, y).t_ == before + len(X)
    elif hasattr(model, "warm_start"):
        before = len(model.loss_curve_)
        assert len(model.set_params(warm_start=True).fit(X, y).loss_curve_) == before + model.n_iter_
    else:
        model.fit(X, y)


def test_the_command_writes_what_is_here(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_models, "MODELS", {name: MODELS[name] for name in ("two_outputs", "encoder")})
    saved_models.write(tmp_path / "9.9")
    for name in saved_models.MODELS:
        then, now = ((folder / f"{name}.json").read_text() for folder in (FOLDER / skmlp.__version__, tmp_path / "9.9"))
        assert json.loads(then).keys() == json.loads(now).keys()
        assert skmlp.load(tmp_path / "9.9" / f"{name}.skmlp").get_params()
    with pytest.raises(FileExistsError):
        saved_models.write(tmp_path / "9.9")


def test_a_file_of_a_later_format_says_which_version_wrote_it(tmp_path):
    path = change(FILES[0], tmp_path / "file", format=2, skmlp="3.1.4")
    with pytest.raises(ValueError, match=r"format 2, .* none after 1\. It was written by skmlp 3\.1\.4\."):
        skmlp.load(path)
    for nonsense in (0, -1, "1", 1.0, True, None, [1]):
        with pytest.raises(ValueError, match="format"):
            skmlp.load(change(FILES[0], tmp_path / "file", format=nonsense))


def change(source, path, **entries):
    """A file with other entries in its header."""
    with open(source, "rb") as file:
        header, arrays = container.read(file)
    container.write(path, header | entries, arrays)
    return path
