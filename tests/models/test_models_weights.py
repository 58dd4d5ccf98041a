"""Weights files: written, found again, loaded strictly; what does not fit is refused in words."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from networks import small
from safetensors.torch import load_file, save_file

from vrestore.errors import ModelError, TargetError
from vrestore.models import library
from vrestore.models.cards import Card, Data, Measurement, read_card, write_card
from vrestore.models.library import Weights, find_weights, model_names
from vrestore.models.weights import ARCHITECTURES, load_model, save_weights, verify

SHIPPED_LIMIT_BYTES = 20_000_000

CARD = Card(
    name="mine",
    version="1",
    architecture="tsam-small",
    summary="Paints.",
    licence="Apache-2.0",
    data=(Data("drawn clips", "CC0-1.0"),),
    command="python -m vrestore.training inpaint --data clips --out mine",
    seed=3,
    steps=2000,
    machine="two cores",
    quality=(Measurement("hole PSNR", "23.4 dB", "python -m benchmarks.inpaint_quality"),),
)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """A folder of shipped weights and one of the user's, both empty."""
    monkeypatch.setenv("VRESTORE_MODELS", str(tmp_path / "user"))
    monkeypatch.setattr(library, "SHIPPED_FOLDER", tmp_path / "shipped")
    for name in ("user", "shipped"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def network():
    return small()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("saved")
    save_weights(network, folder / "mine.safetensors", CARD)
    return folder


@pytest.fixture
def mine(folders, saved):
    """Weights in the user's folder."""
    shutil.copytree(saved, folders / "user", dirs_exist_ok=True)
    return folders / "user" / "mine.safetensors"


def alter(path, change, **header):
    """Write the file anew with changed entries; its card goes, which would tell."""
    state = load_file(path)
    change(state)
    save_file(state, path, metadata={"architecture": "tsam-small"} | header)
    path.with_suffix(".json").unlink()


def test_weights_come_back_as_fp16_has_them(network, mine):
    found = load_model("mine").state_dict()
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[key], value.half().float()) for key, value in network.state_dict().items())


def test_the_network_is_ready_for_use(mine):
    network = load_model("mine")
    assert not any(part.training for part in network.modules())
    assert not any(value.is_meta for value in network.state_dict().values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_network_is_of_the_precision_asked_for(mine, dtype):
    assert {value.dtype for value in load_model("mine", dtype=dtype).parameters()} == {dtype}


@pytest.mark.gpu
def test_the_network_is_where_it_was_asked_for(mine):
    assert {value.device.type for value in load_model("mine", device="cuda").parameters()} == {"cuda"}


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux tells what is mapped")
def test_weights_are_mapped_and_not_read(mine):
    network = load_model("mine", dtype=torch.float16)
    start, length = network.encoder.stem.weight.data_ptr(), 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, _, last = line.split()[0].partition("-")
        if int(first, 16) <= start < int(last, 16):
            assert line.endswith(str(mine))
            length = int(last, 16) - int(first, 16)
    assert length > 0


def test_the_same_weights_give_the_same_bytes(network, mine, folders):
    other = folders / "mine.safetensors"
    save_weights(network, other, CARD)
    assert other.read_bytes() == mine.read_bytes()


def test_the_layout_in_memory_does_not_matter(network, mine, folders):
    other = folders / "mine.safetensors"
    save_weights(small().to(memory_format=torch.channels_last), other, CARD)
    assert other.read_bytes() == mine.read_bytes()


def test_writing_leaves_file_and_card_alone_behind(saved):
    assert {path.name for path in saved.iterdir()} == {"mine.safetensors", "mine.json"}


def test_the_card_returns_with_the_hash(mine):
    weights = find_weights("mine")
    assert weights.card == replace(CARD, sha256=verify(weights))


def test_a_network_of_another_kind_is_not_written(folders):
    path = folders / "mine.safetensors"
    with pytest.raises(ModelError, match="it is not a whole tsam: 'encoder"):
        save_weights(small(), path, replace(CARD, architecture="tsam"))
    assert not path.exists()


def test_numbers_that_fp16_does_not_hold_are_not_written(folders):
    network = small()
    with torch.no_grad():
        network.encoder.stem.weight[0, 0, 0, 0] = 70_000
    with pytest.raises(
        ModelError, match=r"'encoder\.stem\.weight' holds numbers .* too large for torch.float16"
    ):
        save_weights(network, folders / "mine.safetensors", CARD)


def test_a_file_is_called_as_its_card_is(network, folders):
    with pytest.raises(ValueError, match=r"called mine\.safetensors, got 'other\.safetensors'"):
        save_weights(network, folders / "other.safetensors", CARD)


def test_a_folder_that_is_not_there_is_a_target_error(network, folders):
    with pytest.raises(TargetError, match="cannot be written"):
        save_weights(network, folders / "none" / "mine.safetensors", CARD)


def test_an_architecture_is_a_name_and_what_makes_it(mine, network, monkeypatch, folders):
    monkeypatch.setitem(ARCHITECTURES, "other", partial(torch.nn.Linear, 2, 3))
    save_weights(
        torch.nn.Linear(2, 3), folders / "line.safetensors", replace(CARD, name="line", architecture="other")
    )
    assert isinstance(load_model(folders / "line.safetensors"), torch.nn.Linear)


FIRST, LAST = "encoder.stem.weight", "decoder.head.bias"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop(LAST), r"'decoder\.head\.bias' is missing"),
        (lambda state: state.update(more=torch.zeros(1)), "'more' is not known"),
        (lambda state: state.update({LAST: torch.zeros(4)}), r"head\.bias' has shape \(4,\), not \(3,\)"),
        (lambda state: state.update({LAST: torch.zeros(3, dtype=torch.int64)}), "holds torch.int64"),
        (lambda state: state.update({LAST: torch.zeros(3, dtype=torch.bool)}), "holds torch.bool"),
    ],
    ids=["missing", "unknown", "shape", "kind", "truth"],
)
def test_entries_that_are_not_the_networks_are_refused(mine, change, words):
    alter(mine, change)
    with pytest.raises(ModelError, match=rf"mine\.safetensors' is not a whole tsam-small: .*{words}"):
        load_model(mine)


