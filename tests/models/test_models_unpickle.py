"""What a pickle may say, and that nothing it says is ever run."""

import copyreg
import io
import pickle
import struct

import pytest
from checkpoints import Made, Told, text
from hypothesis import given, settings
from hypothesis import strategies as st

from vrestore.errors import ModelError
from vrestore.models.unpickle import OPCODE_LIMIT, Blank, Storage, StoredTensor, read_pickle

MADE, TOLD = f"c{Made.__module__}\nMade\n".encode(), f"c{Told.__module__}\nTold\n".encode()
NAMES = text(Made.__module__) + text("Made") + pickle.STACK_GLOBAL
EXTENSION = 251

HOSTILE = {
    "REDUCE": lambda path: MADE + text(path) + b"\x85R.",
    "NEWOBJ": lambda path: MADE + text(path) + b"\x85\x81.",
    "NEWOBJ_EX": lambda path: MADE + text(path) + b"\x85}\x92.",
    "INST": lambda path: b"(" + text(path) + b"i" + MADE[1:] + b".",
    "OBJ": lambda path: b"(" + MADE + text(path) + b"o.",
    "STACK_GLOBAL": lambda path: NAMES + text(path) + b"\x85R.",
    "EXT1": lambda path: b"\x82" + bytes([EXTENSION]) + text(path) + b"\x85R.",
    "EXT2": lambda path: b"\x83" + struct.pack("<H", EXTENSION) + text(path) + b"\x85R.",
    "EXT4": lambda path: b"\x84" + struct.pack("<i", EXTENSION) + text(path) + b"\x85R.",
    "BUILD": lambda path: TOLD + b")\x81" + text(path) + b"b.",
    "REDUCE inside": lambda path: b"\x80\x02}" + text("state_dict") + MADE + text(path) + b"\x85Rs.",
    "REDUCE dropped": lambda path: MADE + text(path) + b"\x85R0}.",
}
"""Programs that leave a file behind, by the instruction that does it."""


@pytest.fixture(autouse=True)
def extension():
    copyreg.add_extension(Made.__module__, "Made", EXTENSION)
    yield
    copyreg.remove_extension(Made.__module__, "Made", EXTENSION)


def value_of(program):
    return read_pickle(io.BytesIO(program)).value


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE)
def test_hostile_programs_are_refused_and_not_run(program, tmp_path):
    path = tmp_path / "touched"
    with pytest.raises(ModelError, match="which no weights need"):
        value_of(program(path))
    assert not path.exists()


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE)
def test_the_hostile_programs_would_have_been_run_by_python(program, tmp_path):
    path = tmp_path / "touched"
    pickle.loads(program(path))
    assert path.exists()


@pytest.mark.parametrize(
    "name",
    ["posix.system", "builtins.eval", "builtins.getattr", "torch.load", "operator.attrgetter", "x.y.z"],
)
def test_a_name_that_is_not_known_is_refused_by_name(name):
    module, _, leaf = name.rpartition(".")
    with pytest.raises(ModelError, match=f"names '{name}'"):
        value_of(f"c{module}\n{leaf}\n.".encode())


@pytest.mark.parametrize(
    "program",
    [
        b"ccollections\nOrderedDict\n}b.",  # a state for a name
        b"ccollections\nOrderedDict\n]\x85R.",  # a dictionary made of something
        b"ctorch\nFloatStorage\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"K\x01)R.",  # a number is called
        b"]K\x01b.",
        b"}}K\x01s" + b".",
        b"}K\x01a.",
        b"](K\x01K\x02u.",
        b"}(K\x01u.",  # a key without value
        b"})K\x01s.",  # a tuple as key
        b"h\x05.",  # nothing was kept there
        b"t.",
        b"\x85.",
        b"R.",
        b".",
        b"",
        b"X\xff\xff\xff\xffabc.",
        b"X\x01\x00\x00\x00\xff.",
        b"\x8a\xff\x01.",
        b"cno newline",
        b"K\x01Q.",  # what is kept beside the pickle is no number
    ],
)
def test_programs_that_make_no_sense_are_refused(program):
    with pytest.raises(ModelError, match="its pickle"):
        value_of(program)


