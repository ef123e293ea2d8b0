#!/usr/bin/env python3
"""The table of docs/vocabularies.md: what counts as kept and right, how shares and faults are summed, and that only the marked part of a page
is written."""
import importlib.util
import pathlib
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("vocabularies", ROOT / "resources/bench/vocabularies.py")
v = importlib.util.module_from_spec(spec)
spec.loader.exec_module(v)


def result(**changes):
    run = {"sections": [{"name": "chunk"}, {"name": "focus"}], "changes": [], "malformed": {}, "stop_reason": "answered", "answer": "a baker.",
           "attended_tokens": 50, "causal_tokens": 100, "backend": "cpu", "device": "d", "kv_type": "F16", "text": "<answer>a baker.</answer>"}
    return {**run, **changes}


class Table(unittest.TestCase):
    def test_kept(self):
        self.assertTrue(v.kept(result(), "da"))
        self.assertFalse(v.kept(result(sections=[{"name": "global"}]), "da"))
        self.assertFalse(v.kept(result(malformed={"unknown label": 1}), "da"))
        self.assertFalse(v.kept(result(stop_reason="eos"), "da"))
        self.assertFalse(v.kept(result(), "memento"))
        self.assertTrue(v.kept(result(changes=[{}]), "memento"))

    def test_right(self):
        self.assertTrue(v.is_right("da", "She is a Baker.", "baker"))
        self.assertFalse(v.is_right("da", "", "baker"))
        self.assertTrue(v.is_right("memento", "5 + 7 = 12 books", "12"))
        self.assertFalse(v.is_right("memento", "12 of 20", "12"))
        self.assertFalse(v.is_right("memento", "none", "12"))

    def test_problems_have_their_answer(self):
        rng = v.random.Random(1)
        for _ in range(50):
            text, wanted = v.document(rng)
            self.assertIn(wanted, text.rsplit("\n\n", 1)[0])
            self.assertGreaterEqual(int(v.two_steps(rng)[1]), 0)

    def test_rows_and_page(self):
        good, bad = result(), result(malformed={"tag not finished": 2}, stop_reason="limit", answer="", attended_tokens=100)
        results = [("q", "baker", good, good, "M"), ("q", "baker", good, bad, "M")]
        table, faults = v.rows("da", results)
        self.assertEqual(table[0], ["da", "dense", "2", "100%", "100%", "100%", "100%", "100%", "50.0%"])
        self.assertEqual(table[1], ["da", "declared", "2", "50%", "50%", "100%", "50%", "50%", "75.0%"])
        self.assertEqual(faults, {"tag not finished": 2})
        made = v.page(types.SimpleNamespace(count=2, max_tokens=9), {"da": results})
        self.assertTrue(made.startswith(v.BEGIN) and made.endswith(v.END))
        self.assertIn("- `da`: tag not finished 2", made)

    def test_page_keeps_what_is_around(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"before\n{v.BEGIN}\nold\n{v.END}\nafter\n")
            measure, v.measure = v.measure, lambda args, name, scratch: [("q", "baker", result(), result(), "M")]
            arguments, sys.argv = sys.argv, ["vocabularies.py", "model", "--vocabulary", "da", "--out", str(page)]
            try:
                v.main()
                text = page.read_text()
                self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text)
                page.write_text("no marks")
                self.assertRaises(SystemExit, v.main)
                self.assertEqual(page.read_text(), "no marks")
            finally:
                v.measure, sys.argv = measure, arguments


if __name__ == "__main__":
    unittest.main()
