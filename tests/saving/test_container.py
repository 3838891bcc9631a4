"""The file is exactly the one asked for, whole or as it was; what is none of ours, or lies about itself, is refused."""

import io
import json
import os
import pickle
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from skmlp.saving import container

HEADER = {"format": 1, "text": "ä ☃ \ud800", "numbers": [1, 0.1, -0.0, 2**70]}
ARRAYS = {
    "0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "1": np.array(["a", "ß☃"]),
    "2": np.array([True, False]),
    "3": np.array(["2020-01-01"], dtype="M8[D]"),
    "4": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "5": np.zeros((0, 3), dtype=np.int8),
    "6": np.array(7.0),
    "7": np.arange(10)[::-2],
    "8": np.array([b"x"]),
    "9": np.arange(3, dtype=">f8"),
}


def read(path):
    with open(path, "rb") as file:
        return container.read(file)


def archive(path, members, **options):
    """A zip archive of these members: bytes, arrays or JSON."""
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                stream = io.BytesIO()
                np.lib.format.write_array(stream, content)
                content = stream.getvalue()
            file.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def npy(shape, dtype, body=b"", fortran_order=False):
    """An ``.npy`` file that says this of itself."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": fortran_order, "shape": shape})
    return stream.getvalue() + body


def test_what_is_written_is_read(tmp_path):
    container.write(tmp_path / "file", HEADER, ARRAYS)
    header, arrays = read(tmp_path / "file")
    assert json.dumps(header) == json.dumps(HEADER)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype.newbyteorder("=")
        assert arrays[name].flags.writeable and arrays[name].flags.aligned and arrays[name].flags.c_contiguous


def test_arrays_can_be_looked_at_with_numpy(tmp_path):
    container.write(tmp_path / "file", HEADER, ARRAYS)
    with np.load(tmp_path / "file", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["0"], ARRAYS["0"])


def test_equal_models_make_equal_files(tmp_path):
    for name in "ab":
        container.write(tmp_path / name, HEADER, ARRAYS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name", ["model", "model.npz", "model.tar.gz", "m", "x" * 255, "ä ☃"])
@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_the_file_is_the_one_asked_for(tmp_path, name, kind):
    container.write(kind(tmp_path / name), HEADER, ARRAYS)
    assert os.listdir(tmp_path) == [name]


def test_a_relative_path_is_one_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    container.write("model", HEADER, {})
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("path", [3, None, io.BytesIO()])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TypeError, match="PathLike"):
        container.write(path, HEADER, {})


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    arrays = {**ARRAYS, "z": np.array([object()])}
    with pytest.raises(ValueError, match="Object arrays"):
        container.write(tmp_path / "file", HEADER, arrays)
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_an_interrupt_leaves_the_old_file_alone(tmp_path, monkeypatch):
    def interrupt(number):
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        container.write(tmp_path / "file", HEADER, ARRAYS)
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_permissions_are_those_of_new_files_and_of_replaced_ones(tmp_path):
    (tmp_path / "plain").touch()
    (tmp_path / "private").touch(mode=0o600)
    for name in ("new", "private"):
        container.write(tmp_path / name, HEADER, {})
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in os.listdir(tmp_path)}
    assert modes["new"] == modes["plain"]
    assert modes["private"] == 0o600


def test_a_link_stays_one(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    container.write(tmp_path / "link", HEADER, {})
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "file")[0] == HEADER


def test_errors_name_the_file_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/model"):
        container.write(tmp_path / "nowhere" / "model", HEADER, {})
    with pytest.raises(OSError, match="no file that could be replaced"):
        container.write(tmp_path, HEADER, {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no file that could be replaced"):
        container.write(tmp_path / "pipe", HEADER, {})
    assert os.listdir(tmp_path) == ["pipe"]


FOREIGN = {
    "nothing": b"",
    "text": b"a,b\n1,2\n",
    "a pickle": pickle.dumps([1]),
    "a pickle of protocol 0": pickle.dumps([1], protocol=0),
    "zeros": bytes(1000),
    "the start of an archive": container.MAGIC,
    "an empty archive": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_are_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    message = "it is a pickle" if content[:1] == b"\x80" else "no file of skmlp|not a zip"
    with pytest.raises((ValueError, zipfile.BadZipFile), match=message):
        read(tmp_path / "file")


def test_archives_of_others_are_refused(tmp_path):
    np.savez(tmp_path / "file.npz", weights=np.zeros(3))
    with pytest.raises(ValueError, match="no file of skmlp"):
        read(tmp_path / "file.npz")


def test_what_is_compressed_is_not_unpacked(tmp_path):
    """A zip bomb: some kilobytes that would be 100 MB."""
    members = {container.HEADER: HEADER, "0.npy": npy((100_000_000,), "|u1", bytes(100_000_000))}
    path = archive(tmp_path / "file", members, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    with pytest.raises(ValueError, match="compressed"):
        read(path)


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """Another bomb: many members, all of them the same part of the file."""
    path = archive(tmp_path / "file", {container.HEADER: HEADER, "0.npy": npy((10_000,), "|u1", bytes(10_000))})
    with zipfile.ZipFile(path, "a") as file:
        for number in range(1, 100):
            twin = zipfile.ZipInfo("0.npy")
            for name in ("header_offset", "CRC", "file_size", "compress_size"):
                setattr(twin, name, getattr(file.filelist[1], name))
            twin.filename = f"{number}.npy"
            file.filelist.append(twin)
        file._didModify = True
    with pytest.raises(ValueError, match="longer than the file"):
        read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    path = archive(tmp_path / "file", {container.HEADER: HEADER})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(container.HEADER, "{}")
    with pytest.raises(ValueError, match="same name"):
        read(path)


LIES = {
    "a huge shape": npy((10**15,), "<f8", bytes(8)),
    "a huge shape whose size overflows to that of the bytes": npy((2**32, 2**32, 1), "<f8"),
    "negative lengths": npy((-1, -1), "|u1", bytes(1)),
    "too few bytes": npy((3,), "<f8", bytes(23)),
    "too many bytes": npy((3,), "<f8", bytes(25)),
    "objects": npy((1,), "|O", pickle.dumps([1])),
    "records": npy((1,), [("a", "<f8")], bytes(8)),
    "nothing of a size": npy((3,), "|V0"),
    "quadruple precision": npy((1,), "<f16", bytes(16)),
    "complex numbers": npy((1,), "<c16", bytes(16)),
    "Fortran order": npy((2, 1), "<f8", bytes(16), fortran_order=True),
    "truth values that are none": npy((2,), "|b1", b"\x01\x02"),
    "characters that are none": npy((1,), "<U1", b"\xff\xff\xff\x7f"),
    "no array": b"nonsense",
    "an unknown version": b"\x93NUMPY\x09\x00" + bytes(100),
    "code in the place of a header": b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').system('true')".ljust(32),
    "a header that is deeply nested": b"\x93NUMPY\x01\x00\x28\x23" + b"-" * 8999 + b"1",
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_arrays_that_lie_about_themselves_are_refused(tmp_path, content):
    path = archive(tmp_path / "file", {container.HEADER: HEADER, "0.npy": content})
    with pytest.raises((ValueError, TypeError, KeyError, SyntaxError, MemoryError)):
        read(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000])
def test_headers_that_are_no_json_are_refused(tmp_path, content):
    path = archive(tmp_path / "file", {container.HEADER: content})
    with pytest.raises((ValueError, RecursionError)):
        read(path)
