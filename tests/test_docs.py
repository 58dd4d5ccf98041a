"""What README and pages say is what the commands do: words, tables, links, code."""

import ast
import inspect
import json
import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

import vrestore
from vrestore import errors
from vrestore.batching.manifest import read_manifest
from vrestore.cli.main import build_app
from vrestore.cli.terminal.log import Log
from vrestore.cli.terminal.progress import progress_shown
from vrestore.masks.editing.options import EditOptions
from vrestore.masks.options import MaskWords
from vrestore.methods.inpaint.effort import EFFORTS
from vrestore.methods.leftovers import verify as leftovers
from vrestore.methods.mask_check.check import Kind, check_video
from vrestore.option_schema import options_of
from vrestore.progress import ProgressEvent
from vrestore.run.report import DetectionReport

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    *("inpaint", "masks", "dehaze", "batch-and-cluster", "resume", "gpu"),
    *("models-and-training", "scripting", "python", "how-it-works"),
}
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
PLUGINS = "VRESTORE_PLUGINS="
"""In a block whose commands are those of a plugin, which is shown above it."""

README_LINES = 170
PICTURE_BYTES = 200_000

every_page = pytest.mark.parametrize("page", TEXTS)


def blocks_of(page, language=r"\w+"):
    """Return the text of each block of code."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL)


def prose_of(page):
    """Return the page without blocks of code."""
    return re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.MULTILINE | re.DOTALL)


def shell_lines(page):
    return [line for block in blocks_of(page, "sh") for line in block.splitlines() if line.strip()]


def all_shell_lines():
    return [line for page in TEXTS for line in shell_lines(page)]


def rows_of(page, first_heading):
    """Return the cells of the table whose first column has this heading, without quotes of code."""
    table = TEXTS[page].partition(f"\n| {first_heading} |")[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def keys_of(page, first_heading):
    """Return the names in a table's first column, where one cell may hold several."""
    return {name for row in rows_of(page, first_heading) for name in re.findall(r"\w+", row[0])}


def anchors_of(page):
    """Return what forges make of the headings, to link to."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leaf_commands(group, words=()):
    return (name for name, _ in leaves(group, words))


def leaves(group, words=()):
    for name, command in group.commands.items():
        here = (*words, name)
        if hasattr(command, "commands"):
            yield from leaves(command, here)
        else:
            yield " ".join(here), command


def parsed(words):
    """Let Typer read the words of one command; it raises what it would tell the user."""
    command, path = typer.main.get_command(build_app()), []
    while hasattr(command, "commands"):
        path.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    return command.make_context(" ".join(path), list(words)).params


def help_of(words):
    return (
        CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
        .invoke(build_app(), [*words.split(), "--help"])
        .output
    )


@every_page
def test_every_command_line_can_be_parsed(page):
    blocks = [block for block in blocks_of(page) if PLUGINS not in block]
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [part for line in lines for part in line.split(" | ") if part.startswith("vrestore ")]
    for command in commands:
        assert parsed(shlex.split(command)[1:]), command


def test_there_are_command_lines():
    assert sum(line.startswith("vrestore ") for line in all_shell_lines()) > 50


def test_the_command_list_is_that_of_the_help():
    listed = [row[0] for row in rows_of("docs/scripting.md", "command")]
    assert sorted(listed) == sorted(
        f"vrestore {words}" for words in leaf_commands(typer.main.get_command(build_app()))
    )
    shown = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"}).invoke(build_app(), ["--help"]).output
    assert all(words.split()[1] in shown for words in listed)


def test_every_option_named_exists():
    """Also one that the help leaves out, such as those of experts."""
    commands = leaves(typer.main.get_command(build_app()))
    known = {"--help"} | {word for _, command in commands for each in command.params for word in each.opts}
    named = {word for text in TEXTS.values() for word in re.findall(r"`(--[a-z][a-z-]+)", text)}
    assert named
    assert named <= known


def test_the_exit_codes_are_those_of_the_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    expected = {(0, ""), *((kind.exit_code, kind.__name__) for kind in kinds)}
    rows = [(int(code), name) for code, name, _ in rows_of("docs/scripting.md", "exit code")]
    assert len(rows) == len(expected)
    assert set(rows) == expected


def test_the_qualities_are_those_of_the_plan():
    expected = [
        [
            *(name, str(tries.passes), tries.flow),
            *map(str, (tries.look_ahead, tries.chunk, tries.margin, tries.sharpness)),
            *map(str, (tries.carried_frames, tries.origin_frames, tries.texture_side)),
        ]
        for name, tries in EFFORTS.items()
    ]
    assert rows_of("docs/inpaint.md", "`--quality`") == expected


def test_the_order_of_edits_is_that_of_the_options():
    told = [flag for flag, _ in rows_of("docs/masks.md", "edit option")]
    assert told == [f"--{name.replace('_', '-')}" for name in options_of(EditOptions)]


def test_the_keys_of_the_progress_are_those_written(capsys):
    with progress_shown("json", source="a.mp4", log=Log()) as show:
        show(ProgressEvent("stage", "masks"))
        show(ProgressEvent("plan", text="quality draft"))
        show(ProgressEvent("progress", "inpaint", frame=1, frames=2))
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {key: where for key, where, _ in rows_of("docs/scripting.md", "key")}
    for line in written:
        assert {key for key, where in told.items() if where == "all" or line["event"] in where} == set(line)


@pytest.fixture
def clip_here(root, tmp_path, monkeypatch):
    """Be in a folder with video.mp4 and mask.mkv, the examples' clip of 24 frames."""
    monkeypatch.syspath_prepend(root / "examples")
    monkeypatch.chdir(tmp_path)
    from small_clip import draw

    video, mask = draw(tmp_path)
    video.rename("video.mp4")
    mask.rename("mask.mkv")
    return tmp_path


