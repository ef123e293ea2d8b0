"""What finetune.py does to a checkpoint: room for new pieces, adapters, masks, and the folder that Spanscope opens."""
import json
import os
import shutil

import sentencepiece as spm
import torch

import export
import vocabulary
from masks import BLOCK, FlexStateMask, boolean_mask

SHARD_BYTES = 5 << 30
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def core(model):
    """The LlamaForCausalLM inside, adapters included."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def grow(model, sp, new, base, seed):
    """Rows for the new pieces, where the checkpoint has none, and a sensible beginning for them."""
    rows = model.get_input_embeddings().weight.shape[0]
    if sp.get_piece_size() > rows:
        model.resize_token_embeddings(sp.get_piece_size(), mean_resizing=False)
    tied = model.config.tie_word_embeddings
    old = spm.SentencePieceProcessor(model_file=os.path.join(base, "tokenizer.model"))
    vocabulary.initialise(model.get_input_embeddings().weight, None if tied else model.get_output_embeddings().weight, new,
                          old, seed)


def trainable(model, rank, new_ids):
    """Everything, or LoRA adapters on every projection and the rows of the new pieces."""
    if not rank:
        return model
    from peft import LoraConfig, get_peft_model
    rows = None
    if new_ids:
        rows = {"embed_tokens": new_ids}
        if not model.config.tie_word_embeddings:
            rows["lm_head"] = new_ids
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=PROJECTIONS, trainable_token_indices=rows, task_type="CAUSAL_LM")
    return get_peft_model(model, config)


class Masks:
    """From states and intervals to what transformers' attention takes. kind: sdpa (boolean, per batch) or flex (nothing T x T)."""

    def __init__(self, kind, window, n_states):
        self.kind, self.window, self.n_states, self.flex = kind, window, n_states, {}

    def __call__(self, state, intervals):
        if self.kind == "sdpa":
            return boolean_mask(state, intervals, self.n_states, self.window).unsqueeze(1)
        if state.shape not in self.flex:
            self.flex[state.shape] = FlexStateMask(*state.shape, self.n_states, state.device, self.window)
        return self.flex[state.shape].fill(state, intervals)


