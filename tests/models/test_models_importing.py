"""The published checkpoint becomes weights of ours; what only looks like it is refused."""

import hashlib

import numpy as np
import pytest
import torch
from checkpoints import archive, logger_module, save_published
from networks import paper, published_state

from vrestore.errors import ModelError, TargetError, UsageError
from vrestore.models import library
from vrestore.models.importing import import_official
from vrestore.models.tsam.network import Tsam
from vrestore.models.tsam.official import official_entries
from vrestore.models.weights import load_model, verify

FORMATS = pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
FIRST = "generator.coarse_net.downsample_module.base_model.conv1.weight"
GATE = "generator.coarse_net.upsample_module.conv9.gatingConv"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's folder, which is not there yet."""
    monkeypatch.setenv("VRESTORE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def published():
    return published_state()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, published):
    """A whole one; 127 MB that do not stay."""
    path = save_published(tmp_path_factory.mktemp("published") / "epoch.pth", published)
    yield path
    path.unlink()


@pytest.fixture
def imported(checkpoint):
    weights = import_official(checkpoint, name="tsam")
    yield weights
    weights.path.unlink()


def dwarf(**changes):
    """All 408 entries, each a single number, so that the file is small; None takes one out."""
    state = {key: torch.zeros(1) for key in official_entries()} | changes
    return {key: value for key, value in state.items() if value is not None}


@pytest.mark.parametrize("is_zip", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["zip", "legacy"])
def test_the_imported_network_is_the_published_one(tmp_path, published, is_zip):
    path = save_published(tmp_path / "epoch.pth", published, is_zip=is_zip)
    weights = import_official(path, name="tsam")
    path.unlink()
    network = load_model("tsam")
    weights.path.unlink()  # the network has it mapped
    expected = paper()
    assert isinstance(network, Tsam)
    assert network.config == expected.config
    assert not network.training
    found = network.state_dict()
    assert all(torch.equal(found[key], value) for key, value in expected.state_dict().items())


def test_the_imported_network_gives_the_published_output(imported, golden):
    """Worst seen: 1.3e-5, on values up to 2.8."""
    with torch.inference_mode():
        filled = load_model("tsam")(golden.clip, golden.motion)
    np.testing.assert_allclose(filled, golden.filled, rtol=0, atol=1e-4)


def test_the_card_says_where_the_weights_are_from(imported, checkpoint):
    card = imported.card
    assert (card.name, card.version, card.architecture) == ("tsam", "epoch 245", "tsam")
    assert hashlib.sha256(checkpoint.read_bytes()).hexdigest() in card.summary
    assert card.sha256 == verify(imported)
    assert imported.origin == "imported"


def test_an_import_again_needs_leave_and_gives_the_same_file(checkpoint, imported):
    with pytest.raises(TargetError, match="exists; pass -y"):
        import_official(checkpoint, name="tsam")
    assert import_official(checkpoint, name="tsam", overwrite=True) == imported


def test_nothing_but_file_and_card_is_left(imported, folder):
    assert {path.name for path in folder.iterdir()} == {"tsam.safetensors", "tsam.json"}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (dwarf(**{f"{GATE}.weight_u": None}), "weight_u' is missing"),
        (dwarf(**{f"{GATE}.extra": torch.zeros(1)}), "extra' is not known"),
        (dwarf(), r"conv1.weight' has shape \(1,\), not \(64, 5, 7, 7\)"),
        (dwarf(**{FIRST: 3}), "conv1.weight' is missing"),
        ({}, "conv1.weight' is missing"),
    ],
    ids=["missing", "unknown", "shape", "no tensor", "none"],
)
@FORMATS
def test_another_generator_is_refused(tmp_path, folder, state, words, is_zip):
    path = save_published(tmp_path / "other.pth", state, is_zip=is_zip)
    with pytest.raises(ModelError, match=rf"'.*other\.pth' was refused, nothing in it was run: .*{words}"):
        import_official(path, name="tsam")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({f"{GATE}.weight_orig": torch.zeros(256, 256, 3, 3)}, r"weight_orig' and '.*layer.weight' differ"),
        (
            {FIRST: torch.full((64, 5, 7, 7), torch.nan)},
            "'encoder.stem.weight' holds numbers that are not finite",
        ),
        (
            {FIRST: torch.zeros(64, 5, 7, 7, dtype=torch.int64)},
            "'encoder.stem.weight' holds torch.int64, not",
        ),
    ],
    ids=["copies", "nan", "kind"],
)
def test_weights_that_cannot_be_right_are_refused(tmp_path, folder, published, change, words):
    path = save_published(tmp_path / "other.pth", published | change)
    with pytest.raises(ModelError, match=words):
        import_official(path, name="tsam")
    path.unlink()
    assert not list(folder.glob("*"))


def test_weights_of_other_precision_become_fp32(tmp_path, published):
    path = save_published(tmp_path / "double.pth", published | {FIRST: published[FIRST].double()})
    weights = import_official(path, name="tsam")
    assert torch.equal(load_model("tsam").encoder.stem.weight, published[FIRST])
    path.unlink()
    weights.path.unlink()


def test_a_logger_of_this_machine_is_not_asked(tmp_path):
    """A module that is called as the authors' must not be imported, let alone its class made."""
    with logger_module() as logger:
        type(logger).__setstate__ = type(logger).__new__ = None
        path = tmp_path / "a.pth"
        path.write_bytes(archive(b"}(" + b"K\x01cutils.logger\nLogger\n)\x81}bu."))
        with pytest.raises(ModelError, match="it has no 'state_dict'"):
            import_official(path, name="tsam")


@pytest.mark.parametrize("content", [b"}.", b"].", b"N."], ids=["empty", "list", "none"])
def test_a_file_without_a_state_is_refused(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(archive(content))
    with pytest.raises(ModelError, match="it has no 'state_dict'"):
        import_official(path, name="tsam")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file '.*none\.pth'"):
        import_official(tmp_path / "none.pth", name="tsam")


@pytest.mark.parametrize("name", ["", "Tsam", "../tsam", ".tsam", "a b", "x" * 65, "tsam.safetensors"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="a model's name is"):
        import_official(tmp_path / "none.pth", name=name)


def test_the_name_of_a_shipped_model_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "SHIPPED_FOLDER", tmp_path)
    (tmp_path / "tsam-small.safetensors").touch()
    with pytest.raises(UsageError, match="'tsam-small' is the name of a shipped model"):
        import_official(tmp_path / "none.pth", name="tsam-small")


def test_a_folder_that_cannot_be_made_is_a_target_error(tmp_path, checkpoint, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VRESTORE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(TargetError, match="cannot be written"):
        import_official(checkpoint, name="tsam")
