"""`vrestore models`: what is printed, and how it ends."""

import json
import shutil
from dataclasses import replace

import pytest
from checkpoints import archive, save_published
from networks import published_state, small
from typer.testing import CliRunner

from vrestore.cli.main import build_app
from vrestore.models import library
from vrestore.models.cards import Card
from vrestore.models.weights import save_weights

CARD = Card(
    name="mine",
    version="1",
    architecture="tsam-small",
    summary="Paints.",
    licence="Apache-2.0",
    data=(),
    command="none",
    seed=0,
    steps=0,
    machine="this one",
    quality=(),
)


def run(*words):
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}).invoke(
        build_app(), ["models", *words]
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    save_weights(small(), folder / "mine.safetensors", CARD)
    return folder


@pytest.fixture(autouse=True)
def folder(tmp_path, saved, monkeypatch):
    """The user's folder, with one model; none is shipped."""
    monkeypatch.setenv("VRESTORE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(library, "SHIPPED_FOLDER", tmp_path / "shipped")
    return shutil.copytree(saved, tmp_path / "models")


def break_card(folder, name="broken"):
    """Add a model whose card is none."""
    (folder / f"{name}.safetensors").touch()
    (folder / f"{name}.json").write_text("{")


@pytest.mark.parametrize("command", ["list", "verify", "path", "import"])
def test_help_ends_in_three_examples_that_fit_a_terminal(command):
    lines = run(command, "--help").output.rstrip().splitlines()
    assert len(lines) < 60
    assert lines[-4].strip() == "Examples"
    assert all(
        line.strip().startswith(f"vrestore models {command}") and len(line) <= 80 for line in lines[-3:]
    )


def test_the_list_has_a_line_for_each_model(folder):
    save_weights(small(), folder / "other.safetensors", replace(CARD, name="other", version="2"))
    assert run("list").stdout.splitlines() == [
        "mine             imported  tsam-small, 1: Paints.",
        "other            imported  tsam-small, 2: Paints.",
    ]


def test_an_empty_list_says_where_it_looked(folder):
    for path in folder.iterdir():
        path.unlink()
    assert run("list").stdout == f"no models: none is shipped, and none was imported to {str(folder)!r}\n"


def test_a_broken_model_does_not_hide_the_others(folder):
    break_card(folder)
    result = run("list")
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["broken", "broken"],
        ["mine", "imported"],
    ]


def test_the_list_speaks_json(folder):
    break_card(folder)
    found = json.loads(run("list", "--json").stdout)
    assert found["folder"] == str(folder)
    broken, mine = found["models"]
    assert broken["name"] == "broken"
    assert "is damaged" in broken["problem"]
    assert (mine["path"], mine["card"]["architecture"]) == (str(folder / "mine.safetensors"), "tsam-small")


def test_a_name_shows_the_card():
    lines = run("list", "mine").stdout.splitlines()
    assert lines[0] == "# mine 1"
    assert "* licence: Apache-2.0" in lines


def test_a_name_shows_the_card_as_json():
    assert json.loads(run("list", "mine", "--json").stdout)["card"]["licence"] == "Apache-2.0"


def test_a_file_without_a_card_has_none_to_show(folder):
    (folder / "mine.json").unlink()
    result = run("list", str(folder / "mine.safetensors"))
    assert result.exit_code == 6
    assert "has no card beside it" in result.stderr


@pytest.mark.parametrize("words", [[], ["mine"]], ids=["all", "one"])
def test_what_is_whole_is_verified(folder, words):
    result = run("verify", *words)
    sha256 = json.loads((folder / "mine.json").read_text())["sha256"]
    assert (result.exit_code, result.stdout) == (0, f"mine: whole, sha256 {sha256}\n")


def test_all_are_verified_though_one_is_broken(folder):
    break_card(folder)
    result = run("verify")
    assert result.exit_code == 6
    assert result.stdout.startswith("mine: whole")
    assert result.stderr.startswith("vrestore: broken: the card ")
    assert result.stderr.count("\n") == 1


def test_a_changed_file_does_not_verify(folder):
    with (folder / "mine.safetensors").open("ab") as file:
        file.write(b"more")
    result = run("verify", "mine")
    assert result.exit_code == 6
    assert "its card says" in result.stderr


def test_the_path_is_that_of_the_folder_or_of_a_model(folder):
    assert run("path").stdout == f"{folder}\n"
    assert run("path", "mine").stdout == f"{folder / 'mine.safetensors'}\n"


@pytest.mark.parametrize("command", ["list", "verify", "path"])
def test_a_name_that_is_none_is_one_line(command):
    result = run(command, "none")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "no model is called 'none'; there are: mine; pass one" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_checkpoint_is_imported_and_used(tmp_path, folder):
    path = save_published(tmp_path / "epoch.pth", published_state())
    result = run("import", str(path), "--name", "official")
    path.unlink()
    target = folder / "official.safetensors"
    assert (result.exit_code, result.stdout) == (0, f"official: imported to {str(target)!r}\n")
    assert run("verify", "official").exit_code == 0
    target.unlink()


def test_a_hostile_checkpoint_is_one_line(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(archive(b"cposix\nsystem\n."))
    result = run("import", str(path))
    assert (result.exit_code, result.stdout) == (6, "")
    assert "nothing in it was run: its pickle names 'posix.system', which no weights need" in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_is_fetched(monkeypatch, tmp_path):
    """No command opens a connection, not even for a name that looks like an address."""

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert run("verify", "https://example.org/mine.safetensors").exit_code == 6
    assert run("import", "https://example.org/epoch.pth").exit_code == 6
    assert run("list").exit_code == 0