def test_numbers_that_are_not_finite_do_not_verify(mine):
    alter(mine, lambda state: state[LAST].fill_(torch.inf))
    with pytest.raises(ModelError, match=r"'decoder\.head\.bias' that are not finite"):
        verify(find_weights(mine))


@pytest.mark.parametrize("name", ["mine", "path"])
def test_a_changed_byte_is_found_before_anything_is_loaded(mine, name):
    data = bytearray(mine.read_bytes())
    data[-1] ^= 1
    mine.write_bytes(data)
    with pytest.raises(ModelError, match=r"has sha256 .* its card says .* changed or damaged"):
        load_model({"mine": "mine", "path": mine}[name])


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_file_cut_off_is_refused(mine, length):
    mine.with_suffix(".json").unlink()
    mine.write_bytes(mine.read_bytes()[:length])
    with pytest.raises(ModelError, match="is no whole safetensors file"):
        load_model(mine)


@pytest.mark.parametrize(("header", "shown"), [({"architecture": "resnet"}, "'resnet'"), ({}, "None")])
def test_an_architecture_that_is_not_known_is_refused(folders, header, shown):
    path = folders / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata=header)
    with pytest.raises(ModelError, match=f"architecture as {shown}, known are tsam, tsam-small"):
        load_model(path)


def test_a_card_of_another_architecture_is_refused(mine):
    write_card(replace(find_weights("mine").card, architecture="tsam"), mine.with_suffix(".json"))
    with pytest.raises(ModelError, match="holds 'tsam-small', its card says 'tsam'"):
        load_model("mine")


def test_a_file_alone_says_in_its_header_what_it_is(mine):
    mine.with_suffix(".json").unlink()
    assert find_weights(mine) == Weights("mine", mine, "file", None)
    assert load_model(mine).config.name == "tsam-small"


def test_a_name_without_a_card_is_refused(mine):
    mine.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"the card '.*mine\.json' is damaged .*FileNotFound"):
        find_weights("mine")


def test_a_card_of_another_file_is_refused(mine):
    write_card(replace(CARD, name="other"), mine.with_suffix(".json"))
    with pytest.raises(ModelError, match="is that of 'other'"):
        find_weights("mine")


