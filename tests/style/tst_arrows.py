#!/usr/bin/env python3
"""Which room includes which: every #include against the table "Rooms and arrows" of docs/architecture.md; and that no
two headers define a type of one name, which the linker would take for the same.

A row of that table is `room` | what it is for | rooms whose headers it may include. A room is a folder with everything
below it that is not a room itself. An include that no row allows fails with file, line and both rooms.
"""
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "architecture.md"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# At the left edge, so of the namespace itself; not only declared.
TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;{]*)? ?\{", re.MULTILINE)
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)


def types_of(text):
    """[namespace::name] of the types that a header defines in the namespace it opens first."""
    space = NAMESPACE.search(text)
    return [f"{space[1] if space else ''}::{name}" for name in TYPE.findall(text)]


def rooms_of(text):
    """{room: set of rooms it may include}, from the one table whose head has "may include"."""
    rooms, inside = {}, False
    for line in text.splitlines():
        if line.startswith("|") and "may include" in line:
            inside = True
            continue
        if inside and not line.startswith("|"):
            break
        if inside:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            names = re.findall(r"`([^`]+)`", cells[0])
            if names:
                rooms[names[0]] = set(re.findall(r"`([^`]+)`", cells[2]))
    return rooms


def room_of(path, rooms):
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in rooms:
            return "/".join(parts)
        parts.pop()
    return None


def forbidden(path, text, rooms):
    """[(line number, included file, its room)] of what `path` may not include."""
    room = room_of(path, rooms)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        target = room_of(match[1], rooms) if match else None
        if target and target != room and target not in rooms[room]:
            found.append((number, match[1], target))
    return found


class Arrows(unittest.TestCase):
    def setUp(self):
        self.rooms = rooms_of(DOCUMENT.read_text(encoding="utf-8"))

    def test_the_table_names_folders_and_has_no_circle(self):
        self.assertGreater(len(self.rooms), 10)
        for room, may in self.rooms.items():
            self.assertTrue((ROOT / room).is_dir(), f"docs/architecture.md: no folder {room}")
            self.assertLessEqual(may, set(self.rooms), f"docs/architecture.md: {room} names a room that has no row")
        left = dict(self.rooms)
        while left:  # rooms that lead only to rooms already taken away
            free = [room for room, may in left.items() if not may & set(left)]
            self.assertTrue(free, f"docs/architecture.md: a circle among {sorted(left)}")
            for room in free:
                del left[room]

    def test_no_two_headers_define_a_type_of_one_name(self):
        self.assertEqual(types_of("namespace a {\nstruct B : C {\n    struct D {};\n};\nclass E;\nenum class F : int { G };\n}"),
                         ["a::B", "a::F"])
        where = {}
        for top in ("app", "engine", "ui"):  # kernels are three libraries that do not meet
            for path in (ROOT / top).rglob("*.h"):
                for name in types_of(path.read_text(encoding="utf-8")):
                    where.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
        self.assertGreater(len(where), 300)
        twice = {name: paths for name, paths in where.items() if len(paths) > 1}
        self.assertEqual(twice, {})

    def test_every_include_is_an_arrow_of_the_table(self):
        sources = [path.relative_to(ROOT).as_posix() for top in ("app", "engine", "kernels", "ui") for path in (ROOT / top).rglob("*")
                   if path.suffix in (".h", ".cpp", ".cu", ".cuh")]
        self.assertGreater(len(sources), 300)
        problems = []
        for path in sources:
            self.assertIsNotNone(room_of(path, self.rooms), f"{path} lies in no room of docs/architecture.md")
            for number, header, target in forbidden(path, (ROOT / path).read_text(encoding="utf-8"), self.rooms):
                problems.append(f"{path}:{number}: {room_of(path, self.rooms)} may not include {target} ({header})")
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_a_wrong_arrow_is_found(self):
        rooms = {"engine/span": {"engine/types"}, "engine/types": set(), "ui": {"engine/types"}}
        text = '#include <map>\n#include "engine/types/records.h"\n#include "engine/span/tracker.h"\n'
        self.assertEqual(forbidden("ui/views/a.cpp", text, rooms), [(3, "engine/span/tracker.h", "engine/span")])
        self.assertEqual(forbidden("engine/span/b.cpp", text, rooms), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
