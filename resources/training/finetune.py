#!/usr/bin/env python3
"""Teaches a Llama or Mistral checkpoint a task of the span protocol, and writes a folder that Spanscope opens.

    spanscope-cli dataset --task sheet --count 20000 --seed 7 --text-only --out sheets.jsonl
    finetune.py --base LLAMA_DIR --task sheet --data sheets.jsonl --out OUT_DIR --lora 16

The vocabulary gets the protocol's pieces, so the texts are encoded anew by `spanscope-cli dataset --encode`, which also
makes the masks' inputs: one rule for training and decoding. State for --resume is kept in OUT_DIR.run.
"""
import argparse
import json
import os
import signal
import sys
import time

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM

import export
import finetune_data
import finetune_model
import validate
import vocabulary
from checkpoint import Checkpoints, read_state
from packing import BODY, STRUCTURE, stack


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--base", required=True, help="Hugging Face folder with config.json, *.safetensors, tokenizer.model")
    p.add_argument("--task", required=True, choices=["expression", "sheet", "news"])
    p.add_argument("--data", required=True, help="lines of `spanscope-cli dataset` (--text-only is enough)")
    p.add_argument("--out", required=True)
    p.add_argument("--writer", default=os.environ.get("SPANSCOPE_WRITER", "spanscope-cli"), help="spanscope-cli, where it is not on the path")
    p.add_argument("--lora", type=int, default=0, help="rank of LoRA adapters, merged at the end; 0 = train every weight")
    p.add_argument("--declared-fraction", type=float, default=0.5, help="share of the rows under declared masks; the others are dense")
    p.add_argument("--epochs", type=float, default=1.0)
    p.add_argument("--steps", type=int, help="instead of --epochs")
    p.add_argument("--rows", type=int, default=8, help="rows in a step")
    p.add_argument("--rows-at-once", type=int, help="less memory: rows in one forward pass; default: all of a step")
    p.add_argument("--row", type=int, help="tokens in a row, a multiple of 128; default: the longest example, at least 1024")
    p.add_argument("--lr", type=float, help="default 2e-4 with --lora, else 2e-5")
    p.add_argument("--warmup", type=float, default=0.03, help="share of the steps")
    p.add_argument("--held-out", type=float, default=0.05, help="share of the prompts kept for validation")
    p.add_argument("--validation-count", type=int, default=100, help="examples of a validation while training; the last takes four times as many")
    p.add_argument("--validate-every", type=int, default=200, help="steps; 0 = only at the end")
    p.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    p.add_argument("--log-every", type=float, default=10.0, help="seconds")
    p.add_argument("--resume", action="store_true", help="go on from OUT_DIR.run; the other options as before")
    p.add_argument("--stop-after-steps", type=int, help="leave at that step, resumable")
    p.add_argument("--attention", choices=["auto", "sdpa", "flex"], default="auto",
                   help="auto: flex attention on CUDA where it agrees with boolean masks on a small case, else sdpa")
    p.add_argument("--gradient-checkpointing", action="store_true", help="less memory, a third more time")
    p.add_argument("--dtype", choices=export.DTYPES, help="of the written weights; default: the base's")
    p.add_argument("--name", help="of the model; default: the folder's name")
    p.add_argument("--license", default="that of the base model")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    if not 0 <= args.declared_fraction <= 1 or not 0 <= args.held_out < 1:
        p.error("--declared-fraction and --held-out are shares, from 0 to 1")
    if args.row and args.row % 128:
        p.error("--row must be a multiple of 128")
    args.lr = args.lr or (2e-4 if args.lora else 2e-5)
    args.rows_at_once = min(args.rows, args.rows_at_once or args.rows)
    return args


class Log:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def __call__(self, text):
        print(text, flush=True)
        self.file.write(text + "\n")
        self.file.flush()


