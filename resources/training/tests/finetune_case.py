"""A folder of problems, tiny random checkpoints, finetune.py over them, and the engine against transformers.

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
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from masks import boolean_mask
from packing import SIZES, Document, Row, stack
from tokenizer import lines_of

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
class FinetuneCase(unittest.TestCase):
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
        theirs = AutoModelForCausalLM.from_pretrained(self.at(out), dtype=torch.float32, attn_implementation="eager").eval()
        self.compare(task, out, theirs, self.records(task, out), self.special(out), [self.at(out)], window, tolerance)
        return theirs

    def compare(self, task, out, theirs, records, special, opened, window=0, tolerance=1e-3):
        """Every position, prompt and response, both modes: the engine, which opens a model (and an adapter over it), against
        transformers under the trainer's mask."""
        worst, apart = 0.0, 0.0
        for record in records[:3]:
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
                run(PROBE, "logits", opened[0], self.at("in.json"), self.at("out.f32"), *opened[1:])
                found = np.fromfile(self.at("out.f32"), dtype=np.float32).reshape(expected.shape)
                worst = max(worst, float(np.abs(found - expected).max()))
                of_mode.append(found)
            apart = max(apart, float(np.abs(of_mode[0] - of_mode[1]).max()))
        print(f"\n{out}: largest difference of a logit {worst:.1e}; dense and declared are {apart:.2f} apart")
        self.assertLess(worst, tolerance)
        self.assertGreater(apart, 100 * tolerance, "the masks matter")

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
