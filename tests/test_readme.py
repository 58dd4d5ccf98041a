"""What the README says is what the command does: words, tables, links."""

import json
import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

import vrestore
from vrestore import errors
from vrestore.cli.log import Log
from vrestore.cli.main import build_app
from vrestore.cli.progress import progress_shown
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.methods.inpaint.plan import EFFORTS
from vrestore.progress import ProgressEvent

LARGEST_PICTURE = 300_000


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shell_lines(readme):
    """Every line of the shell that the page shows."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def rows_of(readme, first_heading):
    """Return the cells of the table whose first column has this heading, without quotes of code."""
    table = readme.partition(f"\n| {first_heading} |")[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def leaf_commands(group, words=()):
    for name, command in group.commands.items():
        here = (*words, name)
        if hasattr(command, "commands"):
            yield from leaf_commands(command, here)
        else:
            yield " ".join(here)


def parsed(words):
    """Let Typer read the words of one command; it raises what it would tell the user."""
    command, path = typer.main.get_command(build_app()), []
    while hasattr(command, "commands"):
        path.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    return command.make_context(" ".join(path), list(words)).params


def test_every_command_line_can_be_parsed(shell_lines):
    commands = [part for line in shell_lines for part in line.split(" | ") if part.startswith("vrestore ")]
    assert len(commands) > 15
    for command in commands:
        assert parsed(shlex.split(command)[1:]), command


def test_the_command_list_is_that_of_the_help(readme):
    listed = [row[0] for row in rows_of(readme, "command")]
    assert sorted(listed) == sorted(
        f"vrestore {words}" for words in leaf_commands(typer.main.get_command(build_app()))
    )
    shown = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"}).invoke(build_app(), ["--help"]).output
    assert all(words.split()[1] in shown for words in listed)


def test_every_option_named_exists(readme):
    commands = leaf_commands(typer.main.get_command(build_app()))
    known = {word for words in commands for word in re.findall(r"--[a-z][a-z-]+", help_of(words))}
    named = set(re.findall(r"`(--[a-z][a-z-]+)", readme))
    assert named
    assert named <= known


def help_of(words):
    return (
        CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
        .invoke(build_app(), [*words.split(), "--help"])
        .output
    )


def test_the_exit_codes_are_those_of_the_errors(readme):
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    expected = {(0, ""), *((kind.exit_code, kind.__name__) for kind in kinds)}
    rows = [(int(code), name) for code, name, _ in rows_of(readme, "exit code")]
    assert len(rows) == len(expected)
    assert set(rows) == expected


def test_the_qualities_are_those_of_the_plan(readme):
    expected = [
        [
            *(name, str(tries.passes), tries.flow),
            *map(str, (tries.look_ahead, tries.chunk, tries.margin, tries.sharpness)),
        ]
        for name, tries in EFFORTS.items()
    ]
    assert rows_of(readme, "`--quality`") == expected


def test_the_keys_of_the_progress_are_those_written(readme, capsys):
    with progress_shown("json", source="a.mp4", log=Log()) as show:
        show(ProgressEvent("stage", "masks"))
        show(ProgressEvent("plan", text="quality draft"))
        show(ProgressEvent("progress", "inpaint", frame=1, frames=2))
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {key: where for key, where, _ in rows_of(readme, "key")}
    for line in written:
        assert {key for key, where in told.items() if where == "all" or line["event"] in where} == set(line)


def test_every_make_target_named_exists(readme, root):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", readme, re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_every_link_within_the_repository_leads_somewhere(readme, root):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", readme) if "://" not in link]
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_pictures_are_small(root):
    sizes = {path.name: path.stat().st_size for path in (root / "examples" / "images").iterdir()}
    assert sizes
    assert all(size < LARGEST_PICTURE for size in sizes.values())


def test_every_python_file_named_exists(shell_lines, root):
    scripts = [word for line in shell_lines for word in line.split() if word.endswith(".py")]
    modules = [line.split()[2] for line in shell_lines if line.startswith("python -m benchmarks")]
    assert scripts
    names = [*scripts, *(f"{name.replace('.', '/')}.py" for name in modules)]
    assert [name for name in names if not (root / name).is_file()] == []


def test_every_example_is_listed(readme, root):
    listed = re.findall(r"\(examples/(\d\d_\w+\.py)\)", readme)
    assert listed == sorted(path.name for path in (root / "examples").glob("[0-9]*.py"))


def test_the_python_shown_calls_what_there_is(readme):
    (code,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    compile(code, "README.md", "exec")
    assert set(re.findall(r"vrestore\.(\w+)\(", code)) <= set(vrestore.__all__)
    (words,) = re.findall(r"vrestore\.inpaint\(([^)]*)\)", code)
    assert set(re.findall(r"(\w+)=", words)) <= set(InpaintOptions.__annotations__)
