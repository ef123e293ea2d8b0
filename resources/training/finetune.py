#!/usr/bin/env python3
"""Teaches a pretrained checkpoint tasks of the span protocol: an adapter over it, or a folder of its own.

    spanscope-cli dataset --task sheet --count 20000 --seed 7 --text-only --out sheets.jsonl
    finetune.py --base LLAMA_DIR --task sheet --data sheets.jsonl --out OUT_DIR --lora 16 --merge
    finetune.py --base MODEL.gguf --recipe recipes/spans.json --articles news.jsonl.gz --out OUT_DIR --lora 16 --minutes 15
    torchrun --nproc-per-node 2 finetune.py ...        several accelerators, or several processes on the CPU

With --data a file is read in passes; with --recipe, as for train.py, workers draw problems of several tasks while the run
goes on. Either way texts are encoded, and the masks' inputs made, by `spanscope-cli dataset`: one rule for training and
decoding. State for --resume is kept in OUT_DIR.run.
"""
import argparse
import os
import signal
import sys

import torch

import articles
import export
import finetune_data
import finetune_model
import finetune_write
import validate
import vocabulary
from bases import Base
from checkpoint import Checkpoints, read_state
from clock import Clock
from course import Log, Meter, read_recipe, schedule
from packing import BODY, STRUCTURE
from ranks import Ranks
from source import Source, prompt_key, read_held_out
from tuner import Tuner, by_kind


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--base", required=True, help="Hugging Face folder (config.json, *.safetensors, tokenizer.model or tokenizer.json), or a GGUF file")
    p.add_argument("--out", required=True)
    p.add_argument("--writer", default=os.environ.get("SPANSCOPE_WRITER", "spanscope-cli"), help="spanscope-cli, where it is not on the path")
    p.add_argument("--lora", type=int, default=0, help="rank of LoRA adapters; 0 = train every weight")
    p.add_argument("--merge", action="store_true", help="with --lora: write the merged weights instead of the adapter")
    p.add_argument("--init", help="begin with this adapter, one that --lora wrote with the same rank")
    p.add_argument("--name", help="of the model; default: the recipe's, or the folder's name")
    p.add_argument("--license", default="that of the base model")
    p.add_argument("--seed", type=int, default=1)

    f = p.add_argument_group("a file of one task")
    f.add_argument("--task", choices=["expression", "sheet", "news"])
    f.add_argument("--data", help="lines of `spanscope-cli dataset` (--text-only is enough)")
    f.add_argument("--declared-fraction", type=float, default=0.5, help="share of the rows under declared masks; the others are dense")
    f.add_argument("--epochs", type=float, default=1.0)
    f.add_argument("--rows", type=int, default=8, help="rows in a step")
    f.add_argument("--row", type=int, help="tokens in a row, a multiple of 128; default: the longest example, at least 1024")
    f.add_argument("--lr", type=float, help="default 2e-4 with --lora, else 2e-5; with --recipe: instead of the recipe's")
    f.add_argument("--warmup", type=float, default=0.03, help="share of the steps")
    f.add_argument("--held-out", type=float, default=0.05, help="share of the prompts kept for validation")
    f.add_argument("--validation-count", type=int, default=400, help="examples of the last validation; one while training takes a quarter")

    r = p.add_argument_group("a recipe of several tasks")
    r.add_argument("--recipe", help="recipes/*.json: phases with rows and classes of problems by their shares of the tokens, optimiser, card")
    r.add_argument("--articles", help="JSON Lines of {id, title, body} (gz or not) for classes that read articles")
    r.add_argument("--minutes", type=float, help="training time; the schedule follows the clock")
    r.add_argument("--plain", action="store_true", help="the same text without declarations: the yardstick that writes no tags")
    r.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 4), help="processes that draw problems, of all ranks together")

    s = p.add_argument_group("the run")
    s.add_argument("--steps", type=int, help="instead of --epochs or --minutes")
    s.add_argument("--rows-at-once", type=int, help="less memory: rows in one forward pass; default: all of a step")
    s.add_argument("--validate-every", type=int, default=200, help="steps; 0 = only at the end")
    s.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    s.add_argument("--log-every", type=float, default=10.0, help="seconds")
    s.add_argument("--resume", action="store_true", help="go on from OUT_DIR.run; the other options as before")
    s.add_argument("--stop-after-steps", type=int, help="leave at that step, resumable")
    s.add_argument("--ship", help="with --lora: also write the adapter so far into this folder at each checkpoint")
    s.add_argument("--attention", choices=["auto", "sdpa", "flex"], default="auto",
                   help="auto: flex attention on CUDA where it agrees with boolean masks on a small case, else sdpa")
    s.add_argument("--no-compile", action="store_true", help="layers are compiled on CUDA")
    s.add_argument("--gradient-checkpointing", action="store_true", help="less memory, a third more time")
    s.add_argument("--dtype", choices=export.DTYPES, help="of merged weights; default: the base's")
    args = p.parse_args()
    if not 0 <= args.declared_fraction <= 1 or not 0 <= args.held_out < 1:
        p.error("--declared-fraction and --held-out are shares, from 0 to 1")
    if args.row and args.row % 128:
        p.error("--row must be a multiple of 128")
    if bool(args.recipe) == bool(args.data and args.task):
        p.error("either --recipe, or --task and --data")
    if args.recipe and not (args.minutes or args.steps):
        p.error("--recipe: --minutes or --steps says how long")
    if (args.merge or args.init or args.ship) and not args.lora:
        p.error("--merge, --init and --ship go with --lora")
    return args


