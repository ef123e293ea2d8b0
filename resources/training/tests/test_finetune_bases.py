#!/usr/bin/env python3
"""finetune.py over byte-level vocabularies, folders and GGUF files: adapters that the engine opens, weights with added
tokens; a recipe of several tasks; two processes and one."""
import json
import os
import re
import sys

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from peft import PeftModel
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

import vocabulary
from bases import Base
from finetune_case import DATA, ROOT, WRITER, FinetuneCase, run
from tokenizer import SPECIAL, lines_of

END, RESERVED = "<|end|>", [f"<|reserved_{i}|>" for i in range(8)]
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"  # as Qwen 2


class Bases(FinetuneCase):
    def vocabulary(self, reserved):
        """A byte-level vocabulary as Qwen 2 has it: punctuation takes line ends along."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(__import__("tokenizers").Regex(WORDS), "isolated"),
                                                           pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=[END, *RESERVED[:reserved]], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                      show_progress=False)
        tokenizer.train_from_iterator((line + ".\n" for t in DATA for line in lines_of(self.at(t + ".jsonl"))), trainer)
        return tokenizer

    def folder_base(self, name, reserved):
        torch.manual_seed(4)
        tokenizer = self.vocabulary(reserved)
        config = Qwen2Config(vocab_size=tokenizer.get_vocab_size(), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                             num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=True, initializer_range=0.1,
                             bos_token_id=None, eos_token_id=0)
        Qwen2ForCausalLM(config).save_pretrained(self.at(name))
        tokenizer.save(self.at(name, "tokenizer.json"))
        with open(self.at(name, "tokenizer_config.json"), "w") as f:
            json.dump({"eos_token": END, "tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False}, f)
        return self.at(name)

    def gguf_base(self, name):
        """Llama in F32 with the same vocabulary; rows of Q and K for neighbouring pairs, as such files have them."""
        torch.manual_seed(5)
        tokenizer = self.vocabulary(8)
        vocab = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda pair: pair[1])
        config = LlamaConfig(vocab_size=len(vocab), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                             num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=True, initializer_range=0.1)
        model, path = LlamaForCausalLM(config), self.at(name)
        w = GGUFWriter(path, "llama")
        w.add_block_count(2), w.add_context_length(4096), w.add_embedding_length(64), w.add_feed_forward_length(96)
        w.add_head_count(4), w.add_head_count_kv(2), w.add_layer_norm_rms_eps(config.rms_norm_eps), w.add_rope_freq_base(10000.0)
        w.add_rope_dimension_count(16), w.add_vocab_size(len(vocab))
        w.add_tokenizer_model("gpt2"), w.add_tokenizer_pre("qwen2")
        w.add_token_list([t for t, _ in vocab])
        w.add_token_types([TokenType.CONTROL if t in (END, *RESERVED) else TokenType.NORMAL for t, _ in vocab])
        w.add_token_merges([" ".join(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]])
        w.add_eos_token_id(0), w.add_add_bos_token(False)
        names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v",
                 "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
        for full, p in model.named_parameters():
            data, part = p.detach().numpy(), full.split(".")
            heads = {"q_proj": 4, "k_proj": 2}.get(part[-2])
            if heads:
                data = np.ascontiguousarray(data.reshape(heads, 2, 8, 64).swapaxes(1, 2).reshape(data.shape))
            own = f"blk.{part[2]}.{names[part[-2]]}.weight" if part[1] == "layers" else {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}[part[1]]
            w.add_tensor(own, data, raw_dtype=GGMLQuantizationType.F32)
        w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()
        return path

    def encoded(self, task, tokenizer):
        run(WRITER, "dataset", "--encode", self.at(task + ".jsonl"), "--tokenizer", tokenizer, "--out", self.at("encoded.jsonl"))
        with open(self.at("encoded.jsonl"), "rb") as f:
            return [json.loads(line) for line in f]

    def check_adapter(self, base, task, out, records):
        """The engine opens base and adapter, and computes what transformers and peft compute."""
        info = json.loads(run(WRITER, "info", "-m", base, "--adapter", self.at(out), "--json"))
        self.assertIn(task, json.dumps(info))
        with open(self.at(out, "spanscope.json")) as f:
            card = json.load(f)
        self.assertEqual(list(card["pieces"]), SPECIAL)
        self.assertEqual(set(card["pieces"].values()), set(RESERVED[:7]))
        opened = Base(base)
        theirs = PeftModel.from_pretrained(opened.model(torch.float32), self.at(out)).eval()
        theirs.get_base_model().set_attn_implementation("eager")
        special = {"eos": 0, "pad": 0, "attend_end": 1 + SPECIAL.index("</attend>")}
        self.compare(task, out, theirs, records, special, [base, self.at(out)])

    def test_adapter_over_a_folder(self):
        base = self.folder_base("qwen", 8)
        text = self.tune(base, "sheet", "over_folder", "--lora", "4", "--lr", "3e-3", "--steps", "30")
        losses = [float(x) for x in re.findall(r"loss ([0-9.]+) \(task", text)]
        self.assertLess(losses[-1], 0.8 * losses[0], text)
        self.assertFalse(os.path.exists(self.at("over_folder", "model.safetensors")))
        self.check_adapter(base, "sheet", "over_folder", self.encoded("sheet", self.at("over_folder.run", "tokenizer")))

    def test_adapter_over_gguf(self):
        base = self.gguf_base("llama.gguf")
        self.tune(base, "news", "over_gguf", "--lora", "4", "--lr", "3e-3", "--steps", "3")
        records = self.encoded("news", self.at("over_gguf.run", "base.gguf"))
        self.check_adapter(base, "news", "over_gguf", records)
        newlines = {i for r in records for i in r["ids"]}
        with open(self.at("qwen_vocabulary.json"), "w") as f:
            f.write(self.vocabulary(8).to_str())
        for i in newlines:  # no piece reaches over the end of a segment
            piece = Tokenizer.from_file(self.at("qwen_vocabulary.json")).id_to_token(i)
            self.assertTrue("Ċ" not in piece or piece == "Ċ", piece)
        refused = run(sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--task", "news", "--data", self.at("news.jsonl"), "--out",
                      self.at("none"), "--writer", WRITER, "--lora", "4", "--merge", code=1)
        self.assertIn("only adapters", refused)

    def test_added_tokens_need_merging(self):
        base = self.folder_base("bare", 3)
        refused = run(sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--task", "sheet", "--data", self.at("sheet.jsonl"), "--out",
                      self.at("none"), "--writer", WRITER, "--lora", "4", code=1)
        self.assertIn("add --merge", refused)
        self.tune(base, "sheet", "added", "--lora", "4", "--merge", "--lr", "3e-3", "--steps", "3")
        records = self.encoded("sheet", self.at("added.run", "tokenizer"))
        theirs = AutoModelForCausalLM.from_pretrained(self.at("added"), dtype=torch.float32, attn_implementation="eager").eval()
        n = self.vocabulary(3).get_vocab_size()
        self.assertEqual(theirs.get_input_embeddings().weight.shape[0], n + len(SPECIAL))
        special = {"eos": 0, "pad": 0, "attend_end": n + SPECIAL.index("</attend>")}
        self.compare("sheet", "added", theirs, records, special, [self.at("added")])

    def test_riders(self):
        self.assertEqual(list(vocabulary.riders(RESERVED, set(), "", "here").values()), RESERVED[:7])
        self.assertEqual(vocabulary.riders(RESERVED, set(), "{{ '<|reserved_0|>' }}", "here")["<in>"], RESERVED[1])
        self.assertEqual(vocabulary.riders([], set(SPECIAL), "", "here"), {}, "a vocabulary that has the pieces keeps them")
        with self.assertRaisesRegex(vocabulary.TooFew, "3 reserved tokens are free, expected 7"):
            vocabulary.riders(RESERVED[:3], set(), "", "here")

    def test_a_recipe_of_several_tasks(self):
        recipe = {"name": "several", "optimiser": {"lr": 3e-3, "warmup_steps": 2, "constant_until": 0.3, "structure_weight": 1.5},
                  "phases": [{"until": 0.5, "row": 512, "rows": 2, "dense": 0.5, "gaps": 0.3, "classes": [
                      {"name": "sheets", "args": [*DATA["sheet"]], "weight": 2}, {"name": "expressions", "args": [*DATA["expression"]], "weight": 1}]},
                             {"until": 1.0, "row": 1024, "rows": 2, "dense": 0.5, "prompt_weight": 0.2, "classes": [
                                 {"name": "sheets", "args": [*DATA["sheet"]], "weight": 1}]}],
                  "validation": [{"name": "sheets", "args": [*DATA["sheet"]], "count": 12}],
                  "card": {"name": "several", "description": "Two tasks.", "license": "none", "tasks": [
                      {"name": "sheet", "prefill": "segmented", "heads": False, "max_lines": 4}]}}
        with open(self.at("recipe.json"), "w") as f:
            json.dump(recipe, f)
        base = self.folder_base("several_base", 8)
        command = [sys.executable, os.path.join(ROOT, "finetune.py"), "--base", base, "--recipe", self.at("recipe.json"), "--lora", "2", "--writer",
                   WRITER, "--workers", "1", "--log-every", "0", "--validate-every", "0"]
        text = run(*command, "--out", self.at("several"), "--steps", "8", "--stop-after-steps", "5")
        self.assertIn("phase 2: 2 rows of 1024", text)
        self.assertIn("--resume goes on", text)
        text = run(*command, "--out", self.at("several"), "--steps", "8", "--resume")
        self.assertIn("resumed at step 5", text)
        self.assertRegex(text, r"sheets +declared")
        plain = run(*command, "--out", self.at("several_plain"), "--steps", "2", "--plain", "--init", self.at("several"))
        self.assertIn("done", plain)
        with open(self.at("several_plain", "spanscope.json")) as f:
            self.assertIn("plain", json.load(f)["name"])

    def test_two_processes_learn_what_one_learns(self):
        base = self.base("shared")
        options = ["--base", base, "--task", "sheet", "--data", self.at("sheet.jsonl"), "--writer", WRITER, "--validate-every", "0", "--log-every", "0",
                   "--rows", "4", "--row", "1024", "--lora", "4", "--merge", "--lr", "3e-3", "--steps", "6"]
        one = run(sys.executable, os.path.join(ROOT, "finetune.py"), *options, "--out", self.at("one"))
        two = run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", os.path.join(ROOT, "finetune.py"), *options,
                  "--out", self.at("two"))
        self.assertIn("2 x CPU", two)
        norms = [load_file(self.at(f, "model.safetensors")) for f in ("one", "two")]
        start = load_file(os.path.join(base, "model.safetensors"))
        for name, value in norms[0].items():
            torch.testing.assert_close(value, norms[1][name], atol=2e-4, rtol=0)
        moved = max(float((norms[0][n] - start[n]).abs().max()) for n in start if start[n].shape == norms[0][n].shape)
        self.assertGreater(moved, 5e-3, "there was something to learn")
        rates = [re.findall(r"held out +(?:dense|declared) .*", t) for t in (one, two)]
        losses = [[float(line.split()[7]) for line in r] for r in rates]
        self.assertEqual(len(losses[0]), 2, one)
        np.testing.assert_allclose(losses[0], losses[1], atol=1e-3)


if __name__ == "__main__":
    import unittest
    unittest.main()
