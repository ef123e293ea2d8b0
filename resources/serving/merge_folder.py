#!/usr/bin/env python3
"""A base in a GGUF file and a PEFT adapter over it, as one Hugging Face folder that vLLM and Spanscope open:

    merge_folder.py BASE.gguf ADAPTER_FOLDER OUT_FOLDER

Llama graphs with a byte-level vocabulary. Blocks become the numbers that they stand for, adapters are added in float32, and
all is stored as bfloat16; the same folder is then read by both sides of a comparison.
"""
import json
import os
import re
import shutil
import sys

import torch
from gguf import GGUFReader, dequantize
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head", "attn_norm": "input_layernorm",
         "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
PREFIX = "base_model.model."


def fail(text):
    raise SystemExit(f"merge_folder.py: {text}")


def hugging_face_name(name):
    found = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.weight", name)
    if not found or found[2] not in NAMES:
        fail(f"tensor {name}: no name for it in a Llama folder")
    return (f"model.layers.{found[1]}." if found[1] else "") + NAMES[found[2]] + ".weight"


def read_base(path):
    """Weights in float32, by their names in transformers, and config.json."""
    reader = GGUFReader(path)
    value = lambda key: reader.fields[key].contents() if key in reader.fields else None
    if value("general.architecture") != "llama":
        fail(f"{path}: general.architecture is {value('general.architecture')}, expected llama")
    heads, kv_heads = value("llama.attention.head_count"), value("llama.attention.head_count_kv")
    weights = {}
    for tensor in reader.tensors:
        name = hugging_face_name(tensor.name)
        w = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy()).float().reshape(tuple(int(n) for n in reversed(tensor.shape)))
        if ".q_proj." in name or ".k_proj." in name:  # GGUF has the halves of a rotated pair side by side
            n = heads if ".q_proj." in name else kv_heads
            w = w.reshape(n, w.shape[0] // n // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
        weights[name] = w
    hidden = value("llama.embedding_length")
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": hidden,
              "intermediate_size": value("llama.feed_forward_length"), "num_hidden_layers": value("llama.block_count"),
              "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": hidden // heads,
              "max_position_embeddings": value("llama.context_length"), "rms_norm_eps": value("llama.attention.layer_norm_rms_epsilon"),
              "rope_theta": value("llama.rope.freq_base") or 10000.0, "vocab_size": weights["model.embed_tokens.weight"].shape[0],
              "tie_word_embeddings": "lm_head.weight" not in weights, "bos_token_id": value("tokenizer.ggml.bos_token_id"),
              "eos_token_id": value("tokenizer.ggml.eos_token_id"), "attention_bias": False, "mlp_bias": False, "dtype": "bfloat16"}
    return weights, config


def add_adapter(weights, folder):
    with open(os.path.join(folder, "adapter_config.json"), encoding="utf-8") as f:
        config = json.load(f)
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("use_rslora") or config.get("rank_pattern"):
        fail(f"{folder}/adapter_config.json: expected plain LoRA of one rank")
    scale = config["lora_alpha"] / config["r"]
    tensors = {k.removeprefix(PREFIX): v.float() for k, v in load_file(os.path.join(folder, "adapter_model.safetensors")).items()}
    taken = set()
    for name, tensor in tensors.items():
        if name.endswith(".lora_A.weight"):
            stem = name.removesuffix(".lora_A.weight")
            weights[stem + ".weight"] += scale * (tensors[stem + ".lora_B.weight"] @ tensor)
            taken |= {name, stem + ".lora_B.weight"}
        elif name.endswith(".token_adapter.trainable_tokens_delta"):  # the rows themselves, whatever PEFT calls them
            rows = config["trainable_token_indices"][name.split(".")[-3]]
            weights["model.embed_tokens.weight"][rows] = tensor
            taken.add(name)
        elif name in weights:
            weights[name] = tensor
            taken.add(name)
    if taken != set(tensors):
        fail(f"{folder}: not understood: {', '.join(sorted(set(tensors) - taken)[:3])}")


def main():
    if len(sys.argv) != 4:
        fail("expected BASE.gguf ADAPTER_FOLDER OUT_FOLDER")
    base, adapter, out = sys.argv[1:]
    weights, config = read_base(base)
    add_adapter(weights, adapter)
    part = out.rstrip("/") + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    AutoTokenizer.from_pretrained(os.path.dirname(os.path.abspath(base)), gguf_file=os.path.basename(base)).save_pretrained(part)
    save_file({k: v.to(torch.bfloat16).contiguous() for k, v in weights.items()}, os.path.join(part, "model.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(part, "model.safetensors"), 0o644)
    with open(os.path.join(adapter, "spanscope.json"), encoding="utf-8") as f:
        card = json.load(f)
    for key in ("base", "base_hash"):
        card.pop(key, None)
    shutil.copyfile(os.path.join(adapter, card["card"]), os.path.join(part, card["card"]))
    for name, value in (("config.json", config), ("spanscope.json", card)):
        with open(os.path.join(part, name), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=2)
            f.write("\n")
    shutil.rmtree(out, ignore_errors=True)
    os.replace(part, out)


if __name__ == "__main__":
    main()