def check_output(args, base, words):
    """Before hours of training: can what is asked for be written?"""
    adapter = args.lora and not args.merge
    if adapter and words.new and not words.riders:
        raise vocabulary.VocabularyError(f"{base.path}: its vocabulary has to grow by {len(words.new)} pieces, which an adapter cannot carry; add --merge")
    if base.gguf and not adapter:
        raise vocabulary.VocabularyError(f"{base.path}: only adapters (--lora without --merge) are written over a GGUF file; "
                                         "name the Hugging Face folder of this model")


class FileData:
    """--data: what the run needs of it. steps: in all the passes asked for."""

    def __init__(self, args, base, words, work, ranks, log):
        encoded = os.path.join(work, f"encoded-{ranks.rank}.jsonl")
        finetune_data.encode(args.writer, args.data, words.tokenizer, encoded)
        longest = args.row or base.config.max_position_embeddings
        data = finetune_data.Data(encoded, args.task, words.special, args.held_out, longest)
        T = args.row or min(max(1024, -(-data.longest() // 128) * 128), longest // 128 * 128 or longest)
        log(f"data: {len(data.train)} examples, {len(data.validation)} held out, {data.too_long} left out as longer than {longest} "
            f"tokens; rows of {T}; policy {data.policy}")
        plan = finetune_data.Plan(data.train, T, args.declared_fraction, words.special["pad"], args.seed)
        plan.load(0)
        self.steps = args.steps or max(1, round(args.epochs * len(plan.rows) / args.rows))
        self.batches = finetune_data.FileBatches(plan, args.rows, ranks)
        self.documents = {"held out": data.validation[:args.validation_count]} if data.validation else {}
        name = args.name or os.path.basename(os.path.abspath(args.out))
        self.recipe = {
            "name": name, "optimiser": {"lr": args.lr or (2e-4 if args.lora else 2e-5), "constant_until": 0.0,
                                        "warmup_steps": max(1, round(args.warmup * self.steps))},
            "phases": [{"until": 1.0, "row": T, "rows": args.rows, "dense": 1 - args.declared_fraction, "states": plan.max_states,
                        "classes": [{"name": args.task}]}],
            "card": {"name": name, "description": f"{base.name()}, taught to declare what each step reads ({args.task}).",
                     "license": args.license, "tasks": [{"name": args.task, **data.policy, **data.limits}]}}
        self.text = f"{len(data.train):,} examples"

    def close(self):
        pass


class LiveData:
    """--recipe: the same."""

    def __init__(self, args, base, words, work, ranks, log):
        recipe = read_recipe(args.recipe, args.plain)
        recipe["optimiser"]["lr"] = args.lr or recipe["optimiser"]["lr"]
        if args.name:
            recipe["card"]["name"] = args.name
        recipe["model"] = {"max_position_embeddings": base.config.max_position_embeddings}
        options = {"writer": args.writer, "tokenizer": words.tokenizer, "special": words.special, "seed": args.seed * 100 + ranks.rank}
        if any(c.get("articles") for phase in recipe["phases"] for c in phase["classes"]):
            if not args.articles:
                raise finetune_data.DataError(f"{args.recipe}: has classes that read articles; name them with --articles")
            options["variants"] = articles.Variants(articles.read(args.articles, "train"))
            options["held_out_articles"] = articles.read(args.articles, "held-out")
        for phase in recipe["phases"]:
            if phase["rows"] % ranks.world:
                raise finetune_data.DataError(f"{args.recipe}: {phase['rows']} rows of a step are shared by {ranks.world} processes")
        self.documents = read_held_out(recipe, options)
        held_out = {prompt_key(d.prompt) for docs in self.documents.values() for d in docs}
        log("held out: " + ", ".join(f"{k} {len(v)} (to {max(map(len, v))} tokens)" for k, v in self.documents.items()))
        mine = {**recipe, "phases": [{**p, "rows": p["rows"] // ranks.world} for p in recipe["phases"]]}
        self.source = Source(mine, options, max(1, args.workers // ranks.world), held_out)  # forks: before CUDA is touched
        self.batches, self.steps, self.recipe = finetune_data.LiveBatches(self.source), args.steps, recipe
        self.text = "drawn while training, no example twice by design; articles by people are read again and again, changed each time"

    def close(self):
        self.source.close()


def settings_of(args, base):
    """What must be the same for --resume to mean anything."""
    keys = ("task", "lora", "declared_fraction", "rows", "row", "lr", "warmup", "held_out", "steps", "epochs", "minutes", "plain", "seed")
    files = finetune_data.fingerprint(*filter(None, (args.data, args.recipe)), *base.weight_files())
    return {**{k: getattr(args, k) for k in keys}, "files": files}


def main():
    args = parse_arguments()
    ranks, clock = Ranks(), Clock()
    work = args.out.rstrip("/") + ".run"
    os.makedirs(work, exist_ok=True)
    log = Log(os.path.join(work, "log.txt"), clock) if ranks.leads() else lambda text: None
    try:
        run(args, work, ranks, log, clock)
    except (vocabulary.VocabularyError, finetune_data.DataError) as error:
        sys.exit(str(error))
    finally:
        ranks.end()


def find_checkpoint(args, checkpoints, settings, work):
    newest = checkpoints.newest() if args.resume else None
    if args.resume and newest is None:
        raise SystemExit(f"{work}: no checkpoint to resume from")
    for key, value in settings.items() if newest else ():
        if newest[1]["settings"].get(key) != value:
            raise SystemExit(f"{newest[0]}: {key} was {newest[1]['settings'].get(key)!r}, expected {value!r}; --resume needs the options and files it began with")
    return newest


def make_model(args, base, words, device):
    """On the device, adapters and all; frozen weights in 16 bits on CUDA."""
    small = torch.bfloat16 if args.lora and device.type == "cuda" else torch.float32
    model = base.model(small)
    finetune_model.grow(model, words, args.seed)
    model = finetune_model.trainable(model, args.lora, sorted(words.new.values())).to(device).eval()  # eval: no dropout
    if args.init:
        from peft import load_peft_weights, set_peft_model_state_dict
        set_peft_model_state_dict(model, load_peft_weights(args.init, device=str(device)))
    if args.gradient_checkpointing:
        finetune_model.core(model).gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.train()
    return model


def run(args, work, ranks, log, clock):
    checkpoints, base = Checkpoints(work), Base(args.base)
    settings = settings_of(args, base)
    newest = find_checkpoint(args, checkpoints, settings, work)
    own = os.path.join(work, f"rank-{ranks.rank}") if ranks.world > 1 else work
    os.makedirs(own, exist_ok=True)
    words = base.vocabulary(own)
    log(f"vocabulary: {words.size} pieces, {'reserved tokens carry the protocol' if words.riders else 'new: ' + (' '.join(map(repr, words.new)) or 'none')}")
    check_output(args, base, words)
    if newest:
        args.seed += newest[1]["steps"] if args.recipe else 0  # problems not seen before
    data = (LiveData if args.recipe else FileData)(args, base, words, own, ranks, log)
    try:
        tune(args, base, words, data, settings, newest, checkpoints, ranks, log, clock)
    finally:
        data.close()


def tune(args, base, words, data, settings, newest, checkpoints, ranks, log, clock):
    torch.manual_seed(args.seed)
    device = ranks.device()
    model = make_model(args, base, words, device)
    phase = data.recipe["phases"][0]
    mine = max(p["rows"] for p in data.recipe["phases"]) // ranks.world
    at_once = min(mine, args.rows_at_once or mine)
    masks = finetune_model.choose_masks(model, args.attention, at_once, phase["row"], log)
    tuner = Tuner(model, masks, data.recipe, at_once, words.special["pad"], ranks)
    if device.type == "cuda" and not args.no_compile:
        tuner.compile()
    if args.recipe:
        data.source.start_pinning(device.type == "cuda")
    n_trained = sum(p.numel() for p in tuner.trained.values())
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    figures = {"device": name if ranks.world == 1 else f"{ranks.world} x {name}", "torch": torch.__version__, "data": data.text,
               "parameters": sum(p.numel() for p in finetune_model.core(model).parameters()) - (n_trained if args.lora else 0), "trained": n_trained,
               "dense": f"{100 * phase['dense']:.0f}%"}
    log(f"{figures['parameters']:,} parameters and {n_trained:,} trained on {figures['device']}, attention {masks.kind}, "
        + (f"{data.steps} steps" if data.steps else f"{args.minutes} minutes"))
    progress = {"steps": 0, "cursor": None, "tokens": 0, "seconds": 0.0, "settings": settings}
    if newest:
        tensors, progress = read_state(newest[0])
        tuner.restore(tensors, progress["steps"])
        data.batches.cursor = progress["cursor"]
        log(f"resumed at step {progress['steps']}")
    elif not args.recipe:
        progress["cursor"] = data.batches.cursor
    if not train(args, tuner, data, base, progress, checkpoints, ranks, log, clock) or not ranks.leads():
        return
    how = f"LoRA of rank {args.lora} on every projection, norms{', and the rows of the pieces' if words.new else ''}" if args.lora else "every weight"
    if args.lora and not args.merge:
        log(f"adapter: {finetune_write.write_adapter(args.out, base, model):,} bytes")
    else:
        dtype = args.dtype or finetune_write.stored_dtype(base)
        plain = finetune_model.merged(model, export.DTYPES[dtype])
        plain.set_attn_implementation("sdpa")
        tuner.model = tuner.objective.model = plain
        tuner.objective.head, tuner.whole_chunks = tuner.objective.losses, False
        tuner.objective.masks = finetune_model.Masks("sdpa", plain.config)
        finetune_write.write_merged(args.out, base, plain, words, dtype)
        how += f"; written in {dtype}"
    results = tuner.validate(data.documents)
    if results:
        log("validation, weights as written\n" + validate.table(results))
    finetune_write.write_card(args, base, words, data.recipe["card"], {**progress, **figures}, results, how)
    log(f"done: {args.out}")


class Course:
    """Where a run is, and what it reports; one for all processes, led by the first."""

    def __init__(self, args, data, progress, clock, device):
        self.args, self.data, self.progress, self.clock = args, data, progress, clock
        self.began, self.before, self.last = clock.now(), progress["seconds"], clock.now()
        self.meter, self.sums, self.tokens, self.phase = Meter(device), {BODY: [0.0, 0], STRUCTURE: [0.0, 0]}, 0, -1

    def fraction(self):
        if self.data.steps:
            return self.progress["steps"] / self.data.steps
        return self.progress["seconds"] / (60 * self.args.minutes)

    def add(self, each, kind, group, n):
        self.meter.add(each, kind, group)
        self.tokens += n
        self.progress["tokens"] += n
        self.progress["steps"] += 1
        self.progress["seconds"] = self.before + self.clock.now() - self.began
        self.recent = (each, kind)

    def is_due(self):
        return self.clock.now() - self.last > self.args.log_every or self.progress["steps"] in (1, self.data.steps)

    def report(self, log, waited):
        mean, parts = self.meter.text(self.data.recipe["phases"][self.phase]["classes"])
        if mean != mean:
            raise SystemExit("the loss is not a number; resume from the last checkpoint with a smaller --lr")
        self.progress["loss"] = mean
        kinds = {k: s / max(1, n) for k, (s, n) in by_kind(*self.recent).items()}
        now = self.clock.now()
        log(f"step {self.progress['steps']}, {100 * self.fraction():.1f}%, loss {mean:.4f} (task {kinds[BODY]:.4f}, spans {kinds[STRUCTURE]:.4f}), "
            f"{self.tokens / max(now - self.last, 1e-9):,.0f} tokens/s, waited {waited:.0f} s | {parts}")
        self.tokens, self.last = 0, now


def train(args, tuner, data, base, progress, checkpoints, ranks, log, clock):
    """True when every step is done, False when it was stopped before; either way the state is saved."""
    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    course, o = Course(args, data, progress, clock, tuner.device), data.recipe["optimiser"]

    def save():
        progress["cursor"] = data.batches.cursor
        if ranks.leads():
            checkpoints.save(tuner.state(), progress)
            if args.ship:
                finetune_write.write_adapter(args.ship, base, tuner.model)

    finished = False
    while True:
        fraction, stop = ranks.agree(course.fraction(), float(bool(stopping)))
        finished = fraction >= 1.0
        if finished or stop or (args.stop_after_steps and progress["steps"] >= args.stop_after_steps):
            break
        number = next(i for i, p in enumerate(data.recipe["phases"]) if fraction < p["until"])
        phase = data.recipe["phases"][number]
        if number != course.phase:
            course.phase = number
            log(f"phase {number + 1}: {phase['rows']} rows of {phase['row']}")
        factor = min(schedule(fraction, o), (progress["steps"] + 1) / o["warmup_steps"])
        batch = data.batches.next(number)
        each, kind, group = tuner.step(batch, phase, factor)
        course.add(each, kind, group, int(ranks.sum(float((batch["state"] > 0).sum()))[0]))
        if course.is_due():
            course.report(log, data.source.waited if args.recipe else 0.0)
        if args.validate_every and progress["steps"] % args.validate_every == 0 and fraction < 0.97 and ranks.leads() and data.documents:
            log("validation, a part\n" + validate.table(tuner.validate(data.documents, 0.25)))
        if args.checkpoint_every and progress["steps"] % args.checkpoint_every == 0:
            save()
    save()
    if not finished:
        log(f"stopped at step {progress['steps']}; --resume goes on")
    return finished


if __name__ == "__main__":
    main()
