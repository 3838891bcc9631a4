"""The file: a zip archive of JSON and arrays, as ``numpy.savez`` writes them, of which nothing is compressed.

So no part of a file takes more memory than the file is long, and what it says of itself is held against that before
anything is made.
"""

import json
import math
import os
import shutil
import stat
import zipfile
from contextlib import contextmanager, suppress
from io import BytesIO
from secrets import token_hex

import numpy as np
from numpy.lib import format as npy

HEADER = "model.json"
MAGIC = b"PK\x03\x04"
KINDS = "biufSUMm"  # of dtypes, and none that takes more than 8 bytes a number


def can_hold(dtype):
    """Whether arrays of a dtype can stand in a file: booleans, numbers, texts and dates."""
    return dtype.kind in KINDS and (dtype.kind in "SU" or dtype.itemsize <= 8)


def write(path, header, arrays):
    """Write a file, or leave what was there as it was.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    header : JSON
    arrays : dict of ndarray
        By name; of dtypes that :func:`can_hold`.
    """
    with replacing(os.fsdecode(path)) as file, zipfile.ZipFile(file, "w") as archive:
        # A ZipInfo of its own has no date, so that equal models make equal files.
        archive.writestr(zipfile.ZipInfo(HEADER), json.dumps(header, allow_nan=False))
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


@contextmanager
def replacing(path):
    """A new file that takes the place of the one at ``path`` when all is written; a link stays one."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        raise OSError(f"{path} is there, and is no file that could be replaced.")
    temporary = os.path.join(os.path.dirname(target), f".{token_hex(8)}.tmp")
    try:
        with open_new(temporary, path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def open_new(temporary, path):
    """A new file; an error names the path that was asked for."""
    try:
        return open(temporary, "xb")
    except OSError as error:
        error.filename = path
        raise


def read(file):
    """Header and arrays of an open file.

    Returns
    -------
    header : JSON
    arrays : dict of ndarray

    Raises
    ------
    Exception
        Of any kind, if it is none of ours, or damaged.
    """
    start = file.read(len(MAGIC))
    if start[:1] == b"\x80":
        raise ValueError("it is a pickle, which can run code; pickle and joblib load it, if you trust where it is from")
    if start != MAGIC:
        raise ValueError("it is no file of skmlp")
    with zipfile.ZipFile(file) as archive:
        names = checked_names(archive, os.fstat(file.fileno()).st_size)
        if HEADER not in names:
            raise ValueError("it is no file of skmlp")
        header = json.loads(archive.read(HEADER).decode(), parse_constant=refuse_constant)
        arrays = {name.removesuffix(".npy"): read_array(archive.read(name)) for name in names - {HEADER}}
    return header, arrays


def checked_names(archive, size):
    """Names of the members of an archive of so many bytes, which are stored as they are."""
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(names) < len(members):
        raise ValueError("there are members of the same name")
    stored = all(each.compress_type == zipfile.ZIP_STORED and each.file_size == each.compress_size for each in members)
    if not stored:
        raise ValueError("members are compressed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("members are longer than the file")
    return names


def refuse_constant(name):
    """JSON has no NaN and no infinity."""
    raise ValueError(f"{name} is no JSON")


def read_array(data):
    """An array of the bytes of an ``.npy`` file, its shape held against their number before anything is made."""
    file = BytesIO(data)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
    shape, fortran_order, dtype = read_header(file)
    body = memoryview(data)[file.tell() :]
    if not can_hold(dtype) or dtype.names or dtype.subdtype or fortran_order:
        raise ValueError(f"arrays of dtype {dtype} are not saved")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"an array of shape {shape} and dtype {dtype} has {len(body)} bytes")
    # What NumPy takes on trust: bytes that are no truth values, numbers that are no characters.
    if dtype.kind == "b" and np.frombuffer(body, np.uint8).max(initial=0) > 1:
        raise ValueError("an array of booleans holds other values")
    array = np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    if dtype.kind == "U" and array.view(np.uint32).max(initial=0) > 0x10FFFF:
        raise ValueError("an array of texts holds what is no character")
    return array
