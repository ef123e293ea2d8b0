#!/usr/bin/env python3
"""Tests of the trainer: python3 -m unittest discover -s resources/training/tests. CPU, toy sizes, about a minute."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [ROOT, HERE]

import numpy as np
import torch

import export
from masks import FlexMask, block_tables, boolean_mask
from model import Llama, Shape, flex_attention
from muon import orthogonalise
from packing import IGNORE, PROMPT, STRUCTURE, Document, Packer, Row, spread_positions, stack

TOKENIZER = os.path.join(ROOT, "..", "models", "arith", "tokenizer.model")
WRITER = os.environ.get("SPANSCOPE_WRITER") or f"{sys.executable} {HERE}/toy_writer.py"
SPECIAL = {"bos": 1, "eos": 2, "pad": 3, "attend_end": 8}


def documents(count, seed=5, operators="1-8"):
    command = WRITER.split() + ["dataset", "--task", "expression", "--operators", operators, "--count", str(count), "--seed",
                                str(seed), "--tokenizer", TOKENIZER, "--out", "-"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    return [Document(line, SPECIAL) for line in lines], [json.loads(line) for line in lines]


def brute_force(record):
    """(T, T) from the record alone, by the sentence in the format's description."""
    n = len(record["ids"])
    mask = np.zeros((n, n), dtype=bool)
    for q in range(n):
        spans = [v for v in record["views"] if v[0] <= q][-1][1]
        for k in range(q + 1):
            mask[q, k] = k == q or any(b <= k and (e == -1 or k < e) for b, e in spans)
    return mask


def device_mask(batch):
    t = {k: torch.from_numpy(v).long() for k, v in batch.items() if k not in SIZES}
    return boolean_mask(t["state"], t["intervals"], batch["n_states"])


class Masks(unittest.TestCase):
    def test_rows_equal_brute_force(self):
        docs, records = documents(40)
        for dense in (False, True):
            row = Row(1024, 256, dense, 3)
            placed = []
            for doc, record in zip(docs, records):
                if not row.room():
                    break
                placed.append((row.used, record))
                row.add(doc, 0)
            other = Row(1024, 256, True, 3)
            mask = device_mask(stack([other, row]))[1].numpy()
            self.assertEqual(row.room(), 0, "the last document is cut at the row's end")
            expected = np.eye(1024, dtype=bool)
            for start, record in placed:
                m = np.tril(np.ones((len(record["ids"]),) * 2, dtype=bool)) if dense else brute_force(record)
                n = min(len(m), 1024 - start)
                expected[start:start + n, start:start + n] = m[:n, :n]
            np.testing.assert_array_equal(mask, expected)
            if not dense:
                self.assertLess(mask.sum(), 0.8 * sum(np.tril(np.ones((len(r["ids"]),) * 2)).sum() for _, r in placed))

    def test_block_tables(self):
        rng = torch.Generator().manual_seed(0)
        mask = torch.rand(2, 512, 512, generator=rng) > 0.5
        mask[0, :128, 128:256] = False
        mask[0, 128:256, :128] = True
        partial_n, partial, full_n, full = block_tables(mask)
        self.assertEqual(int(partial_n[0, 0, 0]), 3)
        self.assertNotIn(1, partial[0, 0, 0, :3].tolist())
        self.assertEqual(full[0, 0, 1, : int(full_n[0, 0, 1])].tolist(), [0])

    @unittest.skipIf(flex_attention is None, "this PyTorch has no flex attention")
    def test_flex_equals_boolean(self):
        docs, _ = documents(30)
        rows = []
        for dense in (False, True):
            row = Row(512, 128, dense, 3)
            for doc in docs[:4] if dense else docs[10:14]:
                row.add(doc, 0)
            rows.append(row)
        first, mask = device_mask(stack(rows[::-1])), device_mask(stack(rows))
        flex = FlexMask(first)
        block = flex.fill(mask)  # refilled in place, as in training
        q, k, v = torch.randn(3, 2, 2, 512, 32, generator=torch.Generator().manual_seed(1))
        a = flex_attention(q, k, v, block_mask=block)
        b = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.unsqueeze(1))
        self.assertLess(float((a - b).abs().max()), 1e-5)


