"""Imports point down, no room leans on another in a circle, nothing heavy is loaded before it is needed."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from statistics import median

import pytest

LAYERS = [
    {"__main__"},
    {"cli"},
    {"__init__"},
    {"api"},
    {"in_memory", "diagnostics"},
    {"batching"},
    {"parallel"},
    {"run", "training"},
    {"detect"},
    {"methods"},
    {"models"},
    {"flow"},
    {"ops"},
    {"kernels", "masks"},
    {"media"},
    {"device"},
    {"signatures"},
    {"option_schema", "plugins"},
    {"files", "protocols", "progress", "threads"},
    {"frames"},
    {"errors"},
]
"""From the top; what stands together does not see each other. `__init__` is `import vrestore` itself."""

RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
HEAVY = {"torch", "cv2", "av", "cupy", "numpy"}
FORBIDDEN = {
    "cli": HEAVY,
    "media": {"torch", "cupy"},
    "masks": {"torch", "cupy"},
    "detect": {"cupy"},
    "option_schema": HEAVY,
    "frames": {"torch", "av", "cupy", "cv2"},
}
MOST_LINES, MOST_MODULES, MEDIAN_LINES = 350, 14, 150
ENTRANCES = {"__init__", "__main__"}


def modules(root):
    """Return every module by its dotted name below `vrestore`, with its file."""
    found = {}
    for package in ("vrestore", "kernels", "models"):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if package == "vrestore" and parts[1] in {"kernels", "models"}:
                continue  # the links for static tools
            found[".".join(parts[1:] if package == "vrestore" else parts)] = path
    return found


def is_for_types_only(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path, *, with_types=True):
    """Yield every name that a file imports, at whatever depth, with its module."""
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if is_for_types_only(node) and not with_types:
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            waiting += ast.iter_child_nodes(node)


def uses(root, *, with_types=True):
    """Return for each module the modules of the house that it imports from; the version is everybody's."""
    known = modules(root)
    graph = {}
    for name, path in known.items():
        graph[name] = set()
        for imported in set(imports(path, with_types=with_types)) - {"vrestore.__version__"}:
            package, _, rest = imported.partition(".")
            if package != "vrestore":
                continue
            while rest and rest not in known and f"{rest}.__init__" not in known:
                rest = rest.rpartition(".")[0]
            rest = rest if rest in known or not rest else f"{rest}.__init__"
            graph[name].add(rest or "__init__")
        graph[name].discard(name)
    return graph


def part_of(name):
    return name.partition(".")[0]


def test_every_module_has_its_place(root):
    assert {part_of(name) for name in modules(root)} == set(RANKS)


def test_imports_point_down(root):
    wrong = [
        f"{name} imports {used}"
        for name, all_used in uses(root).items()
        for used in sorted(all_used)
        if part_of(used) != part_of(name) and RANKS[part_of(used)] <= RANKS[part_of(name)]
    ]
    assert not wrong


def child(folder, name):
    """Return which child of a folder a module is, or lies in; None if it is in another one."""
    if folder and not name.startswith(f"{folder}."):
        return None
    return name.removeprefix(f"{folder}.").partition(".")[0]


def folders(root):
    """Return all folders that hold modules, as dotted names; the house itself is empty."""
    return sorted({name.rpartition(".")[0] for name in modules(root)})


def test_no_folder_leans_on_another_in_a_circle(root):
    """In every folder the graph of its children, modules and sub-folders, has an order."""
    graph = uses(root, with_types=False)
    circles = []
    for folder in folders(root):
        leans = {}
        for name, all_used in graph.items():
            one = child(folder, name)
            if one in {None, "__init__"}:
                continue
            others = {child(folder, used) for used in all_used} - {one, None, "__init__"}
            leans.setdefault(one, set()).update(others)
        try:
            TopologicalSorter(leans).prepare()
        except CycleError as error:
            circles.append(f"in {folder or 'vrestore'}: {' -> '.join(error.args[1])}")
    assert not circles


def test_folders_and_modules_are_small(root):
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules(root).items()}
    lines = {name: count for name, count in lines.items() if name.rpartition(".")[2] not in ENTRANCES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    assert median(lines.values()) <= MEDIAN_LINES
    beside = {}
    for name in lines:
        beside.setdefault(name.rpartition(".")[0], []).append(name)
    assert {folder: len(held) for folder, held in beside.items() if len(held) > MOST_MODULES} == {}


@pytest.mark.parametrize("part", sorted(FORBIDDEN))
def test_a_part_keeps_from_libraries_that_are_not_its_own(root, part):
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules(root).items()
        if part_of(name) == part
        for imported in imports(path)
        if imported.split(".")[0] in FORBIDDEN[part]
    ]
    assert not wrong


@pytest.mark.parametrize(
    "statement",
    ["import vrestore", "import vrestore.cli.main", "from vrestore import InpaintOptions, RunOptions"],
)
def test_importing_loads_nothing_heavy(statement):
    code = f"{statement}; import sys; print(*(sys.modules.keys() & {HEAVY!r}))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == ""


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from vrestore.cli.main import build_app; sys.argv = ['vrestore', 'inpaint', '--help']\n"
        "try: build_app()()\n"
        f"except SystemExit: print('LOADED', *(sys.modules.keys() & {HEAVY!r}))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.rstrip().endswith("LOADED")