def choose_masks(model, wanted, rows, T, n_states, log):
    """Sets the model's attention. Flex is taken where it agrees with boolean masks, rows and gradients of a small case."""
    inner, window = core(model), getattr(model.config, "sliding_window", None) or 0
    device = next(model.parameters()).device
    if wanted == "flex" or (wanted == "auto" and device.type == "cuda" and T % BLOCK == 0):
        try:
            generator = torch.Generator().manual_seed(0)
            state = (torch.arange(T) // (BLOCK // 2) % n_states).expand(rows, T).contiguous().to(device)
            spans = torch.tensor([[r, s, max(0, 64 * s - 100), min(T, 64 * s + 64)] for r in range(rows)
                                  for s in range(min(n_states, T // 64))], device=device)
            ids = torch.randint(0, model.config.vocab_size, (rows, T), generator=generator).to(device)
            found = {}
            for kind in ("sdpa", "flex"):
                inner.set_attn_implementation("flex_attention" if kind == "flex" else "sdpa")
                with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
                    found[kind] = inner.model(input_ids=ids, use_cache=False, position_ids=torch.arange(T, device=device)[None].expand(rows, T),
                                              attention_mask=Masks(kind, window, n_states)(state, spans)).last_hidden_state.float()
            error = float((found["flex"] - found["sdpa"]).norm() / found["sdpa"].norm())
            log(f"attention: flex against boolean masks, relative difference {error:.1e}")
            if error < 3e-2:
                return Masks("flex", window, n_states)
            if wanted == "flex":
                raise SystemExit("--attention flex: it does not agree with boolean masks here; use sdpa")
        except Exception as error:
            if wanted == "flex":
                raise
            log(f"attention: flex does not work here ({type(error).__name__}: {str(error)[:200]})")
    inner.set_attn_implementation("sdpa")
    return Masks("sdpa", window, n_states)


def stored_dtype(base):
    config = vocabulary.read_json(os.path.join(base, "config.json"))
    name = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    return name if name in export.DTYPES else "bfloat16"


def merged(model, dtype):
    """The plain model with adapters merged in float32, then rounded to what will be written."""
    model = model.float().eval()
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.to(dtype).float())
    return model


def write_folder(args, model, config, dtype, tokenizer, new, data, figures):
    os.makedirs(args.out, exist_ok=True)
    weights = {k: v for k, v in model.state_dict().items() if not k.endswith("rotary_emb.inv_freq")}
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    export.save_weights(weights, args.out, dtype, SHARD_BYTES)
    shutil.copyfile(tokenizer, os.path.join(args.out, "tokenizer.model"))
    sp = spm.SentencePieceProcessor(model_file=tokenizer)
    values = vocabulary.read_json(os.path.join(args.base, "config.json"))  # as it was: RoPE is written in more than one way
    values.update(vocab_size=model.get_input_embeddings().weight.shape[0], bos_token_id=sp.bos_id() if sp.bos_id() >= 0 else None,
                  eos_token_id=sp.eos_id())
    values.pop("torch_dtype", None)
    values["dtype"] = dtype
    export.write_json(os.path.join(args.out, "config.json"), values)
    name = args.name or os.path.basename(os.path.abspath(args.out))
    base = os.path.basename(os.path.abspath(args.base))
    card = {"protocol_version": 1, "name": name, "description": f"{base}, taught to declare what each step reads ({args.task}).",
            "license": args.license, "tasks": [{"name": args.task, **data.policy, **data.limits}],
            "trained_on": f"{tokens_text(figures['tokens'])}, {figures['device']}", "card": "MODEL_CARD.md"}
    export.write_json(os.path.join(args.out, "spanscope.json"), card)
    with open(os.path.join(args.out, "MODEL_CARD.md"), "w", encoding="utf-8") as f:
        f.write(card_text(args, name, base, new, data, dtype, figures, model))


def tokens_text(n):
    return f"{n / 1e6:,.1f} M tokens" if n >= 1e6 else f"{n:,} tokens"


def card_text(args, name, base, new, data, dtype, figures, model):
    how = f"LoRA of rank {args.lora} on every projection{', and the rows of the new pieces' if new else ''}; merged" if args.lora else "every weight"
    lines = [f"# {name}", "", f"{base} fine-tuned on the span protocol, task `{args.task}`, by `resources/training/finetune.py`.", "",
             f"- Architecture: {model.config.architectures[0]}, {model.num_parameters():,} parameters, {dtype}",
             f"- Licence: {args.license}",
             f"- New pieces: {' '.join(f'`{json.dumps(p)[1:-1]}`' for p in new) or 'none, the vocabulary had them'}",
             f"- Data: {figures['examples']:,} examples; {tokens_text(figures['tokens'])} seen, {100 * args.declared_fraction:.0f}% of "
             "the rows under declared masks",
             f"- Trained: {how}; {figures['steps']:,} steps in {figures['seconds'] / 60:.1f} minutes on {figures['device']}, "
             f"PyTorch {figures['torch']}, last loss {figures['loss']:.4f}", "", "## Accuracy, teacher-forced", ""]
    if "validation" in figures:
        lines += ["Held-out examples, whose prompts are not in the training data. Exact: every token of the response is the arg max; "
                  "spans: every label, reference and end.", "", "| mode | examples | exact | spans exact | task tokens right | span tokens right |",
                  "|---|---|---|---|---|---|"]
        for mode, r in figures["validation"].items():
            lines.append(f"| {mode} | {r['documents']} | {100 * r['exact']:.1f}% | {100 * r['exact_structure']:.1f}% | "
                         f"{100 * (1 - r['body_error']):.2f}% | {100 * (1 - r['structure_error']):.2f}% |")
    else:
        lines.append("Not measured: nothing was held out.")
    limit = ", ".join(f"{v} {k[4:]}" for k, v in data.limits.items())
    lines += ["", "## Limits", "", f"- {args.task}: trained on up to {limit}; beyond that expect errors"]
    return "\n".join(lines) + "\n"