class Tuner:
    def __init__(self, args, model, masks, plan, steps):
        self.args, self.model, self.masks, self.plan, self.steps = args, model, masks, plan, steps
        self.device = next(model.parameters()).device
        self.trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.adam = torch.optim.AdamW(self.trained.values(), lr=args.lr, betas=(0.9, 0.95), weight_decay=0.0)

    def autocast(self):
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def hidden_and_targets(self, batch):
        """Normed states of the tokens that have a target, those targets, their kinds and where they stand."""
        b = {k: torch.from_numpy(v).to(self.device).long() for k, v in batch.items() if k != "n_states"}
        core = finetune_model.core(self.model)
        with self.autocast():
            hidden = core.model(input_ids=b["ids"], position_ids=b["positions"], use_cache=False,
                                attention_mask=self.masks(b["state"], b["intervals"])).last_hidden_state
        kinds = b["target"].flatten()
        at = ((kinds == BODY) | (kinds == STRUCTURE)).nonzero().squeeze(1)
        following = b["ids"].roll(-1, 1).flatten()[at]
        return hidden.flatten(0, 1)[at], following, kinds[at], at

    def loss_of(self, hidden, targets):
        with self.autocast():
            logits = finetune_model.core(self.model).lm_head(hidden)
        return F.cross_entropy(logits.float(), targets, reduction="none"), logits

    def step(self, number, cursor):
        """One step; (loss, tokens, cursor behind it), loss by kind."""
        rows, cursor = self.plan.batch(cursor, self.args.rows)
        total = sum(int(((r.target == BODY) | (r.target == STRUCTURE)).sum()) for r in rows)
        sums = {BODY: [0.0, 0], STRUCTURE: [0.0, 0]}
        self.model.train()
        for first in range(0, len(rows), self.args.rows_at_once):
            hidden, targets, kinds, _ = self.hidden_and_targets(stack(rows[first:first + self.args.rows_at_once]))
            each, _ = self.loss_of(hidden, targets)
            (each.sum() / total).backward()
            for kind, s in sums.items():
                s[0] += float(each.detach()[kinds == kind].sum())
                s[1] += int((kinds == kind).sum())
        warm = max(1, round(self.args.warmup * self.steps))
        factor = min((number + 1) / warm, (self.steps - number) / max(1, self.steps - warm))
        for group in self.adam.param_groups:
            group["lr"] = self.args.lr * min(1.0, factor)
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return sums, sum(r.used for r in rows), cursor

    @torch.no_grad()
    def guess(self, batch):
        """For validate.exact_rates: arg max ids and losses (B, T) on the host."""
        self.model.eval()
        B, T = batch["ids"].shape
        guess, loss = np.zeros(B * T, dtype=np.int64), np.zeros(B * T, dtype=np.float32)
        hidden, targets, _, at = self.hidden_and_targets(batch)
        for part in range(0, len(at), 4096):  # a vocabulary is wide
            each, logits = self.loss_of(hidden[part:part + 4096], targets[part:part + 4096])
            places = at[part:part + 4096].cpu().numpy()
            guess[places], loss[places] = logits.argmax(-1).cpu().numpy(), each.cpu().numpy()
        return guess.reshape(B, T), loss.reshape(B, T)

    def validate(self, documents):
        """{("held out", mode): figures}; tokens of the task and of the spans apart."""
        return {("held out", mode): validate.exact_rates(self.guess, documents, self.plan.T, self.args.rows_at_once,
                                                         mode == "dense", self.plan.pad)
                for mode in ("dense", "declared")}

    def state(self):
        tensors = {n: p.detach().to("cpu", copy=True).contiguous() for n, p in self.trained.items()}
        for n, p in self.trained.items():
            for key in ("exp_avg", "exp_avg_sq"):
                if key in self.adam.state.get(p, {}):
                    tensors[f"adam.{key}.{n}"] = self.adam.state[p][key].to("cpu", copy=True).contiguous()
        return tensors

    def restore(self, tensors, steps):
        with torch.no_grad():
            for n, p in self.trained.items():
                if n not in tensors or tensors[n].shape != p.shape:
                    raise SystemExit(f"checkpoint: {n} is missing or of another shape; start without --resume")
                p.copy_(tensors[n])
                if f"adam.exp_avg.{n}" in tensors:
                    moments = {k: tensors[f"adam.{k}.{n}"].to(p.device, p.dtype) for k in ("exp_avg", "exp_avg_sq")}
                    self.adam.state[p] = {"step": torch.tensor(float(steps)), **moments}


