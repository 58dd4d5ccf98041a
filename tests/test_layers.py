"""Imports point down, and nothing heavy is loaded before it is needed."""

import ast
import subprocess
import sys

import pytest

LAYERS = [
    {"cli"},
    {"__init__"},
    {"api"},
    {"jobs"},
    {"training"},
    {"restore"},
    {"models"},
    {"flow"},
    {"ops"},
    {"kernels", "media", "pipeline"},
    {"report"},
    {"plan"},
    {"protocols", "device", "tracks"},
    {"tracks"},
    {"frames"},
    {"errors"},
]
"""From the top; what stands together does not see each other. `__init__` is `import vrestore` itself."""

RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
HEAVY = {"torch", "cv2", "av", "cupy", "numpy"}
FORBIDDEN = {
    "cli": HEAVY,
    "media": {"torch", "cupy"},
    "pipeline": {"torch", "av", "cupy"},
    "plan": {"torch", "av", "cupy", "cv2"},
    "frames": {"torch", "av", "cupy", "cv2"},
}


def modules(root):
    """The part of the house of each module, and its file."""
    for package in ("vrestore", "kernels", "models"):
        for path in sorted((root / package).rglob("*.py")):
            relative = path.relative_to(root)
            if package == "vrestore" and relative.parts[1] in {"kernels", "models"}:
                continue  # the links for static tools
            part = package if package != "vrestore" else relative.parts[1].removesuffix(".py")
            yield part, path


def imports(path):
    """Every name that a file imports, at whatever depth, with its module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_used(path):
    """The parts of the house that a file imports from; the version is everybody's."""
    for name in set(imports(path)) - {"vrestore.__version__"}:
        package, _, rest = name.partition(".")
        if package == "vrestore":
            part = rest.partition(".")[0]
            yield part if part in RANKS else "__init__"


def own_and_below(part):
    return {part} | {other for other, rank in RANKS.items() if rank > RANKS[part]}


def test_every_module_has_its_place(root):
    assert {part for part, _ in modules(root)} <= set(RANKS)


def test_imports_point_down(root):
    wrong = [
        f"{path.relative_to(root)} imports vrestore.{used}"
        for part, path in modules(root)
        for used in sorted(set(parts_used(path)))
        if used not in own_and_below(part)
    ]
    assert not wrong


@pytest.mark.parametrize("part", sorted(FORBIDDEN))
def test_a_part_keeps_from_libraries_that_are_not_its_own(root, part):
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for owner, path in modules(root)
        if owner == part
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[part]
    ]
    assert not wrong


@pytest.mark.parametrize(
    "statement", ["import vrestore", "import vrestore.cli.main", "from vrestore.cli.main import build_app"]
)
def test_importing_loads_nothing_heavy(statement):
    code = f"{statement}; import sys; print(*(sys.modules.keys() & {HEAVY!r}))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == ""


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from vrestore.cli.main import build_app; sys.argv = ['vrestore', '--help']\n"
        "try: build_app()()\n"
        f"except SystemExit: print('LOADED', *(sys.modules.keys() & {HEAVY!r}))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.rstrip().endswith("LOADED")
