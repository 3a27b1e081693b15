"""The picture of the imports in figures: rooms, modules, the arrows between them, and circles.

    python benchmarks/rooms.py

A room is a package; the generated code and the package that only makes names public count as none. An arrow is an
import of one module, or room, by another, imports for type checking included. A circle is a set of modules, or rooms,
that reach each other. Of rooms, a package and one inside it may well do so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import grimp

ROOT: Final = "wren_async"
LEFT_OUT: Final = (f"{ROOT}._generated", f"{ROOT}.models")

Arrow = tuple[str, str]


def imports() -> tuple[set[str], set[Arrow]]:
    """All modules, and who imports whom."""
    graph = grimp.build_graph(ROOT, cache_dir=None, exclude_type_checking_imports=False)
    modules = {module for module in graph.modules if not module.startswith(LEFT_OUT)}
    arrows = {
        (importer, imported)
        for importer in modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported in modules
    }
    return modules, arrows


def between_rooms(modules: set[str], arrows: Iterable[Arrow]) -> set[Arrow]:
    """Who imports whom among the packages."""
    packages = rooms(modules)

    def room(module: str) -> str:
        return module if module in packages else module.rpartition(".")[0]

    return {(room(one), room(other)) for one, other in arrows if room(one) != room(other)}


def rooms(modules: set[str]) -> set[str]:
    return {module.rpartition(".")[0] for module in modules if module != ROOT}


def circles(arrows: Iterable[Arrow]) -> list[set[str]]:
    """Sets of more than one that reach each other."""
    ahead: dict[str, set[str]] = {}
    for one, other in arrows:
        ahead.setdefault(one, set()).add(other)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            new = ahead.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    reach = {one: reached(one) for one in ahead}
    around = {one: frozenset(other for other in reach[one] if one in reach.get(other, ())) for one in reach}
    return [set(circle) for circle in set(around.values()) if len(circle) > 1]


def widest(modules: set[str]) -> tuple[str, int]:
    """The room with the most modules side by side, and how many those are."""
    sizes = {room: sum(module.rpartition(".")[0] == room for module in modules) for room in rooms(modules)}
    return max(sizes.items(), key=lambda each: each[1])


def main() -> None:
    modules, arrows = imports()
    room, size = widest(modules)
    found = circles(arrows)
    print("| rooms | modules | widest room | arrows of modules | arrows of rooms | circles of modules |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {len(rooms(modules))} | {len(modules)} | {room}, {size} | {len(arrows)} "
        f"| {len(between_rooms(modules, arrows))} | {', '.join(f'of {len(each)}' for each in found) or 'none'} |\n"
    )
    print("| part | modules | arrows within | of these between its rooms |\n|---|---|---|---|")
    for name in ("batch", "core", "sandbox"):
        part = {module for module in modules if f"{module}.".startswith(f"{ROOT}.{name}.")}
        within = {arrow for arrow in arrows if part.issuperset(arrow)}
        print(f"| {name} | {len(part)} | {len(within)} | {len(between_rooms(part, within))} |")


if __name__ == "__main__":
    main()