def test_shipped_names_come_first(network, mine, folders):
    for name in ("mine", "best"):
        save_weights(network, folders / "shipped" / f"{name}.safetensors", replace(CARD, name=name))
    save_weights(network, folders / "user" / "also.safetensors", replace(CARD, name="also"))
    assert model_names() == ["best", "mine", "also"]
    assert find_weights("mine").origin == "shipped"
    assert find_weights("also").origin == "imported"


@pytest.mark.parametrize("path", ["mine.safetensors", "./mine.safetensors", "../user/mine.safetensors"])
def test_a_path_is_taken_as_one(mine, monkeypatch, path):
    monkeypatch.chdir(mine.parent)
    assert find_weights(path).origin == "file"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other", "no model is called 'other'; there are: mine; pass one"),
        ("other.safetensors", r"there is no file 'other\.safetensors'"),
        ("folder/other", "there is no file 'folder/other'"),
        ("net.pth", r"'net\.pth' is a checkpoint; convert it first: vrestore models import net\.pth"),
        ("notes.txt", r"'notes\.txt' is no \.safetensors file"),
        ("", "no model is called ''"),
    ],
)
def test_what_is_no_model_is_refused(mine, folders, monkeypatch, name, words):
    monkeypatch.chdir(folders)
    for file in ("net.pth", "notes.txt"):
        (folders / file).touch()
    with pytest.raises(ModelError, match=words):
        find_weights(name)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/vrestore/models"),
        ("linux", {}, "/home/me/.local/share/vrestore/models"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/home/me/Library/Application Support/vrestore/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/vrestore/models"),
        ("linux", {"VRESTORE_MODELS": "/mine", "XDG_DATA_HOME": "/data"}, "/mine"),
        ("linux", {"VRESTORE_MODELS": "~/mine"}, "/home/me/mine"),
    ],
)
def test_the_users_folder_is_the_systems_place(monkeypatch, platform, variable, expected):
    for name in ("VRESTORE_MODELS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/me"} | variable).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert str(library.user_folder()) == expected


def test_no_folder_means_no_names(folders):
    (folders / "user").rmdir()
    assert model_names() == []


def test_a_card_survives_writing(tmp_path):
    write_card(CARD, tmp_path / "mine.json")
    assert read_card(tmp_path / "mine.json") == CARD


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"name": None},
        {"seed": "three"},
        {"sha256": "abc"},
        {"data": [{"name": "clips"}]},
        {"data": None},
        {"quality": [{"what": 1, "value": "2", "command": "3", "more": "4"}]},
    ],
    ids=str,
)
def test_a_card_with_other_contents_is_refused(tmp_path, change):
    path = tmp_path / "mine.json"
    write_card(CARD, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=r"mine\.json' is damaged .*; install or import it again"):
        read_card(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", "[" * 100_000, "\ud800"], ids=repr)
def test_a_card_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "mine.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ModelError, match="is damaged"):
        read_card(tmp_path / "mine.json")


def test_a_card_reads_well():
    text = "\n".join(replace(CARD, sha256="0" * 64).lines())
    assert text.startswith("# mine 1\n\nPaints.\n")
    assert "* trained on: drawn clips (CC0-1.0)\n" in text
    assert "* seed: 3, steps: 2,000\n" in text
    assert text.endswith("| hole PSNR | 23.4 dB | `python -m benchmarks.inpaint_quality` |")


def test_a_card_says_what_is_not_known():
    text = "\n".join(replace(CARD, seed=None, quality=()).lines())
    assert "* seed: not known" in text
    assert text.endswith("Its quality was not measured.")


def test_what_is_shipped_is_small_whole_and_measured(root, monkeypatch):
    monkeypatch.setattr(library, "SHIPPED_FOLDER", root / "models" / "weights")
    for name in library.shipped_names():
        weights = find_weights(name)
        assert weights.path.stat().st_size <= SHIPPED_LIMIT_BYTES
        assert {value.dtype for value in load_file(weights.path).values()} <= {torch.float16, torch.int64}
        assert weights.card.quality
        assert verify(weights) == weights.card.sha256


def test_loading_a_network_does_not_load_torchs_compiler(saved):
    """Its import takes a second or more, at the start of every run."""
    code = (
        "import sys; from vrestore.models.weights import load_model; load_model(sys.argv[1]);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code, str(saved / "mine.safetensors")], check=False).returncode
        == 0
    )