class Packing(unittest.TestCase):
    def test_targets(self):
        docs, records = documents(20)
        for doc, record in zip(docs, records):
            self.assertTrue((doc.target[: record["n_prompt"]] == PROMPT).all())
            self.assertFalse(np.isin(doc.target[record["n_prompt"]:], (IGNORE, PROMPT)).any())
            inside, expected = False, []
            for i, token in enumerate(doc.ids):
                inside = inside or token == 5
                expected.append(i >= record["n_prompt"] and (inside or token == 2))
                inside = inside and token != 8
            np.testing.assert_array_equal(doc.target == STRUCTURE, expected)

    def test_plain_documents_have_one_state_and_no_structure(self):
        """Lines of `dataset --plain`: no declarations, so nothing but the end is structure and everything is read."""
        for doc, record in zip(*documents(5)):
            kept = [i for i in record["ids"] if i != SPECIAL["attend_end"]]
            plain = dict(record, ids=kept, declared=False, views=[[0, [[0, -1]]]], breaks=[b for b in record["breaks"] if b < len(kept)])
            made = Document(json.dumps(plain).encode(), SPECIAL)
            self.assertEqual(made.n_states, 1)
            self.assertEqual(int((made.target == STRUCTURE).sum()), 1)  # the end of the response
            self.assertGreater(int((doc.target == STRUCTURE).sum()), 1)

    def test_positions(self):
        docs, _ = documents(50)
        rng = np.random.default_rng(0)
        furthest = 0
        for doc in docs:
            p = spread_positions(doc, 2048, rng)
            steps = np.diff(p)
            self.assertEqual(p[0], 0)
            self.assertLess(p[-1], 2048)
            self.assertTrue((steps >= 1).all())
            jumps = np.flatnonzero(steps > 1) + 1
            self.assertTrue(np.isin(jumps, doc.breaks).all())
            furthest = max(furthest, p[-1])
        self.assertGreater(furthest, 1000)

    def test_shares(self):
        docs, _ = documents(200)
        pick = random.Random(0)
        phase = {"row": 512, "rows": 16, "dense": 0.5, "gaps": 0.0,
                 "classes": [{"name": "a", "weight": 1}, {"name": "b", "weight": 3}, {"name": "c", "weight": 0}]}
        packer = Packer(SPECIAL, 2048, np.random.default_rng(0))
        count, whole, used = np.zeros(6), 0, 0
        for _ in range(20):
            batch = packer.batch(phase, lambda index: docs[pick.randrange(200)])
            real = batch["ids"] != 3
            count += np.bincount(batch["group"][real], minlength=6)[:6]
            used += real.sum()
        by_class = count.reshape(3, 2).sum(1) / used
        self.assertAlmostEqual(by_class[1], 0.75, delta=0.05)
        self.assertEqual(by_class[2], 0)
        self.assertGreater(used / (20 * 16 * 512), 0.93, "little padding, though rows are five documents long")
        dense = count.reshape(3, 2).sum(0) / used
        self.assertAlmostEqual(dense[0], 0.5, delta=0.12)


class Optimiser(unittest.TestCase):
    def test_orthogonal(self):
        g = torch.randn(3, 40, 100, generator=torch.Generator().manual_seed(0))
        for m in (g, g.mT):
            values = torch.linalg.svdvals(orthogonalise(m))
            self.assertGreater(float(values.min()), 0.5)
            self.assertLess(float(values.max()), 1.3)


class Card(unittest.TestCase):
    def test_says_how_often_examples_come(self):
        said = {}
        for name in ("arith", "news"):
            with open(os.path.join(ROOT, "recipes", name + ".json")) as f:
                recipe = json.load(f)
            said[name] = export.card_text(recipe, Shape(vocab_size=300, **recipe["model"]), {})
        self.assertIn("no example twice", said["arith"])
        self.assertNotIn("no example twice", said["news"])
        self.assertIn("read many times over", said["news"])


class EndToEnd(unittest.TestCase):
    def run_trainer(self, out, *more):
        command = [sys.executable, os.path.join(ROOT, "train.py"), "--recipe", os.path.join(HERE, "toy.json"), "--writer",
                   f"{sys.executable} {HERE}/toy_writer.py", "--tokenizer", TOKENIZER, "--workers", "1", "--out", out, *more]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_train_stop_resume_export(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        text = self.run_trainer(folder, "--steps", "160", "--stop-after-steps", "60", "--validate-every", "0")
        self.assertIn("--resume goes on", text)
        text = self.run_trainer(folder, "--steps", "160", "--resume", "--validate-every", "0", "--ship", folder + "/ship")
        self.assertRegex(text, r"resumed from .*step 60,")
        with open(os.path.join(folder, "figures.json")) as f:
            figures = json.load(f)
        self.assertLess(figures["loss"], 1.0, "it learns")
        self.assertLess(figures["validation"]["sums 2"]["declared"]["token_error"], 0.2)
        self.assertTrue(os.path.exists(os.path.join(folder, "ship", "state-0.safetensors")))
        self.compare_with_transformers(os.path.join(folder, "model"))

    def compare_with_transformers(self, folder):
        """Exported logits under a declared mask with gaps in the positions equal LlamaForCausalLM's."""
        try:
            from transformers import LlamaForCausalLM
        except ImportError:
            self.skipTest("transformers is not installed")
        theirs = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        with open(os.path.join(folder, "config.json")) as f:
            ours = Llama(Shape.from_config(json.load(f)))
        ours.load_weights(export.load_weights(folder))
        docs, _ = documents(3, operators="8-8")
        row = Row(512, 128, False, 3)
        for doc in docs:
            row.add(doc, 0, spread_positions(doc, 2048, np.random.default_rng(1)))
        batch = stack([row])
        mask = device_mask(batch).unsqueeze(1)
        ids, positions = torch.from_numpy(batch["ids"]).long(), torch.from_numpy(batch["positions"]).long()
        with torch.no_grad():
            a = ours(ids, positions, mask)
            bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
            b = theirs(input_ids=ids, position_ids=positions, attention_mask=bias).logits
        self.assertLess(float((a - b).abs().max()), 1e-4)


if __name__ == "__main__":
    unittest.main()
