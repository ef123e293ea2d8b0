#!/usr/bin/env python3
"""The training mask and the inference mask are one rule: 1,000 rows of the dataset, token by token, through the tracker.

Needs SPANSCOPE_WRITER (spanscope-cli) and SPANSCOPE_PROBE (training_probe); ctest sets both.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

import sentencepiece as spm

import tokenizer
from tracker import ask_tracker, write_masks

WRITER, PROBE = os.environ.get("SPANSCOPE_WRITER"), os.environ.get("SPANSCOPE_PROBE")
PARTS = [(["--task", "expression", "--operators", "1-16"], 300), (["--task", "sheet", "--lines", "1-20"], 200),
         (["--task", "sheet", "--lines", "100"], 2), (["--task", "sheet", "--lines", "10-60", "--window", "2-8"], 198),
         (["--task", "news", "--in", "synthetic"], 300)]


@unittest.skipUnless(WRITER and PROBE, "SPANSCOPE_WRITER and SPANSCOPE_PROBE name the programs")
class OneRule(unittest.TestCase):
    def write(self, out, *args):
        subprocess.run([WRITER, "dataset", *args, "--out", out], check=True, stderr=subprocess.DEVNULL)

    def test_thousand_rows(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        texts = os.path.join(folder, "texts.jsonl")
        with open(texts, "wb") as whole:
            for seed, (args, count) in enumerate(PARTS):
                part = os.path.join(folder, "part.jsonl")
                self.write(part, *args, "--count", str(count), "--seed", str(70 + seed), "--text-only")
                with open(part, "rb") as f:
                    shutil.copyfileobj(f, whole)
        model = os.path.join(folder, "tokenizer.model")
        tokenizer.train_text([texts], 1200, model)
        lines = os.path.join(folder, "lines.jsonl")
        self.write(lines, "--encode", texts, "--tokenizer", model)
        with open(lines, "rb") as f:
            records = [json.loads(line) for line in f]
        sp = spm.SentencePieceProcessor(model_file=model)
        special = {"eos": sp.eos_id(), "pad": sp.pad_id(), "attend_end": sp.piece_to_id("</attend>")}
        self.assertEqual(write_masks(records, special, model, folder, 6144), 1000)
        code, text = ask_tracker(PROBE, folder)
        self.assertEqual(code, 0, text)
        found = json.loads(text)
        self.assertEqual(found["rows"], 1000)
        self.assertEqual(found["tokens"], sum(len(r["ids"]) for r in records))
        print(f"\n{found['rows']} rows, {found['tokens']:,} tokens, {found['read']:,} pairs read: no difference")
        self.a_single_wrong_bit_is_found(folder, records)

    def a_single_wrong_bit_is_found(self, folder, records):
        n = len(records[0]["ids"])
        with open(os.path.join(folder, "masks.bits"), "r+b") as f:
            f.seek((n - 1) * ((n + 7) // 8))  # the first row's last token: does it read the sink?
            byte = f.read(1)[0]
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte ^ 0x80]))
        code, text = ask_tracker(PROBE, folder)
        self.assertEqual(code, 1, text)
        self.assertIn(f"row 0: token {n - 1} ", text)


if __name__ == "__main__":
    unittest.main()
