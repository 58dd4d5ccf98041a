"""Files of torch.save, whole, damaged and hostile, in both formats."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import pytest
import torch
from checkpoints import Made, archive, legacy, save_published, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.errors import ModelError
from vrestore.models.checkpoint import PICKLE_LIMIT_BYTES, open_checkpoint
from vrestore.models.importing import import_official
from vrestore.models.unpickle import StoredTensor

STATE = {
    "generator.a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "generator.b": torch.tensor(7),
    "generator.c": torch.arange(6, dtype=torch.float16).reshape(2, 3).T,
    "generator.d": torch.zeros(0, 3),
}
FORMATS = pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])


def tensors_of(path):
    with open_checkpoint(path) as checkpoint:
        state = checkpoint.content["state_dict"]
        return checkpoint.tensors(
            {key: value for key, value in state.items() if isinstance(value, StoredTensor)}
        )


def written(path, data):
    path.write_bytes(data)
    return path


@FORMATS
def test_tensors_come_back_as_they_were_saved(tmp_path, is_zip):
    path = save_published(tmp_path / "a.pth", STATE, is_zip=is_zip)
    found = tensors_of(path)
    assert all(found[key].dtype == value.dtype for key, value in STATE.items())
    assert all(torch.equal(found[key], value) for key, value in STATE.items())


@FORMATS
def test_the_rest_of_a_checkpoint_is_read_as_data(tmp_path, is_zip):
    path = save_published(tmp_path / "a.pth", STATE, is_zip=is_zip)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.content["epoch"] == 245
        assert checkpoint.content["config"]["data_loader"]["args"]["batch_size"] == 8
        assert checkpoint.content["optimizer_g"]["param_groups"][0]["amsgrad"] is True


@FORMATS
def test_what_python_and_torch_would_load_is_loaded_alike(tmp_path, is_zip):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": STATE}, path, _use_new_zipfile_serialization=is_zip)
    expected = torch.load(path, weights_only=True)["state_dict"]
    assert all(torch.equal(value, expected[key]) for key, value in tensors_of(path).items())


@FORMATS
def test_a_file_cut_off_anywhere_is_refused(tmp_path, is_zip):
    data = save_published(tmp_path / "a.pth", STATE, is_zip=is_zip).read_bytes()
    for length in range(0, len(data), 97):
        with pytest.raises(ModelError):
            tensors_of(written(tmp_path / "cut.pth", data[:length]))


@pytest.mark.parametrize("wrap", [archive, legacy], ids=["zip", "legacy"])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, wrap):
    path = tmp_path / "touched"
    program = f"c{Made.__module__}\nMade\n".encode() + text(path) + b"\x85R."
    with pytest.raises(ModelError, match=r"names 'checkpoints.Made'"):
        tensors_of(written(tmp_path / "a.pth", wrap(program)))
    assert not path.exists()


@pytest.mark.parametrize("part", range(5))
def test_each_pickle_of_an_old_file_is_read_with_the_same_care(tmp_path, part):
    path = tmp_path / "touched"
    parts = [
        pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    ]
    parts += [pickle.dumps({}, protocol=2), pickle.dumps([], protocol=2)]
    hostile = f"c{Made.__module__}\nMade\n".encode() + text(path) + b"\x85R."
    parts[part] = hostile
    with pytest.raises(ModelError):
        tensors_of(written(tmp_path / "a.pth", b"".join(parts)))
    assert not path.exists()


@pytest.mark.alone
def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path):
    bomb = archive(bytes(200 * 2**20), compression=zipfile.ZIP_DEFLATED)
    path = written(tmp_path / "a.pth", bomb)
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"'archive/data\.pkl' is compressed"):
        tensors_of(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_pickle_of_many_bytes_is_refused(tmp_path):
    path = written(tmp_path / "a.pth", archive(bytes(PICKLE_LIMIT_BYTES + 1)))
    with pytest.raises(ModelError, match="16,777,217 bytes, more than 16,777,216"):
        tensors_of(path)


def described(key, count, shape, kind="Float"):
    """The pickle of a checkpoint with one vector of this storage."""
    number = pickle.BININT + struct.pack("<i", count)
    size = pickle.BININT + struct.pack("<i", shape)
    storage = (
        b"("
        + text("storage")
        + f"ctorch\n{kind}Storage\n".encode()
        + text(key)
        + text("cpu")
        + number
        + b"tQ"
    )
    tensor = b"(" + storage + b"K\x00" + size + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    state = b"}" + text("a") + b"ctorch._utils\n_rebuild_tensor_v2\n" + tensor + b"s"
    return b"}" + text("state_dict") + state + b"s."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(described("0", 2**31 - 1, 3), {"0": bytes(12)}), "claim more bytes than the file has"),
        (archive(described("0", 3, 3)), "has no entry 'archive/data/0'"),
        (archive(described("0", 3, 3), {"0": bytes(8)}), "has 8 bytes, not 12"),
        (archive(described("../0", 3, 3), {"0": bytes(12)}), r"has no entry 'archive/data/\.\./0'"),
        (archive(described("0", 3, 3), {"0": b"abcdefghijkl"}).replace(b"abcd", b"abce", 1), "damaged.*CRC"),
        (legacy(described("0", 3, 3)), "storage '0' is missing"),
        (b"PK\x03\x04 and no more", "archive is damaged or not whole"),
        (b"some text", "no file of torch.save"),
        (b"", "no file of torch.save"),
    ],
    ids=["huge", "missing", "short", "elsewhere", "flipped", "legacy", "no archive", "text", "empty"],
)
def test_storages_that_are_not_there_are_refused(tmp_path, data, words):
    with pytest.raises(ModelError, match=words):
        tensors_of(written(tmp_path / "a.pth", data))


def test_an_archive_of_two_checkpoints_is_refused(tmp_path):
    data = io.BytesIO(archive(b"}."))
    with zipfile.ZipFile(data, "a") as file:
        file.writestr("other/data.pkl", b"}.")
    with pytest.raises(ModelError, match="2 pickles of data"):
        tensors_of(written(tmp_path / "a.pth", data.getvalue()))


def test_an_encrypted_archive_is_refused(tmp_path):
    data = bytearray(archive(b"}."))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start) + flags] |= 1
    with pytest.raises(ModelError, match="encrypted"):
        tensors_of(written(tmp_path / "a.pth", bytes(data)))


def test_numbers_in_the_other_order_are_refused(tmp_path):
    data = io.BytesIO(archive(b"}."))
    with zipfile.ZipFile(data, "a") as file:
        file.writestr("archive/byteorder", b"big")
    with pytest.raises(ModelError, match="little-endian"):
        tensors_of(written(tmp_path / "a.pth", data.getvalue()))


def test_a_count_that_is_not_the_one_described_is_refused(tmp_path):
    path = save_published(tmp_path / "a.pth", STATE, is_zip=False)
    data = path.read_bytes()
    count = (6).to_bytes(8, "little")
    assert data.count(count) > 1
    with pytest.raises(ModelError, match="has 5 numbers, not 6"):
        tensors_of(written(path, data.replace(count, (5).to_bytes(8, "little"))))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A small checkpoint in each format, as bytes."""
    path = tmp_path_factory.mktemp("both") / "a.pth"
    return [save_published(path, STATE, is_zip=is_zip).read_bytes() for is_zip in (True, False)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_changed_the_answer_is_a_refusal(both, tmp_path, data):
    """The checkpoint is a small one, so it would be refused whole as well; nothing else may be raised."""
    changed = bytearray(data.draw(st.sampled_from(both)))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with pytest.raises(ModelError, match="nothing in it was run"):
        import_official(written(tmp_path / "changed.pth", bytes(changed)), name="changed")
