"""The rooms of the code: docs/architecture.md against the files, and the direction of imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()

ROOMS = (
    {"exposition", "page", "service", "config"},
    {"live"},
    {"push"},
    {"web"},
    {"core"},
    {"terminal"},
    {"doctor"},
    {"bundle"},
    {"commands"},
)
"""The rooms of `agent`, from the bottom to the top."""

SOURCES = {"audio", "host", "containers", "plugins", "logs"}


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the importing module and the imported one, of this project's own."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            yield from ((module, name) for name in names if name.startswith(("agent.", "collectors.")))


def test_every_path_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:agent|collectors|clients|monitoring|tests)/[\w./*]*)`", PAGE)

    assert len(named) > 30
    assert [path for path in named if not any(ROOT.glob(path.rstrip("/")))] == []


def test_every_room_and_every_source_is_on_the_page() -> None:
    rooms = {path.name for path in (ROOT / "agent").iterdir() if (path / "__init__.py").is_file()}

    assert rooms == set().union(*ROOMS)
    assert [name for name in sorted(rooms | SOURCES) if name not in PAGE] == []


def test_collectors_never_import_the_agent() -> None:
    assert [pair for pair in imports("collectors") if pair[1].startswith("agent.")] == []


def test_a_room_imports_only_rooms_below_it() -> None:
    floor = {room: number for number, rooms in enumerate(ROOMS) for room in rooms}
    pairs = [(module.split(".")[1], name.split(".")[1]) for module, name in imports("agent") if "agent." in name]
    upward = {(room, other) for room, other in pairs if floor.get(other, -1) >= floor.get(room, 99) and room != other}

    assert upward == set()


def test_a_source_imports_no_other_source() -> None:
    pairs = [(module, name) for module, name in imports("collectors") if module.split(".")[1] in SOURCES]
    crossing = {
        (module, name)
        for module, name in pairs
        if name.split(".")[1] in SOURCES - {module.split(".")[1]} and not _reads_the_same_host(module, name)
    }

    assert crossing == set()


def _reads_the_same_host(module: str, name: str) -> bool:
    """Allow containers the parsers of the host that they share with it."""
    return module.startswith("collectors.containers.") and name.startswith("collectors.host.")