@pytest.mark.usefixtures("clip_here")
def test_the_keys_of_the_reports_are_those_written():
    box, target = "10,10,20,20", {"target": "clean.mp4", "overwrite": True, "stop": 3}
    planned = vrestore.plan_inpaint("video.mp4", box=box, target="clean.mp4")
    filled = vrestore.inpaint("video.mp4", box=box, report="report.json", quality="draft", **target)
    cleared = vrestore.dehaze("video.mp4", method="dcp", **target)
    told = keys_of("docs/scripting.md", "report key")
    assert set(json.loads(Path("report.json").read_text())) == told
    assert set(filled.to_dict()) == told
    assert set(cleared.to_dict()) == told
    assert set(planned.to_dict()) == keys_of("docs/scripting.md", "plan key")


def test_the_keys_of_a_detectors_report_are_those_written():
    written = {field.name for field in fields(DetectionReport)} | {"exit_code"}
    assert written == keys_of("docs/scripting.md", "detection key")


@pytest.mark.usefixtures("clip_here")
def test_the_check_of_a_mask_is_told_by_its_keys_and_kinds():
    found = check_video("video.mp4", MaskWords(mask="mask.mkv"))
    assert set(found.to_dict()) == keys_of("docs/scripting.md", "check key")
    assert {row[0] for row in rows_of("docs/masks.md", "finding")} == set(get_args(Kind))


def test_the_look_at_a_result_is_told_by_its_keys_and_kinds():
    found = leftovers.Verification(frames=1, looked_at=0, told=0, grow=None, found=[])
    assert set(found.to_dict()) == keys_of("docs/scripting.md", "verify key")
    assert {row[0] for row in rows_of("docs/masks.md", "kind")} == set(get_args(leftovers.Kind))


@pytest.mark.usefixtures("clip_here")
def test_the_list_of_jobs_shown_can_be_read():
    (text,) = blocks_of("docs/batch-and-cluster.md", "toml")
    for name in ("a.mp4", "b.mp4", "a.png"):
        Path(name).write_bytes(Path("video.mp4").read_bytes())
    Path("jobs.toml").write_text(text)
    assert len(read_manifest(Path("jobs.toml")).tasks) == len(tomllib.loads(text)["job"]) == 2


def test_every_make_target_named_exists(root):
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(TEXTS.values())
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].splitlines()) <= README_LINES


def test_every_page_is_there_and_linked_from_the_readme():
    assert {f"docs/{page}.md" for page in PAGES} <= set(TEXTS)
    linked = set(re.findall(r"\((docs/[\w-]+\.md)", TEXTS["README.md"]))
    assert linked == {page for page in TEXTS if page.startswith("docs/")}


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/")])
def test_a_page_begins_with_what_a_reader_gets_from_it(page):
    title, about, neighbors = TEXTS[page].split("\n\n")[:3]
    assert title.startswith("# ")
    assert about.startswith("This page ")
    assert neighbors.startswith("Neighbors: [README](../README.md)")


