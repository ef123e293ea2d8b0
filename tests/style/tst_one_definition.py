#!/usr/bin/env python3
"""One name, one type: no struct or class of a named namespace is defined in two files.

Two types of one name in one program are no error for the compiler or the linker; each inlines the other's destructor, and
the program crashes far away.
"""
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPENS = re.compile(r"^(?:inline )?namespace ?([\w:]*) ?\{$")
CLOSES = re.compile(r"^\}  // (?:anonymous )?namespace")
DEFINES = re.compile(r"^(?:struct|class|enum class|enum) (?:alignas\(\w+\) )?([A-Za-z_]\w*)(?: final)?(?: ?:[^:;].*)? ?(?:\{.*)?$")


def definitions(text):
    """[(line number, "namespace::Name")] at the top level of named namespaces."""
    spaces, found = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if match := OPENS.match(line):
            spaces.append(match[1])
        elif CLOSES.match(line):
            spaces.pop()
        elif spaces and all(spaces) and (match := DEFINES.match(line)):
            found.append((number, "::".join([*spaces, match[1]])))
    return found


class OneDefinition(unittest.TestCase):
    def test_no_name_has_two_types(self):
        where, twice = {}, []
        for top in ("app", "engine", "kernels", "ui"):
            for path in sorted((ROOT / top).rglob("*")):
                if path.suffix not in (".h", ".cpp", ".cu", ".cuh"):
                    continue
                for number, name in definitions(path.read_text(encoding="utf-8")):
                    place = f"{path.relative_to(ROOT)}:{number}"
                    if name in where:
                        twice.append(f"{name}: {where[name]} and {place}")
                    where.setdefault(name, place)
        self.assertGreater(len(where), 400)
        self.assertEqual(twice, [], "\n" + "\n".join(twice))

    def test_what_counts(self):
        text = ("namespace a {\nstruct S;\nstruct S {\n};\nclass T final : public S {};\nenum class E : uint8_t { X };\n"
                "namespace {\nstruct H {\n};\n}  // namespace\nnamespace b {\nstruct S {\n};\n}  // namespace b\n}  // namespace a\n")
        self.assertEqual(definitions(text), [(3, "a::S"), (5, "a::T"), (6, "a::E"), (12, "a::b::S")])


if __name__ == "__main__":
    sys.exit(unittest.main())
