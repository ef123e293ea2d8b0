#!/usr/bin/env python3
"""paper_table.py with the built program on a few problems: what it runs, keeps, joins and writes."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "resources/bench/paper_table.py"
CLI = os.environ["SPANSCOPE_CLI"]


def call(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


class PaperTable(unittest.TestCase):
    def run_rows(self, folder, *more):
        return call("run", folder, "--cli", CLI, "--rows", "0,4", "--count", 3, "--speed-problems", 1, "--repeat", 2, *more)

    def test_measures_keeps_joins_and_writes(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "parts"
            # The bundled model stands in for a plain one: the arm is what is tried here, not its model.
            plain = ["--plain-arith", ROOT / "resources/models/arith"]
            done = self.run_rows(folder, *plain, "--only", "quality")
            self.assertEqual(done.returncode, 0, done.stderr)
            names = sorted(p.stem for p in folder.glob("*.json"))
            self.assertEqual(names, [f"quality-{row}-{arm}" for row in (0, 4) for arm in ("declared", "plain", "tags")])
            declared = json.loads((folder / "quality-4-declared.json").read_text())["rows"][0]
            tags = json.loads((folder / "quality-4-tags.json").read_text())["rows"][0]
            self.assertEqual((declared["attention"], tags["attention"], declared["n"]), ("declared", "dense", 3))
            self.assertEqual(declared["prompt_n"], tags["prompt_n"])  # the same problems

            before = {p: p.stat().st_mtime_ns for p in folder.glob("*.json")}
            again = self.run_rows(folder, *plain, "--only", "quality")
            self.assertEqual(again.returncode, 0)
            self.assertEqual(before, {p: p.stat().st_mtime_ns for p in folder.glob("*.json")})

            self.assertEqual(self.run_rows(folder, *plain, "--only", "speed", "--rows", "4", "--batches", "1").returncode, 0)
            speeds = [json.loads((folder / f"speed-4-declared-1-{turn}.json").read_text())["rows"][0] for turn in (0, 1)]
            fastest = max(r["predicted_n"] / (r["wall_s"] - r["prefill_s"]) for r in speeds)
            joined = pathlib.Path(scratch) / "joined.json"
            joined.write_text(call("join", folder).stdout)
            table = call("table", joined).stdout
            self.assertEqual(table, call("table", folder).stdout)
            row = re.search(r"\| sheet, 16 lines \| \d+ \| 1 \|.*", table).group()
            self.assertIn(f"| {fastest:,.0f} |", row)
            self.assertIn(f"| sheet, 16 lines | 3 | {100 * tags['exact']:.1f}% |", table)
            self.assertIn(f"| {100 * declared['attended_fraction']:.1f}% | {100 * declared['loaded_fraction']:.1f}% |", table)

    def test_a_pretrained_model(self):
        """The bundled one stands in for a base that declares without an adapter; no plain arm is given."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "parts"
            base = ["--base", ROOT / "resources/models/arith", "--rows", "1,4", "--long-count", 2]
            done = self.run_rows(folder, *base, "--only", "quality")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.run_rows(folder, *base, "--only", "mask").returncode, 0)
            self.assertEqual(self.run_rows(folder, *base, "--only", "speed", "--batches", "1", "--rows", "4").returncode, 0)
            parts = {p.stem: json.loads(p.read_text()) for p in folder.glob("*.json")}
            declared, random = (parts[f"base-{name}"]["rows"][0] for name in ("quality-4-declared", "mask-4-random"))
            self.assertFalse([name for name in parts if "plain" in name])
            # As many tokens as the declared mask loads, to half a page, where the context has them.
            size = int(random["attention"].split("=")[1])
            self.assertLessEqual(abs(size - declared["loaded_per_step"]), 8)
            self.assertLess(random["exact"], declared["exact"])
            table = call("table", folder).stdout
            self.assertIn("With a pretrained model", table)
            self.assertIn(f"| sheet, 16 lines | declares | scatter={size} | 3 | {100 * random['exact']:.1f}% |", table)
            # The ceiling, counted here from the parts.
            read = {}
            for arm in ("tags", "declared"):
                part = parts[f"base-speed-4-{arm}-1-0"]
                r = part["rows"][0]
                read[arm] = part["weight_bytes_per_step"] + part["kv_bytes_per_token"] * r["loaded_tokens"] / r["predicted_n"]
            row = re.search(r"\| sheet, 16 lines \| [\d,]+ \| 1 \|.*", table).group()
            self.assertEqual(row.split("|")[8].strip(), f"{read['tags'] / read['declared']:.2f}x")

    def test_wrong_names_of_files(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = call("run", scratch, "--cli", CLI, "--base", "x", "--news", "nowhere=x.jsonl")
            self.assertEqual(done.returncode, 2)
            self.assertIn("nowhere", done.stderr)

    def test_time_that_is_up_leaves_no_half_part(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = self.run_rows(pathlib.Path(scratch), "--seconds", 0)
            self.assertEqual(done.returncode, 0)
            self.assertIn("not run", done.stderr)
            self.assertEqual(list(pathlib.Path(scratch).iterdir()), [])
            self.assertNotEqual(call("table", scratch).returncode, 0)

    def test_a_failing_program_is_reported(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = call("run", scratch, "--cli", CLI, "--rows", "0", "--models", "/nowhere", "--only", "quality")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("/nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
