#!/usr/bin/env python3
"""Trains a Llama model on the span protocol from scratch, half of the rows dense, half under the declared masks.

    train.py --recipe recipes/arith.json --writer build/release/bin/spanscope-cli --tokenizer tokenizer.model \
             --minutes 9 --out run

Everything that decides what the model sees is in the recipe. The schedule follows the clock: whatever the machine's speed,
the learning rate reaches zero when the minutes are used up.
"""
import argparse
import json
import os
import signal
import sys

import sentencepiece as spm
import torch
import torch.nn.functional as F

import articles
import checkpoint
import export
import validate
from clock import Clock
from course import Log, Meter, read_recipe, schedule
from masks import MaskMaker
from model import Llama, Shape, flex_attention
from muon import Muon
from packing import PROMPT, SIZES, STRUCTURE, Row, stack
from source import Source, prompt_key, read_held_out


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True)
    p.add_argument("--writer", required=True, help="the program with the `dataset` command (may have arguments)")
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True, help="checkpoints, log, figures.json and model/ (Hugging Face folder)")
    p.add_argument("--minutes", type=float, default=9.0, help="training time, start-up and last validation excluded")
    p.add_argument("--busy-seconds", type=float, help="instead: all of it, start to written model; time in which the process "
                   "was stopped does not count")
    p.add_argument("--reserve", type=float, default=45.0, help="seconds of --busy-seconds kept for the end")
    p.add_argument("--stop-after", type=float, help="leave after so many minutes of this call, resumable")
    p.add_argument("--stop-after-steps", type=int, help="the same, by the run's step count")
    p.add_argument("--steps", type=int, help="schedule by steps instead of the clock")
    p.add_argument("--resume", nargs="?", const="", help="go on from --out's newest checkpoint, or from this one")
    p.add_argument("--init", help="start from these weights (checkpoint or model folder), new schedule")
    p.add_argument("--start-fraction", type=float, default=0.0, help="with --init: begin this far into the schedule")
    p.add_argument("--lr-scale", type=float, default=1.0)
    p.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 4))
    p.add_argument("--rows-scale", type=float, default=1.0, help="multiplies the recipe's rows a batch")
    p.add_argument("--attention", choices=["auto", "unchecked", "flex", "boolean"], default="auto",
                   help="auto: flex if it agrees with boolean masks on a small case; unchecked: without that case")
    p.add_argument("--plain", action="store_true", help="train on the same text without declarations, under causal attention: "
                   "the yardstick of a model that writes no tags (usually with --init)")
    p.add_argument("--articles", help="JSON Lines of {id, title, body} (gz or not) for classes that read articles")
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--validate-every", type=float, default=90.0, help="seconds; 0 = only at the end")
    p.add_argument("--checkpoint-every", type=float, default=120.0, help="seconds")
    p.add_argument("--ship", help="also write the state here in files of at most 15 MiB")
    p.add_argument("--dtype", choices=export.DTYPES, default="bfloat16", help="of the written model")
    return p.parse_args()