def identity(kind=b"ctorch\nFloatStorage\n", count=b"K\x06"):
    return b"(" + text("storage") + kind + text("0") + text("cpu") + count + b"tQ"


def tensor(offset=b"K\x00", shape=b"K\x02K\x03\x86", stride=b"K\x03K\x01\x86", storage=None):
    parts = storage or identity(), offset, shape, stride, b"\x89", b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + b"".join(parts) + b"tR."


def test_a_tensor_is_described_and_not_read():
    expected = StoredTensor(Storage("0", "float32", 6), 0, (2, 3), (3, 1))
    assert read_pickle(io.BytesIO(tensor())).value == expected


HUGE = b"\x8a\x0a" + (10**22).to_bytes(10, "little")


@pytest.mark.parametrize(
    "program",
    [
        tensor(offset=b"K\x01"),
        tensor(shape=b"K\x03K\x03\x86"),
        tensor(stride=b"K\x04K\x01\x86"),
        tensor(shape=b"K\x02\x85"),
        tensor(shape=b"K\x03K\x03\x86", stride=b"K\x00K\x00\x86"),
        tensor(shape=HUGE + b"K\x03\x86", stride=b"K\x00K\x00\x86"),
        tensor(shape=HUGE + HUGE + b"\x86"),
        tensor(shape=b"K\x01K\x03\x86", stride=HUGE + b"K\x01\x86"),
        tensor(shape=b"K\x00K\x03\x86", offset=HUGE),
        tensor(offset=b"J\xff\xff\xff\xff"),
        tensor(stride=b"J\xff\xff\xff\xffK\x01\x86"),
        tensor(shape=b"]K\x03\x86"),
        tensor(storage=identity(kind=b"cutils.logger\nLogger\n")),
        tensor(storage=identity(count=b"J\xff\xff\xff\xff")),
        tensor(storage=b"N"),
    ],
)
def test_a_tensor_that_is_not_within_its_storage_is_refused(program):
    with pytest.raises(ModelError, match="pickle is damaged"):
        value_of(program)


def test_a_storage_described_in_two_ways_is_refused():
    with pytest.raises(ModelError, match="describes the storage '0' twice"):
        value_of(b"(" + identity() + identity(count=b"K\x07") + b"t.")


def test_objects_without_a_say_become_blanks():
    program = b"cutils.logger\nLogger\n)\x81}" + text("entries") + b"K\x01sb."
    assert isinstance(value_of(program), Blank)


def test_too_many_instructions_are_refused():
    with pytest.raises(ModelError, match="more than 1,000,000 instructions"):
        value_of(b"]" * (OPCODE_LIMIT + 1))


DEEP = 200_000


@pytest.mark.parametrize(
    "program",
    [b")" + b"\x85" * DEEP, b"]" * DEEP + b"a" * (DEEP - 1), b"}K\x01" * DEEP + b"N" + b"s" * DEEP],
    ids=["tuples", "lists", "dictionaries"],
)
def test_deep_nesting_neither_recurses_nor_crashes(program):
    assert value_of(program + b".")


def test_a_deep_tuple_as_a_key_does_not_crash():
    with pytest.raises(ModelError, match="a key is neither"):
        value_of(b"})" + b"\x85" * DEEP + b"Ns.")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(plain)
def test_plain_values_are_read_as_python_reads_them(value):
    assert value_of(pickle.dumps(value, protocol=2)) == value


GOOD = pickle.dumps({"a": [1, 2.5, ("b", None)], "c": {3: True}}, protocol=2) + tensor()


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(GOOD)), st.integers(0, 8))
def test_whatever_the_bytes_the_answer_is_a_value_or_a_refusal(noise, place, dropped):
    stream = io.BytesIO(GOOD[:place] + noise + GOOD[place + dropped :])
    while stream.tell() < len(stream.getvalue()):
        try:
            read_pickle(stream)
        except ModelError:
            return
