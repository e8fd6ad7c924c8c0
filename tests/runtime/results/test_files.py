import errno
import json
import math
import os
import platform
import random
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optsde.runtime.results import files as records
from optsde.runtime.results.files import load_record, provenance, save_record, write_atomically

KEYS = st.text().filter(lambda key: not key.startswith("$"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
RECORDS = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)
)


def _round_trip(tmp_path, record):
    save_record(tmp_path / "r.json", record)
    text = (tmp_path / "r.json").read_text(encoding="ascii")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"bare {name} is not JSON"))
    return load_record(tmp_path / "r.json")


def _bits(value):
    """Equal exactly where type and content are, to the sign of zero and with nan equal to nan."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, dict):
        return [(key, _bits(entry)) for key, entry in value.items()]
    return [_bits(entry) for entry in value] if isinstance(value, list) else (type(value), value)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(record=RECORDS)
def test_nothing_is_lost(tmp_path_factory, record):
    assert _bits(_round_trip(tmp_path_factory.getbasetemp(), record)) == _bits(record)


@pytest.mark.parametrize("dtype", sorted(records._DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_arrays_keep_bits_dtype_and_shape(tmp_path, dtype, shape):
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(3).integers(0, 2 if dtype == "bool" else 256, size=size, dtype=np.uint8)
    array = np.ascontiguousarray(raw).view(dtype).reshape(shape)
    back = _round_trip(tmp_path, {"a": array})["a"]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)  # counts nan as equal to nan


def test_special_floats_in_arrays(tmp_path):
    array = np.array([[np.nan, np.inf], [-np.inf, -0.0], [5e-324, 0.1]])
    back = _round_trip(tmp_path, {"a": array})["a"]
    np.testing.assert_array_equal(back, array)
    assert np.signbit(back[1, 1])


def test_numpy_scalars_become_python_numbers(tmp_path):
    back = _round_trip(tmp_path, {"f": np.float32(0.1), "i": np.int64(3), "b": np.True_, "t": (1, 2)})
    assert back == {"f": float(np.float32(0.1)), "i": 3, "b": True, "t": [1, 2]}
    assert [type(back[key]) for key in "fib"] == [float, int, bool]


def test_file_is_for_reading(tmp_path):
    save_record(
        tmp_path / "r.json", {"taus": np.array([0.5, 0.25]), "slope": {"low": 1.9, "used": [True, False]}}
    )
    assert (tmp_path / "r.json").read_text() == (
        '{\n  "format": "optsde record",\n  "version": 1,\n  "content": {\n'
        '    "taus": {"$array": "float64", "shape": [2], "values": [0.5, 0.25]},\n'
        '    "slope": {\n      "low": 1.9,\n      "used": [true, false]\n    }\n  }\n}\n'
    )


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([1], "record is a list, expected a mapping"),
        ({"a": {"b": [1, {2}]}}, r"record\.a\.b\[1\] is a set, expected numbers"),
        ({"a": 1j}, "record.a is a complex"),
        ({"a": np.array([1j])}, "record.a is a ndarray of complex128"),
        ({"a": np.array([object()])}, "record.a is a ndarray of object"),
        ({"a": np.ma.masked_array([1.0], mask=[True])}, "record.a is a MaskedArray of float64"),
        ({"a": np.longdouble(1)}, "record.a is a longdouble"),
        ({1: 2}, "record has the key 1, expected a string"),
        ({"$array": 2}, r"has the key '\$array'"),
    ],
)
def test_what_has_no_form_is_refused_and_the_old_file_stays(tmp_path, record, message):
    save_record(tmp_path / "r.json", {"old": 1})
    with pytest.raises(ValueError, match=message) as caught:
        save_record(tmp_path / "r.json", record)
    assert "\n" not in str(caught.value)
    assert load_record(tmp_path / "r.json") == {"old": 1}


def test_every_truncation_is_noticed(tmp_path):
    save_record(tmp_path / "r.json", {"a": np.array([1.5, np.nan]), "b": {"c": [1, "é"]}})
    whole = (tmp_path / "r.json").read_bytes()
    for length in range(len(whole) - 1):  # the last byte is a newline
        (tmp_path / "t.json").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"t\.json is damaged or no record") as caught:
            load_record(tmp_path / "t.json")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\xff\xff", "is damaged or no record"),
        (b'{"format": "optsde record", "version": 1, "content": {"a": NaN}}', r"bare NaN\), expected JSON"),
        (b"[" * 200_000, "is damaged or no record"),
        (b"[1, 2]", "is JSON but no record"),
        (
            b'{"format": "other", "version": 1, "content": {}}',
            "no record, expected the format 'optsde record'",
        ),
        (b'{"format": "optsde record", "version": 2, "content": {}}', "has format version 2, expected 1"),
        (
            b'{"format": "optsde record", "version": 1, "content": {"a": {"$array": "object"}}}',
            r"unknown form \$array",
        ),
        (
            b'{"format": "optsde record", "version": 1, "content": '
            b'{"a": {"$array": "float64", "shape": [3], "values": [1, 2]}}}',
            "malformed value",
        ),
        (
            b'{"format": "optsde record", "version": 1, "content": '
            b'{"a": {"$array": "int8", "shape": [1], "values": [1000]}}}',
            "malformed value",
        ),
        (
            b'{"format": "optsde record", "version": 1, "content": '
            b'{"a": {"$array": "float64", "shape": [1], "values": ["1.0"]}}}',
            "malformed value",
        ),
    ],
)
def test_foreign_and_damaged_files(tmp_path, data, message):
    (tmp_path / "r.json").write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        load_record(tmp_path / "r.json")
    assert "\n" not in str(caught.value)


def test_unreadable_and_unwritable_paths(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"cannot read .*none: No such file"):
        load_record(tmp_path / "none")
    for name in ("missing/r.json", "file/r.json", "folder"):
        with pytest.raises(
            ValueError, match=f"cannot write .*{name}: .*; expected a file name in an existing folder"
        ):
            save_record(tmp_path / name, {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    save_record(tmp_path / "r.json", {"old": 1})

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match=r"cannot write .*r\.json: No space left on device"):
        save_record(tmp_path / "r.json", {"new": 1})
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]
    assert load_record(tmp_path / "r.json") == {"old": 1}


def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def _writer(script, *arguments):
    """A second process in which `save_record` and `np` are at hand."""
    head = "import os, signal, sys; import numpy as np\nfrom optsde.runtime.results import files as records\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + script, *map(str, arguments)], stdout=subprocess.PIPE
    )


OLD, NEW = {"a": np.zeros(20_000)}, {"a": np.ones(20_000)}


@pytest.mark.parametrize(("call", "survivor"), [("write", 0), ("fsync", 0), ("replace", 0), ("unlink", 1)])
def test_killed_at_each_stage_the_file_is_old_or_new(tmp_path, call, survivor):
    save_record(tmp_path / "r.json", OLD)
    script = (
        "def die(*args, **kwargs): os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Half:\n"  # a file that is cut in the middle of its bytes
        "    def __init__(self, *args): self.file = open(*args, buffering=0)\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *error): pass\n"
        "    def write(self, data): self.file.write(data[: len(data) // 2]); die()\n"
        "if sys.argv[2] == 'write': records.open = Half\n"
        "elif sys.argv[2] == 'unlink': records.Path.unlink = die\n"
        "else: setattr(os, sys.argv[2], die)\n"
        "records.save_record(sys.argv[1], {'a': np.ones(20_000)})\n"
    )
    process = _writer(script, tmp_path / "r.json", call)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert load_record(tmp_path / "r.json")["a"].sum() == 20_000 * survivor
    assert len(list(tmp_path.glob(".r.json.*.tmp"))) == 1 - survivor


def test_killed_at_random_the_file_is_old_or_new(tmp_path):
    delays = random.Random(5)
    script = (
        "rounds = [{'a': np.zeros(20_000)}, {'a': np.ones(20_000)}]\n"
        "print('go', flush=True)\n"
        "while True:\n"
        "    for record in rounds: records.save_record(sys.argv[1], record)\n"
    )
    save_record(tmp_path / "r.json", OLD)
    for _ in range(8):
        with _writer(script, tmp_path / "r.json") as process:
            assert process.stdout.readline() == b"go\n"
            time.sleep(delays.uniform(0, 0.05))
            process.kill()
        array = load_record(tmp_path / "r.json")["a"]
        assert np.array_equal(array, OLD["a"]) or np.array_equal(array, NEW["a"])


def test_provenance_says_versions_and_no_places(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "/home/somebody/bin/optsde",
            "converge",
            "/home/somebody/x=y.toml",
            "--out=/home/somebody/a=b",
            "tau=1/2",
        ],
    )
    entry = provenance()
    assert entry["command"] == ["optsde", "converge", "x=y.toml", "--out=a=b", "tau=1/2"]
    assert entry["versions"]["python"] == platform.python_version()
    assert entry["versions"]["numpy"] == np.__version__
    assert set(entry["versions"]) == {"python", "optsde", "numpy", "sympy", "numba"}
    assert entry["cpus"] == os.cpu_count()
    assert entry["time"].endswith("+00:00")
    assert _round_trip(tmp_path, entry) == entry
