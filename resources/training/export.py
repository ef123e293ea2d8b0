#!/usr/bin/env python3
"""Writes a Hugging Face folder that Spanscope opens; also turns a checkpoint of train.py into one:

    export.py --checkpoint run/checkpoint-a.safetensors --recipe recipes/arith.json --tokenizer tokenizer.model --out DIR
"""
import argparse
import json
import os
import shutil

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model import Shape

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
SHARD_BYTES = 15 << 20


def shards(weights, limit=SHARD_BYTES):
    parts, size = [{}], 0
    for name, tensor in weights.items():
        n = tensor.numel() * tensor.element_size()
        if size + n > limit and parts[-1]:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += n
    return parts


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def save_weights(weights, folder, dtype="bfloat16", limit=SHARD_BYTES):
    """model.safetensors, or shards of at most `limit` bytes with an index. Old shards are removed."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.startswith("model") and name.endswith((".safetensors", ".index.json")):
            os.remove(os.path.join(folder, name))
    parts = shards({k: v.detach().to("cpu", DTYPES[dtype]).contiguous() for k, v in weights.items()}, limit)
    index = {"metadata": {"total_size": 0}, "weight_map": {}}
    for i, part in enumerate(parts):
        name = "model.safetensors" if len(parts) == 1 else f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, os.path.join(folder, name), metadata={"format": "pt"})
        os.chmod(os.path.join(folder, name), 0o644)
        for key, tensor in part.items():
            index["weight_map"][key] = name
            index["metadata"]["total_size"] += tensor.numel() * tensor.element_size()
    if len(parts) > 1:
        write_json(os.path.join(folder, "model.safetensors.index.json"), index)


def load_weights(path):
    """Weights of a Hugging Face folder or of a checkpoint of train.py."""
    files = [path]
    if os.path.isdir(path):
        files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.endswith(".safetensors"))
    weights = {}
    for file in files:
        for key, tensor in load_file(file).items():
            if not key.startswith(("muon.", "adam.")):
                weights[key] = tensor
    if not weights:
        raise SystemExit(f"{path}: no weights")
    return weights


def data_text(recipe):
    """Generated problems are drawn afresh; articles are read again and again, changed each time."""
    if any(c.get("articles") for phase in recipe["phases"] for c in phase["classes"]):
        return ("articles written by people, read many times over, each time with other names and numbers and other "
                "paragraphs (`articles.py`), and synthetic reports drawn while training")
    return "drawn by `spanscope-cli dataset` while training, no example twice by design"


def card_text(recipe, shape, figures):
    """MODEL_CARD.md from the run's own figures; what was not measured is said to be so."""
    n = figures.get("parameters", 0)
    lines = [f"# {recipe['name']}", "", recipe["card"]["description"], "",
             f"- Architecture: Llama, {shape.num_hidden_layers} layers, {shape.hidden_size} wide, "
             f"{shape.num_attention_heads} heads of {shape.head_dim}, MLP {shape.intermediate_size}, "
             f"{n:,} parameters, positions to {shape.max_position_embeddings}",
             f"- Licence: {recipe['card']['license']}",
             f"- Data: {data_text(recipe)} ({figures.get('tokens', 0) / 1e6:,.0f} M tokens); classes and shares in "
             "`resources/training/recipes/`",
             f"- Training: {figures.get('steps', 0):,} steps in {figures.get('seconds', 0) / 60:.1f} minutes on "
             f"{figures.get('device', 'an unknown device')}, {figures.get('tokens_per_s', 0):,.0f} tokens/s, "
             f"PyTorch {figures.get('torch', '')}, last loss {figures.get('loss', float('nan')):.5f}",
             f"- Precision: {figures.get('precision', 'not stated')}", "",
             "## Accuracy, teacher-forced", "",
             "Exact: every token of the response is the arg max. Held-out problems; their prompts are excluded from training.",
             "", "| problems | number | dense | declared |", "|---|---|---|---|"]
    results = figures.get("validation", {})
    for entry in recipe["validation"]:
        row = results.get(entry["name"])
        if row:
            lines.append(f"| {entry['name']} | {row['dense']['documents']} | {100 * row['dense']['exact']:.1f}% | "
                         f"{100 * row['declared']['exact']:.1f}% |")
    if recipe["card"].get("free_running"):  # filled in from what the engine itself measures
        lines += ["", "## Accuracy, free-running", "", f"<!-- accuracy: made by {recipe['card']['free_running']} -->", "", "Not measured yet.", "", "<!-- end -->"]
    notes = recipe["card"].get("notes", [])
    if notes:
        lines += ["", "## Data and use", "", *(f"- {note}" for note in notes)]
    lines += ["", "## Limits", ""]
    for task in recipe["card"]["tasks"]:
        limits = ", ".join(f"{k[4:]} {v}" for k, v in task.items() if k.startswith("max_"))
        lines.append(f"- {task['name']}: trained to {limits}; beyond that expect errors")
    return "\n".join(lines) + "\n"


def write_folder(folder, weights, shape, recipe, tokenizer, figures, dtype="bfloat16"):
    save_weights(weights, folder, dtype)
    write_json(os.path.join(folder, "config.json"), shape.hf_config(dtype=dtype))
    card = {k: v for k, v in recipe["card"].items() if k not in ("notes", "free_running")}
    card["trained_on"] = f"{figures.get('tokens', 0) / 1e6:,.0f} M tokens, {figures.get('device', 'unknown device')}"
    card["card"] = "MODEL_CARD.md"
    write_json(os.path.join(folder, "spanscope.json"), card)
    with open(os.path.join(folder, "MODEL_CARD.md"), "w", encoding="utf-8") as f:
        f.write(card_text(recipe, shape, figures))
    target = os.path.join(folder, "tokenizer.model")
    if os.path.abspath(tokenizer) != os.path.abspath(target):
        shutil.copyfile(tokenizer, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, help="checkpoint file, or a folder with weights")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--figures", help="figures.json of the run")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    with open(args.recipe, encoding="utf-8") as f:
        recipe = json.load(f)
    figures = {}
    if args.figures:
        with open(args.figures, encoding="utf-8") as f:
            figures = json.load(f)
    elif os.path.isfile(args.checkpoint):
        with safe_open(args.checkpoint, "pt") as f:
            figures = json.loads(f.metadata()["figures"])
    weights = load_weights(args.checkpoint)
    shape = Shape(vocab_size=weights["model.embed_tokens.weight"].shape[0], **recipe["model"])
    write_folder(args.out, weights, shape, recipe, args.tokenizer, figures, args.dtype)
    print(f"{args.out}: {sum(w.numel() for w in weights.values()):,} parameters, {args.dtype}")


if __name__ == "__main__":
    main()
