"""The structure of the sources, counted from their imports: `python tests/rooms.py` prints it.

A room is a folder below a layer, or a module that lies in the layer itself. An arrow leads from a room to one
that it imports from. A floor is the length of the longest way down from a room.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = ("derive", "codegen", "runtime")
Arrows = set[tuple[str, str]]


def sources(layer: str) -> list[Path]:
    """Return the modules of a layer, its face and those of its rooms left out: they only hand names on."""
    return sorted(p for p in (ROOT / layer).rglob("*.py") if p.name != "__init__.py")


def dotted(path: Path) -> str:
    """Return the name of a module without the package's own."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules a source imports from, those for type checking and those within functions too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [
                *package[: len(package) + 1 - node.level],
                *(node.module.split(".") if node.module else []),
            ]
            for alias in node.names:
                whole = ROOT.joinpath(*base, alias.name)
                is_module = whole.with_suffix(".py").is_file()
                yield ".".join([*base, alias.name] if is_module else base)


def module_arrows(layers: Iterable[str] = LAYERS) -> Arrows:
    """Return who imports whom, by module."""
    return {(dotted(p), name) for layer in layers for p in sources(layer) for name in imported(p)}


def room_of(module: str) -> str:
    """Return the room of a module."""
    parts = module.split(".")
    return ".".join(parts[:2])


def room_arrows(layer: str) -> Arrows:
    """Return who imports whom, by room of one layer."""
    pairs = {(room_of(a), room_of(b)) for a, b in module_arrows([layer]) if b.startswith(f"{layer}.")}
    return {(a, b) for a, b in pairs if a != b}


def circles(arrows: Arrows) -> list[list[str]]:
    """Return the groups of nodes that reach each other."""
    below = {a: {b for x, b in arrows if x == a} for a, _ in arrows}

    def reached(start: str) -> set[str]:
        found, open_ = set(), [start]
        while open_:
            for node in below.get(open_.pop(), ()):
                if node not in found:
                    found.add(node)
                    open_.append(node)
        return found

    reach = {node: reached(node) for node in below}
    groups = {frozenset(b for b in reach[a] if a in reach.get(b, ())) for a in below if a in reach[a]}
    return sorted(sorted(group) for group in groups)


def floors(arrows: Arrows, nodes: set[str]) -> dict[str, int]:
    """Return how far down the longest way from each node leads; there must be no circle."""
    below = {node: {b for a, b in arrows if a == node} for node in nodes}
    found: dict[str, int] = {}

    def floor(node: str) -> int:
        if node not in found:
            found[node] = 1 + max((floor(b) for b in below[node]), default=-1)
        return found[node]

    for node in nodes:
        floor(node)
    return found


def table() -> str:
    """Return rooms, floors and arrows of each layer, and the circles of modules."""
    lines = []
    for layer in LAYERS:
        arrows = room_arrows(layer)
        nodes = {room_of(dotted(p)) for p in sources(layer)}
        rings = circles(arrows)
        height = "?" if rings else 1 + max(floors(arrows, nodes).values())
        lines.append(
            f"{layer}: {len(nodes)} rooms, {height} floors, {len(arrows)} arrows, circles {rings or 'none'}"
        )
        if not rings:
            by_floor = floors(arrows, nodes)
            for n in range(height):
                on = sorted(node.removeprefix(f"{layer}.") for node in nodes if by_floor[node] == n)
                lines.append(f"  {n}: {', '.join(on)}")
    rings = circles(module_arrows())
    return "\n".join([*lines, f"modules: {len(module_arrows())} arrows, circles {rings or 'none'}"])


if __name__ == "__main__":
    print(table())
