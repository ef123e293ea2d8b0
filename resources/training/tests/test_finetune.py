#!/usr/bin/env python3
"""finetune.py from a tiny random checkpoint to a folder that the engine opens: weights, masks and logits compared."""
import json
import os
import re
import sys
import tempfile
import shutil
import unittest

import numpy as np
import sentencepiece as spm
import torch
from safetensors.torch import load_file
from transformers import MistralConfig

import vocabulary
from finetune_case import PROBE, ROOT, WRITER, FinetuneCase, make_tokenizer, run
from masks import BLOCK, FlexStateMask, bitmap_block_tables, block_tables, boolean_mask, state_bitmaps
from tokenizer import SPECIAL
from tracker import ask_tracker, write_masks


class Finetune(FinetuneCase):
    def test_lora_stops_resumes_and_opens(self):
        base = self.base("llama")
        options = ["--lora", "4", "--merge", "--lr", "3e-3", "--steps", "8"]
        self.tune(base, "sheet", "straight", *options)
        text = self.tune(base, "sheet", "tuned", *options, "--stop-after-steps", "5", "--checkpoint-every", "2")
        self.assertIn("--resume goes on", text)
        self.assertFalse(os.path.exists(self.at("tuned", "model.safetensors")))
        refused = run(sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--task", "sheet", "--data", self.at("sheet.jsonl"),
                      "--out", self.at("tuned"), "--writer", WRITER, "--resume", "--rows", "3", code=1)
        self.assertIn("was", refused)
        text = self.tune(base, "sheet", "tuned", *options, "--resume")
        self.assertIn("resumed at step 5", text)
        self.assertRegex(text, r"held out +declared")
        a, b = (load_file(self.at(f, "model.safetensors")) for f in ("straight", "tuned"))
        before = load_file(os.path.join(base, "model.safetensors"))
        for name in a:
            torch.testing.assert_close(a[name], b[name], atol=1e-5, rtol=0)
        n = before["model.embed_tokens.weight"].shape[0]
        self.assertEqual(a["model.embed_tokens.weight"].shape[0], n + len(SPECIAL))
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            torch.testing.assert_close(a[name][:n], before[name], atol=1e-6, rtol=0)  # only new rows are trained
        self.assertGreater(float((a["model.layers.0.mlp.up_proj.weight"] - before["model.layers.0.mlp.up_proj.weight"]).abs().max()), 1e-4)
        record = self.check_opens("sheet", "tuned")
        self.check_run("sheet", "tuned", self.check_logits("sheet", "tuned"), record)

    def test_every_weight_tied_bfloat16_learns(self):
        base = self.base("tied", dtype=torch.bfloat16, tie_word_embeddings=True)
        text = self.tune(base, "expression", "tuned_tied", "--lr", "3e-3", "--steps", "60", "--rows-at-once", "1")
        losses = [float(x) for x in re.findall(r"loss ([0-9.]+) \(task", text)]
        self.assertLess(losses[-1], 0.6 * losses[0], text)
        weights = load_file(self.at("tuned_tied", "model.safetensors"))
        self.assertNotIn("lm_head.weight", weights)
        self.assertEqual({w.dtype for w in weights.values()}, {torch.bfloat16})
        record = self.check_opens("expression", "tuned_tied")
        self.check_run("expression", "tuned_tied", self.check_logits("expression", "tuned_tied"), record)

    def test_lora_tied_sliding_window_news(self):
        base = self.base("mistral", MistralConfig, tie_word_embeddings=True, sliding_window=200)
        self.tune(base, "news", "tuned_news", "--lora", "2", "--merge", "--lr", "1e-3", "--steps", "2", "--gradient-checkpointing")
        record = self.check_opens("news", "tuned_news")
        self.check_logits("news", "tuned_news", window=200)
        trace = self.at("news.spantrace")
        run(WRITER, "run", "-m", self.at("tuned_news"), "--task", "news", "-p", record["typed"], "-n", "2", "--json", "--trace", trace)
        with open(trace) as f:
            ids = json.loads(re.search(r'"ids":(\[[0-9,\s]*\])', f.read()).group(1))
        self.assertEqual(ids, record["ids"][: record["n_prompt"]], "a typed article is encoded as in training")
        folder = self.at("masks")
        os.makedirs(folder)
        write_masks(self.records("news", "tuned_news"), self.special("tuned_news"), self.at("tuned_news", "tokenizer.model"), folder, 4096, 200)
        code, text = ask_tracker(PROBE, folder)
        self.assertEqual(code, 0, text)

    def test_refuses(self):
        base = self.base("refused")
        arguments = [sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--out", self.at("none"), "--writer", WRITER]
        self.assertIn("task is sheet, expected news", run(*arguments, "--task", "news", "--data", self.at("sheet.jsonl"), code=1))
        with open(self.at("bad.jsonl"), "w") as f:
            f.write('{"task": "sheet", "prompt": "a"}\n')
        self.assertIn("line 1: response", run(*arguments, "--task", "sheet", "--data", self.at("bad.jsonl"), code=1))
        os.remove(os.path.join(base, "tokenizer.model"))
        self.assertIn("neither tokenizer.model nor tokenizer.json", run(*arguments, "--task", "sheet", "--data", self.at("sheet.jsonl"), code=1))


@unittest.skipUnless(WRITER, "SPANSCOPE_WRITER names spanscope-cli")
class Vocabulary(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path, self.out = os.path.join(self.folder, "tokenizer.model"), os.path.join(self.folder, "new.model")
        self.texts = os.path.join(self.folder, "texts.jsonl")
        run(WRITER, "dataset", "--task", "news", "--in", "synthetic", "--count", "30", "--seed", "5", "--text-only", "--out", self.texts)

    def test_numbers_and_newlines_fall_apart(self):
        make_tokenizer([self.texts], self.path, split_digits=False, user_defined_symbols=["2024", ".\n"])
        old = spm.SentencePieceProcessor(model_file=self.path)
        self.assertEqual(len(old.encode("in 2024.\n", out_type=str)), 4)
        new = vocabulary.extend(self.folder, self.out)
        sp = spm.SentencePieceProcessor(model_file=self.out)
        self.assertEqual(list(new), SPECIAL)
        self.assertEqual(new["<in>"], old.get_piece_size())
        self.assertEqual(sp.encode("<out>2024<:>", out_type=str), ["<out>", "2", "0", "2", "4", "<:>"])
        self.assertEqual(sp.encode(".\n", out_type=str), [".", "<0x0A>"])
        self.assertEqual(vocabulary.extend(self.folder, self.path), new)
        self.assertEqual(vocabulary.extend(self.folder, self.out), {}, "a vocabulary that has the pieces keeps them")

    def test_added_tokens_move_in(self):
        make_tokenizer([self.texts], self.path)
        n = spm.SentencePieceProcessor(model_file=self.path).get_piece_size()
        with open(os.path.join(self.folder, "tokenizer_config.json"), "w") as f:
            json.dump({"added_tokens_decoder": {str(n + 1): {"content": "<|end|>", "special": True}}, "eos_token": "<|end|>"}, f)
        new = vocabulary.extend(self.folder, self.out)
        sp = spm.SentencePieceProcessor(model_file=self.out)
        self.assertEqual(sp.eos_id(), n + 1)
        self.assertEqual(new["<in>"], n + 2)

    def test_without_bytes_a_newline_is_added(self):
        make_tokenizer([self.texts], self.path, byte_fallback=False)
        self.assertIn("\n", vocabulary.extend(self.folder, self.out))

    def test_beginnings(self):
        make_tokenizer([self.texts], self.path)
        new = vocabulary.extend(self.folder, self.out)
        old = spm.SentencePieceProcessor(model_file=self.path)
        generator = torch.Generator().manual_seed(1)
        table = torch.randn(old.get_piece_size() + len(new), 32, generator=generator)
        head = table.clone()
        vocabulary.initialise(table, head, new, old.encode)
        rows = table[list(new.values())]
        self.assertLess(float((rows.norm(dim=1) - table[: old.get_piece_size()].norm(dim=1).median()).abs().max()), 1e-3)
        nearest = torch.nn.functional.normalize(rows, dim=1)
        self.assertLess(float((nearest @ nearest.T - torch.eye(len(new))).max()), 0.999, "no two begin alike")
        hidden = torch.randn(200, 32, generator=generator)
        self.assertLess(float((hidden @ head[list(new.values())].T).abs().max()), float((hidden @ head.T).abs().max()) / 2)


class BlockTables(unittest.TestCase):
    """Masks by states and their bitmaps equal masks written out."""

    def rows(self):
        generator = np.random.default_rng(2)
        T, S = 4 * BLOCK, 9
        state = torch.from_numpy(np.sort(generator.integers(0, S, (2, T)), axis=1))
        spans = [[r, s, a, min(T, a + int(generator.integers(1, 300)))] for r in range(2) for s in range(S)
                 for a in generator.integers(0, T - 1, 3).tolist()]
        return state, torch.tensor(spans), S

    def test_tables(self):
        state, spans, S = self.rows()
        found = bitmap_block_tables(state_bitmaps(state, spans, S), state)
        for a, b in zip(found, block_tables(boolean_mask(state, spans, S))):
            torch.testing.assert_close(a, b)

    def test_attention(self):
        from torch.nn.attention.flex_attention import flex_attention
        state, spans, S = self.rows()
        q, k, v = torch.randn(3, 2, 2, state.shape[1], 16, generator=torch.Generator().manual_seed(0))
        for window in (0, 37, 200):
            flex = FlexStateMask(2, state.shape[1], S + 3, "cpu", window)
            flex.fill(state.flip(0), spans)
            found = flex_attention(q, k, v, block_mask=flex.fill(state, spans))
            mask = boolean_mask(state, spans, S, window).unsqueeze(1)
            expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


if __name__ == "__main__":
    unittest.main()