class Trainer:
    def __init__(self, args, recipe, shape, special, log):
        self.args, self.recipe, self.special, self.log = args, recipe, special, log
        self.cuda = torch.cuda.is_available()
        self.device = torch.device("cuda" if self.cuda else "cpu")
        torch.manual_seed(args.seed)
        self.model = Llama(shape).to(self.device)
        self.compile = self.cuda and not args.no_compile
        hidden = [(n, p) for n, p in self.model.named_parameters() if p.dim() == 2 and ".layers." in n]
        names = {n for n, _ in hidden}
        rest = [p for n, p in self.model.named_parameters() if n not in names]
        self.o = recipe["optimiser"]
        self.muon = Muon(hidden, decay=self.o.get("muon_decay", 0.1),
                         compile=self.compile and self.o.get("muon_compile", True))
        self.adam = torch.optim.AdamW(rest, lr=self.o["adam_lr"], betas=(0.9, 0.95), weight_decay=0.0, fused=self.cuda)
        self.weights = torch.ones(4, device=self.device)  # of the kinds of targets
        self.weights[0] = 0.0
        self.weights[STRUCTURE] = self.o.get("structure_weight", 1.0)
        self.prompt_weight(0.0)
        self.head = self.head_loss
        if self.compile:
            torch._dynamo.config.recompile_limit = 64
            self.compile_parts()
        self.masks = MaskMaker(self.choose_attention())

    def compile_parts(self):
        for layer in self.model.model.layers:
            layer.compile(dynamic=False)
        self.head = torch.compile(self.head_loss, dynamic=False)

    def prompt_weight(self, weight):
        self.weights[PROMPT] = weight

    def autocast(self):
        return torch.autocast("cuda", torch.bfloat16, enabled=self.cuda)

    def to_device(self, batch):
        move = {k: v if torch.is_tensor(v) else torch.from_numpy(v) for k, v in batch.items() if k not in SIZES}
        move = {k: v.to(self.device, non_blocking=True) for k, v in move.items()}
        for k in ("ids", "positions", "state", "intervals"):
            move[k] = move[k].long()
        n = -(-batch["n_states"] // 64) * 64
        return move, self.masks(move["state"], move["intervals"], n)

    def head_loss(self, x, ids, target, weights):
        """Weighted mean of the loss, and the loss of each position's next token."""
        logits = self.model.lm_head(x).float()
        following = torch.cat((ids[:, 1:], ids[:, :1]), dim=1)
        each = F.cross_entropy(logits.flatten(0, 1), following.flatten(), reduction="none")
        weight = weights[target.flatten().long()]
        return (each * weight).sum() / weight.sum().clamp(min=1.0), each.detach()

    def backward(self, batch):
        b, mask = self.to_device(batch)
        with self.autocast():
            x = self.model.hidden(b["ids"], b["positions"], mask)
            loss, each = self.head(x, b["ids"], b["target"], self.weights)
        loss.backward()
        return loss.detach(), each, b

    def guess(self, batch):
        """Arg max and loss of each position's next token, on the host. With gradients enabled: the compiled layers of
        training serve as they are."""
        b, mask = self.to_device(batch)
        with self.autocast():
            x = self.model.hidden(b["ids"], b["positions"], mask).detach()
            with torch.no_grad():
                logits, following = self.model.lm_head(x), b["ids"].roll(-1, dims=1)
                loss = F.cross_entropy(logits.flatten(0, 1).float(), following.flatten(), reduction="none")
                return logits.argmax(-1).cpu().numpy(), loss.view_as(following).cpu().numpy()

    def empty_batch(self, phase):
        return stack([Row(phase["row"], phase["row"] // 4, True, self.special["pad"]) for _ in range(phase["rows"])])

    def choose_attention(self):
        """flex where it compiles and agrees with the boolean mask on a small case, forward and backward."""
        wanted = self.args.attention
        if wanted == "boolean" or (wanted != "flex" and not self.compile) or flex_attention is None:
            return "boolean"
        if wanted == "unchecked":
            return "flex"
        try:
            generator = torch.Generator(device=self.device).manual_seed(0)
            T, block = 512, self.model.model.layers[0]
            state = torch.arange(T, device=self.device).div(64, rounding_mode="floor").expand(2, T)
            spans = torch.tensor([[r, s, max(0, 64 * s - 40), 64 * s + 64] for r in range(2) for s in range(8)],
                                 device=self.device)
            x = torch.randn(2, T, self.model.shape.hidden_size, device=self.device, generator=generator)
            cos, sin = self.model.cosTable[:T][None, None], self.model.sinTable[:T][None, None]
            results = []
            for kind in ("boolean", "flex"):
                leaf = x.clone().requires_grad_()
                with self.autocast():
                    y = block(leaf, cos, sin, MaskMaker(kind)(state, spans, 8))
                (y * y.detach().roll(1, -1)).sum().backward()
                results.append((y.detach().float(), leaf.grad.float()))
            self.model.zero_grad(set_to_none=True)
            errors = [float((a - b).norm() / b.norm()) for a, b in zip(results[1], results[0])]
            self.log(f"attention: flex against boolean mask, relative difference {errors[0]:.1e}, gradient {errors[1]:.1e}")
            if max(errors) < 2e-2:
                return "flex"
        except Exception as error:
            if wanted == "flex":
                raise
            self.log(f"attention: flex does not work here ({type(error).__name__}: {str(error)[:300]})")
            if self.compile:
                torch._dynamo.reset()
        return "boolean"

    def warm_up(self):
        """Compiles every shape before the clock starts; falls back to boolean masks if flex fails at full size."""
        try:
            self.compile_shapes()
        except Exception as error:
            if self.masks.kind == "boolean" or self.args.attention == "flex":
                raise
            self.log(f"attention: flex fails at full size ({type(error).__name__}: {str(error)[:300]}); boolean masks")
            torch._dynamo.reset()
            torch.cuda.empty_cache()
            self.masks = MaskMaker("boolean")
            self.compile_shapes()

    def compile_shapes(self):
        seen = set()
        for phase in self.recipe["phases"]:
            if (phase["rows"], phase["row"]) not in seen and self.cuda:
                seen.add((phase["rows"], phase["row"]))
                self.backward(self.empty_batch(phase))
                self.model.zero_grad(set_to_none=False)
                self.log(f"compiled for {phase['rows']} rows of {phase['row']}")
        if self.cuda:
            self.muon.step(0.0)
            self.guess(self.empty_batch(self.recipe["phases"][-1]))
            torch.cuda.synchronize()

    def step(self, batch, lr_factor):
        loss, each, b = self.backward(batch)
        for group in self.adam.param_groups:
            group["lr"] = self.o["adam_lr"] * lr_factor
        self.muon.step(self.o["muon_lr"] * lr_factor)
        self.adam.step()
        self.model.zero_grad(set_to_none=False)
        return loss, each, b

    def validate(self, documents, share=1.0):
        """{(name, mode): figures}"""
        phase, results = self.recipe["phases"][-1], {}
        for name, docs in documents.items():
            docs = docs[: max(8, int(len(docs) * share))] if share < 1 else docs
            for mode in ("dense", "declared"):
                results[(name, mode)] = validate.exact_rates(self.guess, docs, phase["row"], phase["rows"],
                                                             mode == "dense", self.special["pad"])
        return results


def main():
    args = parse_arguments()
    clock = Clock()
    os.makedirs(args.out, exist_ok=True)
    log = Log(os.path.join(args.out, "log.txt"), clock)
    recipe = read_recipe(args.recipe, args.plain)
    for phase in recipe["phases"]:
        phase["rows"] = max(1, round(phase["rows"] * args.rows_scale))
    tokenizer = spm.SentencePieceProcessor(model_file=args.tokenizer)
    special = {"bos": tokenizer.bos_id(), "eos": tokenizer.eos_id(), "pad": tokenizer.pad_id(),
               "attend_end": tokenizer.piece_to_id("</attend>")}
    options = {"writer": args.writer, "tokenizer": args.tokenizer, "special": special, "seed": args.seed}
    if any(entry.get("articles") for phase in recipe["phases"] for entry in phase["classes"]):
        if not args.articles:
            sys.exit(f"{args.recipe}: has classes that read articles; name them with --articles")
        options["variants"] = articles.Variants(articles.read(args.articles, "train"))
        options["held_out_articles"] = articles.read(args.articles, "held-out")

    documents = read_held_out(recipe, options)
    held_out = {prompt_key(d.prompt) for docs in documents.values() for d in docs}
    log("validation: " + ", ".join(f"{k} {len(v)} (to {max(map(len, v))} tokens)" for k, v in documents.items()))
    source = Source(recipe, options, args.workers, held_out)  # forks: before CUDA is touched
    try:
        train(args, recipe, special, tokenizer, documents, source, log, clock)
    finally:
        source.close()


def train(args, recipe, special, tokenizer, documents, source, log, clock):
    shape = Shape(vocab_size=tokenizer.get_piece_size(), **recipe["model"])
    trainer = Trainer(args, recipe, shape, special, log)
    source.start_pinning(trainer.cuda)
    model, device = trainer.model, trainer.device
    trainer.warm_up()
    checkpoints = checkpoint.Checkpoints(args.out)
    progress = {"steps": 0, "tokens": 0, "seconds": 0.0}
    if args.resume is not None:
        newest = checkpoints.newest()
        path = args.resume or (newest[0] if newest else sys.exit(f"{args.out}: no checkpoint to resume from"))
        tensors, progress = checkpoint.read_state(path)
        checkpoint.restore(tensors, model, trainer.muon, trainer.adam)
        log(f"resumed from {path}: step {progress['steps']}, {progress['seconds']:.0f} s")
    elif args.init:
        model.load_weights(export.load_weights(args.init))
        log(f"weights from {args.init}")
    progress.update(parameters=sum(p.numel() for p in model.parameters()), torch=torch.__version__,
                    device=torch.cuda.get_device_name() if trainer.cuda else f"CPU, {torch.get_num_threads()} threads",
                    precision=f"trained in {'bf16 autocast' if trainer.cuda else 'float32'}, written as {args.dtype}")
    log(f"{progress['parameters']:,} parameters on {progress['device']}, attention {trainer.masks.kind}, "
        f"{args.workers} data workers")

    before, t0 = progress["seconds"], clock.now()
    budget = args.minutes * 60
    if args.busy_seconds:
        budget = before + max(1.0, args.busy_seconds - t0 - args.reserve)
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))  # ends early, with a model
    meter, phase_index = Meter(device), -1
    last_log, last_validation, last_save = t0, t0, t0
    tokens_at_log, finished = progress["tokens"], False

    def save():
        tensors = checkpoint.gather(model, trainer.muon, trainer.adam)
        checkpoints.save(tensors, progress)
        if args.ship:
            checkpoint.ship(checkpoint.gather(model, trainer.muon, trainer.adam, torch.bfloat16), progress, args.ship)

    while True:
        now = clock.now()
        progress["seconds"] = before + now - t0
        fraction = progress["steps"] / args.steps if args.steps else progress["seconds"] / budget
        fraction = args.start_fraction + (1.0 - args.start_fraction) * fraction
        if fraction >= 1.0 or ending:
            finished = True
            break
        if args.stop_after and now > args.stop_after * 60:
            break
        if args.stop_after_steps and progress["steps"] >= args.stop_after_steps:
            break
        wanted = next(i for i, p in enumerate(recipe["phases"]) if fraction < p["until"])
        if wanted != phase_index:
            phase_index = source.phase.value = wanted
            trainer.prompt_weight(recipe["phases"][wanted].get("prompt_weight", 0.0))
            log(f"phase {wanted + 1}: {recipe['phases'][wanted]['rows']} rows of {recipe['phases'][wanted]['row']}")
        factor = schedule(fraction, trainer.o)
        factor *= min(1.0, (progress["steps"] + 1) / trainer.o["warmup_steps"]) * args.lr_scale
        loss, each, b = trainer.step(source.next(), factor)
        meter.add(each, b["target"].flatten(), b["group"].flatten())
        progress["steps"] += 1
        progress["tokens"] += b["ids"].numel()
        if now - last_log > 10 or progress["steps"] == 1:
            mean, parts = meter.text(recipe["phases"][phase_index]["classes"])
            after = clock.now()
            progress["loss"] = mean
            log(f"step {progress['steps']} {100 * fraction:.1f}% lr x{factor:.3f} loss {mean:.5f} "
                f"{(progress['tokens'] - tokens_at_log) / max(after - last_log, 1e-9) / 1e3:.0f}k tokens/s, queue "
                f"{source.depth()}, waited {source.waited:.1f} s | {parts}")
            last_log, tokens_at_log = after, progress["tokens"]
            if mean != mean:
                sys.exit("the loss is not a number; resume from the last checkpoint with a smaller --lr-scale")
        if args.validate_every and now - last_validation > args.validate_every and fraction < 0.97:
            log("validation, a part\n" + validate.table(trainer.validate(documents, 0.2)))
            last_validation = clock.now()
        if now - last_save > args.checkpoint_every:
            save()
            last_save = clock.now()

    progress["tokens_per_s"] = progress["tokens"] / max(progress["seconds"], 1e-9)
    mean, parts = meter.text(recipe["phases"][max(phase_index, 0)]["classes"])
    if mean:
        progress["loss"] = mean
        log(f"step {progress['steps']} loss {mean:.5f}, {progress['tokens_per_s'] / 1e3:.0f}k tokens/s in all | {parts}")
    save()
    if not finished:
        log(f"stopped at step {progress['steps']}; --resume goes on")
        return
    weights = {k: v.clone() for k, v in model.weights().items()}
    model.load_weights({k: v.to(export.DTYPES[args.dtype]) for k, v in weights.items()})
    results = trainer.validate(documents)
    log(f"validation, weights as written ({args.dtype})\n" + validate.table(results))
    progress["validation"] = {}
    for (name, mode), figures in results.items():
        progress["validation"].setdefault(name, {})[mode] = figures
    export.write_folder(os.path.join(args.out, "model"), weights, shape, recipe, args.tokenizer, progress, args.dtype)
    export.write_json(os.path.join(args.out, "figures.json"), progress)
    if args.ship:
        checkpoint.ship({k: v.cpu().contiguous() for k, v in weights.items()}, progress, args.ship)
        export.write_json(os.path.join(args.ship, "figures.json"), progress)
    log(f"done: {progress['steps']} steps, {progress['tokens'] / 1e6:.0f} M tokens, {os.path.join(args.out, 'model')}")


if __name__ == "__main__":
    main()
