#!/usr/bin/env python3
"""finetune.py from a tiny random checkpoint to a folder that the engine opens: weights, masks and logits compared.

Needs SPANSCOPE_WRITER (spanscope-cli) and SPANSCOPE_PROBE (training_probe); ctest sets both.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [ROOT, HERE]

import numpy as np
import sentencepiece as spm
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

import vocabulary
from masks import BLOCK, FlexStateMask, bitmap_block_tables, block_tables, boolean_mask, state_bitmaps
from packing import SIZES, Document, Row, stack
from tokenizer import SPECIAL, lines_of
from tracker import ask_tracker, write_masks

WRITER, PROBE = os.environ.get("SPANSCOPE_WRITER"), os.environ.get("SPANSCOPE_PROBE")
DATA = {"sheet": ["--task", "sheet", "--lines", "1-4"], "expression": ["--task", "expression", "--operators", "1-4"],
        "news": ["--task", "news", "--in", "synthetic"]}


def run(*command, code=0):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == code, f"{' '.join(command)}\nended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if code else "")


def make_tokenizer(texts, path, **options):
    """As Llama 2 has it: byte pieces, digits apart, a space before every text, none of the protocol's pieces."""
    lines = [line for text in texts for line in lines_of(text) if line]
    given = dict(model_type="bpe", vocab_size=400, byte_fallback=True, split_digits=True, character_coverage=0.9995,
                 normalization_rule_name="identity", remove_extra_whitespaces=False, hard_vocab_limit=False,
                 max_sentence_length=16384, minloglevel=2)
    with open(path, "wb") as f:
        spm.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=f, **{**given, **options})


@unittest.skipUnless(WRITER and PROBE, "SPANSCOPE_WRITER and SPANSCOPE_PROBE name the programs")
class Finetune(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for task, args in DATA.items():
            run(WRITER, "dataset", *args, "--count", "24" if task == "news" else "240", "--seed", "5", "--text-only", "--out", cls.at(task + ".jsonl"))
        make_tokenizer([cls.at(t + ".jsonl") for t in DATA], cls.at("tokenizer.model"))

    @classmethod
    def at(cls, *parts):
        return os.path.join(cls.folder, *parts)

    def base(self, name, config=LlamaConfig, dtype=torch.float32, **changes):
        torch.manual_seed(3)
        pieces = spm.SentencePieceProcessor(model_file=self.at("tokenizer.model")).get_piece_size()
        options = dict(vocab_size=pieces, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=False, initializer_range=0.1)
        model = (MistralForCausalLM if config is MistralConfig else LlamaForCausalLM)(config(**{**options, **changes}))
        model.to(dtype).save_pretrained(self.at(name))
        shutil.copy(self.at("tokenizer.model"), self.at(name, "tokenizer.model"))
        return self.at(name)

    def tune(self, base, task, out, *more):
        return run(sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--task", task, "--data",
                   self.at(task + ".jsonl"), "--out", self.at(out), "--writer", WRITER, "--validate-every", "0", "--log-every", "1",
                   "--rows", "2", "--row", "4096" if task == "news" else "1024", "--held-out", "0.1", *more)

    def records(self, task, out):
        lines = self.at("encoded.jsonl")
        run(WRITER, "dataset", "--encode", self.at(task + ".jsonl"), "--tokenizer", self.at(out, "tokenizer.model"), "--out", lines)
        with open(lines, "rb") as f:
            return [json.loads(line) for line in f]

    def special(self, out):
        sp = spm.SentencePieceProcessor(model_file=self.at(out, "tokenizer.model"))
        return {"eos": sp.eos_id(), "pad": 0, "attend_end": sp.piece_to_id("</attend>")}

    def check_opens(self, task, out):
        info = json.loads(run(WRITER, "info", "-m", self.at(out), "--json"))
        self.assertIn(task, json.dumps(info))
        with open(self.at(out, "spanscope.json")) as f:
            card = json.load(f)
        record = self.records(task, out)[0]
        for key in ("prefill", "heads"):
            self.assertEqual(card["tasks"][0][key], record["policy"][key])
        limit = {"sheet": "max_lines", "expression": "max_operators", "news": "max_sentences"}[task]
        self.assertGreater(card["tasks"][0][limit], 6 if task == "news" else 3)
        with open(self.at(out, "MODEL_CARD.md")) as f:
            self.assertIn("| declared |", f.read())
        return record

    def check_logits(self, task, out, window=0, tolerance=1e-3):
        """Every position, prompt and response, both modes: the engine against transformers under the trainer's mask."""
        theirs = AutoModelForCausalLM.from_pretrained(self.at(out), dtype=torch.float32, attn_implementation="eager").eval()
        special, worst, apart = self.special(out), 0.0, 0.0
        for record in self.records(task, out)[:3]:
            doc = Document(json.dumps(record), special)
            n, of_mode = len(doc), []
            for mode in ("dense", "declared"):
                row = Row(n, n, mode == "dense", 0)
                row.add(doc, 0)
                b = {k: torch.from_numpy(v).long() for k, v in stack([row]).items() if k not in SIZES}
                mask = boolean_mask(b["state"], b["intervals"], row.n_states, window).unsqueeze(1)
                bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
                with torch.no_grad():
                    expected = theirs(input_ids=b["ids"], position_ids=b["positions"], attention_mask=bias).logits[0].numpy()
                with open(self.at("in.json"), "w") as f:
                    json.dump({"ids": record["ids"], "n_prompt": record["n_prompt"], "task": task, "mode": mode}, f)
                run(PROBE, "logits", self.at(out), self.at("in.json"), self.at("out.f32"))
                found = np.fromfile(self.at("out.f32"), dtype=np.float32).reshape(expected.shape)
                worst = max(worst, float(np.abs(found - expected).max()))
                of_mode.append(found)
            apart = max(apart, float(np.abs(of_mode[0] - of_mode[1]).max()))
        print(f"\n{out}: largest difference of a logit {worst:.1e}; dense and declared are {apart:.2f} apart")
        self.assertLess(worst, tolerance)
        self.assertGreater(apart, 100 * tolerance, "the masks matter")
        return theirs

    def check_run(self, task, out, theirs, record):
        """`spanscope-cli run`: its prompt is the dataset's, its greedy tokens are those of transformers."""
        trace = self.at("run.spantrace")
        run(WRITER, "run", "-m", self.at(out), "--task", task, "-p", record["typed"], "-n", "4", "--json", "--trace", trace)
        with open(trace) as f:
            text = f.read()
        ids = json.loads(re.search(r'"ids":(\[[0-9,\s]*\])', text).group(1))
        self.assertEqual(ids, record["ids"][: record["n_prompt"]], "a typed prompt is encoded as in training")
        prompt = torch.tensor([ids])
        answer = json.loads(run(WRITER, "run", "-m", self.at(out), "--task", task, "--prompt-tokens", ",".join(map(str, ids)),
                                "--attention", "dense", "-n", "12", "--json"))["runs"][0]["tokens"]
        with torch.no_grad():
            for token in answer:
                self.assertEqual(token, int(theirs(prompt).logits[0, -1].argmax()))
                prompt = torch.cat([prompt, torch.tensor([[token]])], 1)

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