def prepare(args, work, log):
    """Extended vocabulary and documents: (processor, new pieces, data, row length)."""
    config = AutoConfig.from_pretrained(args.base, local_files_only=True)
    if config.architectures not in (["LlamaForCausalLM"], ["MistralForCausalLM"]):
        raise SystemExit(f"{args.base}/config.json: architectures is {config.architectures}, expected LlamaForCausalLM or MistralForCausalLM")
    tokenizer = os.path.join(work, "tokenizer.model")
    new = vocabulary.extend(args.base, tokenizer)
    sp = spm.SentencePieceProcessor(model_file=tokenizer)
    log(f"vocabulary: {sp.get_piece_size()} pieces, new: {' '.join(map(repr, new)) or 'none'}")
    encoded = os.path.join(work, "encoded.jsonl")
    finetune_data.encode(args.writer, args.data, tokenizer, encoded)
    longest = args.row or config.max_position_embeddings
    special = {"eos": sp.eos_id(), "pad": max(0, sp.pad_id()), "attend_end": sp.piece_to_id("</attend>")}
    data = finetune_data.Data(encoded, args.task, special, args.held_out, longest)
    T = args.row or min(max(1024, -(-data.longest() // 128) * 128), longest // 128 * 128 or longest)
    log(f"data: {len(data.train)} examples, {len(data.validation)} held out, {data.too_long} left out as longer than {longest} "
        f"tokens; rows of {T}; policy {json.dumps(data.policy)}")
    return config, sp, new, data, T, special["pad"]


def settings_of(args):
    """What must be the same for --resume to mean anything."""
    keys = ("task", "lora", "declared_fraction", "rows", "row", "lr", "warmup", "held_out", "steps", "epochs", "seed")
    files = finetune_data.fingerprint(args.data, os.path.join(args.base, "config.json"), *finetune_data.weight_files(args.base))
    return {**{k: getattr(args, k) for k in keys}, "files": files}


def main():
    args = parse_arguments()
    work = args.out.rstrip("/") + ".run"
    os.makedirs(work, exist_ok=True)
    log = Log(os.path.join(work, "log.txt"))
    try:
        run(args, work, log)
    except (vocabulary.VocabularyError, finetune_data.DataError) as error:
        sys.exit(str(error))


def run(args, work, log):
    checkpoints = Checkpoints(work)
    newest = checkpoints.newest() if args.resume else None
    if args.resume and newest is None:
        raise SystemExit(f"{work}: no checkpoint to resume from")
    settings = settings_of(args)
    if newest:
        for key, value in settings.items():
            if newest[1]["settings"].get(key) != value:
                raise SystemExit(f"{newest[0]}: {key} was {newest[1]['settings'].get(key)!r}, expected {value!r}; --resume needs the options and files it began with")
    config, sp, new, data, T, pad = prepare(args, work, log)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    small = torch.bfloat16 if args.lora and device.type == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=small, attn_implementation="sdpa", use_safetensors=True,
                                                 local_files_only=True)
    finetune_model.grow(model, sp, new, args.base, args.seed)
    model = finetune_model.trainable(model, args.lora, sorted(new.values())).to(device)
    if args.gradient_checkpointing:
        finetune_model.core(model).gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    plan = finetune_data.Plan(data.train, T, args.declared_fraction, pad, args.seed)
    plan.load(0)
    steps = args.steps or max(1, round(args.epochs * len(plan.rows) / args.rows))
    masks = finetune_model.choose_masks(model, args.attention, args.rows_at_once, T, plan.max_states, log)
    tuner = Tuner(args, model, masks, plan, steps)
    log(f"{sum(p.numel() for p in model.parameters()):,} parameters, {sum(p.numel() for p in tuner.trained.values()):,} of them trained "
        f"on {torch.cuda.get_device_name() if device.type == 'cuda' else 'the CPU'}, attention {masks.kind}; {steps} steps, "
        f"{len(plan.rows)} rows in a pass over the data")
    progress = {"steps": 0, "cursor": [0, 0], "tokens": 0, "seconds": 0.0, "settings": settings}
    if newest:
        tensors, progress = read_state(newest[0])
        tuner.restore(tensors, progress["steps"])
        log(f"resumed at step {progress['steps']}")
    if not train(args, tuner, data, progress, checkpoints, log):
        return
    figures = {**progress, "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU", "torch": torch.__version__,
               "examples": len(data.train), "declared_fraction": args.declared_fraction}
    dtype = args.dtype or finetune_model.stored_dtype(args.base)
    core = finetune_model.merged(model, export.DTYPES[dtype])
    tuner.model, tuner.masks = core, finetune_model.Masks("sdpa", tuner.masks.window, plan.max_states)
    core.set_attn_implementation("sdpa")
    if data.validation:
        results = tuner.validate(data.validation[:4 * args.validation_count])
        log(f"validation, weights as written ({dtype})\n" + validate.table(results))
        figures["validation"] = {mode: r for (_, mode), r in results.items()}
    finetune_model.write_folder(args, core, config, dtype, os.path.join(work, "tokenizer.model"), new, data, figures)
    log(f"done: {args.out}")


def train(args, tuner, data, progress, checkpoints, log):
    """True when every step is done, False when it was stopped before; either way the state is saved."""
    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    sums, tokens = {BODY: [0.0, 0], STRUCTURE: [0.0, 0]}, 0
    began = last = time.monotonic()
    before, first = progress["seconds"], progress["steps"]
    while progress["steps"] < tuner.steps and not stopping:
        if args.stop_after_steps and progress["steps"] >= args.stop_after_steps:
            break
        found, used, progress["cursor"] = tuner.step(progress["steps"], progress["cursor"])
        progress["steps"] += 1
        progress["tokens"] += used
        tokens += used
        for kind, (loss, n) in found.items():
            sums[kind][0] += loss
            sums[kind][1] += n
        now = time.monotonic()
        progress["seconds"] = before + now - began
        if now - last > args.log_every or progress["steps"] in (1, tuner.steps):
            mean = sum(s[0] for s in sums.values()) / max(1, sum(s[1] for s in sums.values()))
            if mean != mean:
                raise SystemExit("the loss is not a number; resume from the last checkpoint with a smaller --lr")
            progress["loss"] = mean
            left = (now - began) / (progress["steps"] - first) * (tuner.steps - progress["steps"])
            log(f"step {progress['steps']} of {tuner.steps}, loss {mean:.4f} (task {sums[BODY][0] / max(1, sums[BODY][1]):.4f}, spans "
                f"{sums[STRUCTURE][0] / max(1, sums[STRUCTURE][1]):.4f}), {tokens / max(now - last, 1e-9):,.0f} tokens/s, {left / 60:.1f} minutes left")
            sums, tokens, last = {BODY: [0.0, 0], STRUCTURE: [0.0, 0]}, 0, now
        if args.validate_every and progress["steps"] % args.validate_every == 0 and progress["steps"] < tuner.steps and data.validation:
            log("validation\n" + validate.table(tuner.validate(data.validation[:args.validation_count])))
        if args.checkpoint_every and progress["steps"] % args.checkpoint_every == 0:
            checkpoints.save(tuner.state(), progress)
    checkpoints.save(tuner.state(), progress)
    if progress["steps"] < tuner.steps:
        log(f"stopped at step {progress['steps']}; --resume goes on")
        return False
    return True


if __name__ == "__main__":
    main()