@every_page
def test_every_link_within_the_repository_leads_somewhere(page, root):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose_of(page)) if "://" not in link]
    assert links
    for link in links:
        name, _, anchor = link.partition("#")
        place = (root / page).parent / name if name else root / page
        assert place.exists(), link
        if anchor:
            assert anchor in anchors_of(str(place.resolve().relative_to(ROOT))), link


def test_pictures_are_small(root):
    sizes = {path.name: path.stat().st_size for path in (root / "docs" / "images").iterdir()}
    assert sizes
    assert all(size < PICTURE_BYTES for size in sizes.values())


def test_every_python_file_named_exists(root):
    lines = all_shell_lines()
    scripts = [word for line in lines for word in line.split() if word.startswith("examples/")]
    modules = [line.split()[2] for line in lines if line.startswith("python -m benchmarks")]
    assert scripts
    assert modules
    names = [*scripts, *(f"{name.replace('.', '/')}.py" for name in modules)]
    assert [name for name in names if not (root / name).is_file()] == []


def test_every_place_in_the_map_of_rooms_exists(root):
    text = TEXTS["docs/how-it-works.md"]
    files = re.findall(r"`(vrestore/\S+\.py)`", text)
    assert len(files) > 10
    assert [name for name in files if not (root / name).is_file()] == []
    (rooms,) = blocks_of("docs/how-it-works.md", "text")
    tops = {"vrestore", "kernels", "models"}
    there = {path.name for top in tops for path in (root / top).rglob("*") if path.is_dir()}
    assert set(re.findall(r"\b([a-z_]+)/", rooms)) <= there | tops


def test_every_example_is_listed(root):
    listed = re.findall(r"\(\.\./examples/(\d\d_\w+\.py)\)", TEXTS["docs/python.md"])
    assert listed == sorted(path.name for path in (root / "examples").glob("[0-9]*.py"))


@every_page
def test_the_python_shown_names_what_there_is(page):
    nodes = [node for code in blocks_of(page, "python") for node in ast.walk(ast.parse(code))]
    names = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "vrestore"
    }
    assert names <= set(vrestore.__all__)


def test_every_public_name_is_in_the_page_about_python():
    known = set(vrestore.__all__) - {"__version__"}
    assert {name for name in known if not re.search(rf"\b{name}\b", TEXTS["docs/python.md"])} == set()


@pytest.mark.parametrize(
    ("function", "headings"),
    [
        (
            "inpaint_frames",
            [
                "for frames as arrays",
                "for every method (`RunOptions`)",
                "what to fill (`MaskWords`)",
                "for `inpaint` (`InpaintOptions`)",
            ],
        ),
        (
            "dehaze_frames",
            ["for frames as arrays", "for every method (`RunOptions`)", "for `dehaze` (`DehazeOptions`)"],
        ),
        (
            "inpaint",
            [
                "for every method (`RunOptions`)",
                "what to fill (`MaskWords`)",
                "for `inpaint` (`InpaintOptions`)",
            ],
        ),
        ("dehaze", ["for every method (`RunOptions`)", "for `dehaze` (`DehazeOptions`)"]),
        ("batch", ["parameter of `batch`"]),
    ],
)
def test_every_parameter_is_in_a_table(function, headings):
    told = {name for heading in headings for name in keys_of("docs/python.md", heading)}
    parameters = inspect.signature(getattr(vrestore, function)).parameters.values()
    named = {each.name for each in parameters if each.kind is not each.VAR_KEYWORD}
    assert named <= told | {"source", "progress", "executor", "address", "jobs"}


@pytest.mark.slow
@pytest.mark.usefixtures("clip_here")
def test_the_page_about_python_runs(capsys):
    for folder, name, there in (("clips", "video.mp4", "a.mp4"), ("masks", "mask.mkv", "a.mask.mkv")):
        Path(folder).mkdir()
        Path(folder, there).write_bytes(Path(name).read_bytes())
    names = {}
    for code in blocks_of("docs/python.md", "python"):
        exec(compile(code, "docs/python.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "MaskError 4 box '5000,0,10,10'" in shown
    assert "a.mp4 done 0" in shown
    assert set(names["folder"].to_dict()) == keys_of("docs/scripting.md", "batch key")


def test_the_plugins_of_contributing_are_those_that_are_tested(root):
    toys = (root / "tests" / "toys.py").read_text(encoding="utf-8")
    blocks = blocks_of("CONTRIBUTING.md", "python")
    assert len(blocks) == 2
    assert [block for block in blocks if block.strip() not in toys] == []
