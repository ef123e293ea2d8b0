#!/usr/bin/env python3
"""Tests of the article variants and of the clock: python3 -m unittest discover -s resources/training/tests."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import articles

NAMES = ["Hartwell", "Oslandia", "Brimmock", "Tavera", "Quillon", "Senderby"]


def collection(count=200):
    rng = random.Random(4)
    result = []
    for i in range(count):
        name, place = rng.sample(NAMES, 2)
        n = str(rng.randint(1000, 9999))
        body = [f"The company {name} sold {n} tonnes of wheat in {place}, it said.", f"Traders in {place} saw {n} tonnes.",
                "The market was quiet.", f"{name} gave no reason.", "More is expected by the traders, no more."]
        result.append({"id": i, "title": f"{name.upper()} SELLS {n} TONNES", "body": "\n".join(body)})
    return result


class ArticleVariants(unittest.TestCase):
    def test_replacements_agree(self):
        given = collection()
        variants = articles.Variants(given)
        self.assertEqual(variants.nouns, set(NAMES))
        rng, changed = random.Random(1), 0
        for article in given:
            fresh = variants.vary(article, rng)
            name, number = re.match(r"The company (\w+) sold (\d+) tonnes", fresh["body"]).groups()
            self.assertEqual(fresh["title"], f"{name.upper()} SELLS {number} TONNES")
            self.assertEqual(len(number), 4)
            self.assertLessEqual(len(fresh["body"].split("\n")), 5)
            changed += fresh["body"] != article["body"]
        self.assertGreater(changed, 100)

    def test_held_out_share_is_never_drawn(self):
        given = collection()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(a) + "\n" for a in given)
            parts = {p: {a["id"] for a in articles.read(path, p)} for p in ("train", "held-out", "all")}
        self.assertFalse(parts["train"] & parts["held-out"])
        self.assertEqual(parts["train"] | parts["held-out"], parts["all"])
        self.assertTrue(0 < len(parts["held-out"]) < 20)
        stream = articles.Variants([a for a in given if a["id"] in parts["train"]]).lines(3)
        drawn = {json.loads(next(stream))["id"] for _ in range(len(parts["train"]))}
        self.assertEqual(drawn, parts["train"], "one round reads every article once")

    def test_missing_field(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.write('{"title": "x"}\n')
            with self.assertRaisesRegex(SystemExit, "line 1"):
                articles.read(path, "all")


class StoppedProcess(unittest.TestCase):
    def test_time_away_does_not_count(self):
        code = ("import sys, time; sys.path.insert(0, sys.argv[1]); from clock import Clock; c = Clock(0.05, 0.8); "
                "print('up', flush=True); input(); print(c.now(), c.away)")
        process = subprocess.Popen([sys.executable, "-c", code, ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        began = time.monotonic()
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.0)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        out, _ = process.communicate("\n")
        passed = time.monotonic() - began
        counted, away = map(float, out.split())
        self.assertGreater(away, 1.8)
        self.assertGreater(counted, 0.3)
        self.assertLess(counted - passed + away, 1.5, "what was counted is the time that passed, less the time away")


if __name__ == "__main__":
    unittest.main()
