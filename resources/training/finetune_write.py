"""What finetune.py leaves: a PEFT folder over its base, or a merged Hugging Face folder, with spanscope.json and a card."""
import json
import os
import shlex
import shutil
import subprocess

import sentencepiece as spm
import torch
from safetensors.torch import save_file

import export
import vocabulary
from bases import BESIDE

SHARD_BYTES = 5 << 30


def stored_dtype(base):
    if base.gguf:
        return "bfloat16"
    config = vocabulary.read_json(os.path.join(base.folder, "config.json"))
    name = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    return name if name in export.DTYPES else "bfloat16"


def write_adapter(out, base, model):
    """adapter_config.json and adapter_model.safetensors: matrices and rows in 16 bits, norms in 32."""
    from peft import get_peft_model_state_dict
    os.makedirs(out, exist_ok=True)
    tensors = {}
    for name, value in get_peft_model_state_dict(model).items():
        small = torch.float16 if value.dim() > 1 else torch.float32
        tensors[name] = value.detach().to("cpu", small).contiguous()
        if not torch.isfinite(tensors[name]).all():
            raise SystemExit(f"{name}: values that are not finite in 16 bits; train with a smaller --lr")
    path = os.path.join(out, "adapter_model.safetensors")
    save_file(tensors, path + ".part", metadata={"format": "pt"})
    os.chmod(path + ".part", 0o644)
    os.replace(path + ".part", path)
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.inference_mode = base.name(), True
    config.save_pretrained(out)
    return os.path.getsize(path)


def write_merged(out, base, model, words, dtype):
    """A folder that transformers, vLLM and Spanscope open; model: plain, after finetune_model.merged()."""
    os.makedirs(out, exist_ok=True)
    weights = {k: v for k, v in model.state_dict().items() if not k.endswith("rotary_emb.inv_freq")}
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    export.save_weights(weights, out, dtype, SHARD_BYTES)
    values = vocabulary.read_json(os.path.join(base.folder, "config.json"))  # as it was: RoPE is written in more than one way
    values.update(vocab_size=model.get_input_embeddings().weight.shape[0], dtype=dtype)
    values.pop("torch_dtype", None)
    if words.tokenizer.endswith("tokenizer.model"):
        shutil.copyfile(words.tokenizer, os.path.join(out, "tokenizer.model"))
        sp = spm.SentencePieceProcessor(model_file=words.tokenizer)
        values.update(bos_token_id=sp.bos_id() if sp.bos_id() >= 0 else None, eos_token_id=sp.eos_id())
    else:
        for name in ("tokenizer.json", *BESIDE):
            if os.path.exists(os.path.join(words.tokenizer, name)):
                shutil.copyfile(os.path.join(words.tokenizer, name), os.path.join(out, name))
    export.write_json(os.path.join(out, "config.json"), values)


def base_hash(writer, base):
    """As the program reckons it; None where the program does not answer."""
    done = subprocess.run([*shlex.split(writer), "info", "-m", base.path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout)["hash"] if done.returncode == 0 else None


def write_card(args, base, words, card, figures, results, how):
    """spanscope.json and MODEL_CARD.md; card: the recipe's."""
    entry = {k: v for k, v in card.items() if k not in ("notes", "free_running")}
    entry = {"protocol_version": 1, **entry, "trained_on": f"{tokens_text(figures['tokens'])}, {figures['device']}", "card": "MODEL_CARD.md"}
    if args.lora and not args.merge:
        entry["base_hash"] = base_hash(args.writer, base)
        if entry["base_hash"] is None:
            del entry["base_hash"]
    if words.riders:
        entry["pieces"] = words.riders
    export.write_json(os.path.join(args.out, "spanscope.json"), entry)
    with open(os.path.join(args.out, "MODEL_CARD.md"), "w", encoding="utf-8") as f:
        f.write(card_text(args, base, words, card, figures, results, how))


def tokens_text(n):
    return f"{n / 1e6:,.1f} M tokens" if n >= 1e6 else f"{n:,} tokens"


def card_text(args, base, words, card, figures, results, how):
    pieces = " ".join(f"`{json.dumps(p)[1:-1]}`" for p in words.new) or "none, the vocabulary had them"
    if words.riders:
        pieces = ", ".join(f"`{p}` on `{t}`" for p, t in words.riders.items())
    lines = [f"# {card['name']}", "", card["description"], "",
             f"- Base: {base.name()}, {base.architecture}, {figures['parameters']:,} parameters",
             f"- Licence: {card['license']}",
             f"- Pieces of the protocol: {pieces}",
             f"- Data: {figures['data']}; {tokens_text(figures['tokens'])} seen, {figures['dense']} of the rows dense, the others under declared masks",
             f"- Trained: {how}, {figures['trained']:,} values; {figures['steps']:,} steps in {figures['seconds'] / 60:.1f} minutes on "
             f"{figures['device']}, {figures['tokens'] / max(figures['seconds'], 1e-9):,.0f} tokens/s, PyTorch {figures['torch']}, last loss {figures['loss']:.4f}",
             "- Made by `resources/training/finetune.py`", "", "## Accuracy, teacher-forced", ""]
    if results:
        lines += ["Held-out examples, whose prompts are not in the training data. Exact: every token of the response is the arg max; "
                  "spans: every label, reference and end.", "",
                  "| problems | mode | examples | exact | spans exact | task tokens right | span tokens right |", "|---|---|---|---|---|---|---|"]
        for (name, mode), r in results.items():
            lines.append(f"| {name} | {mode} | {r['documents']} | {100 * r['exact']:.1f}% | {100 * r['exact_structure']:.1f}% | "
                         f"{100 * (1 - r['body_error']):.2f}% | {100 * (1 - r['structure_error']):.2f}% |")
    else:
        lines.append("Not measured: nothing was held out.")
    if card.get("free_running"):  # filled in from what the engine itself measures
        lines += ["", "## Accuracy, free-running", "", f"<!-- accuracy: made by {card['free_running']} -->", "", "Not measured yet.", "", "<!-- end -->"]
    if card.get("notes"):
        lines += ["", "## Data and use", "", *(f"- {note}" for note in card["notes"])]
    lines += ["", "## Limits", ""]
    for task in card["tasks"]:
        limits = ", ".join(f"{v} {k[4:]}" for k, v in task.items() if k.startswith("max_"))
        lines.append(f"- {task['name']}: trained on up to {limits}; beyond that expect errors")
    return "\n".join(lines) + "\n"
