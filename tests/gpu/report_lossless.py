#!/usr/bin/env python3
"""Makes a page of bench_cuda's group lossless and of evaluations that compared lossless runs with dense ones.
    report_lossless.py LINES.jsonl OUT.md [NAME=EVAL.json ...]
EVAL.json: what `spanscope-cli eval --attention dense,lossless=N --json` printed."""
import datetime
import json
import os
import subprocess
import sys


def shell(command):
    try:
        return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


lines = {}
with open(sys.argv[1]) as f:
    for text in f:
        one = json.loads(text)
        lines[one["case"]] = one  # the last of a name
step = next((x for name, x in lines.items() if name.startswith("lossless") and name.endswith("step")), None)
drafts = [x for name, x in lines.items() if name.startswith("lossless") and "draft" in x]
commit = os.environ.get("SPANSCOPE_COMMIT") or shell("git rev-parse --short=12 HEAD") or "unknown"
out = ["# Lossless decoding on CUDA, measured", "",
       f"{shell('nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader') or 'no device'}; "
       f"{datetime.date.today()}; commit {commit}. Written by `tests/gpu/report_lossless.py`; every figure is of this run.", ""]
if step:
    out += ["## A round at llama-7b's shape", "",
            f"Random BF16 weights, {step['batch']:.0f} sequences at {step['depth']:,.0f} tokens; declared keeps 1/8 of the pages, spread over the "
            f"context. A dense step takes {step['denseUs'] / 1e3:.2f} ms ({step['denseTokensPerS']:,.0f} tokens/s), a declared one "
            f"{step['declaredUs'] / 1e3:.2f} ms ({step['declaredTokensPerS']:,.0f} tokens/s, {step['denseUs'] / step['declaredUs']:.2f} times dense).", "",
            f"Random weights have no acceptance, so {step['acceptance']} a token is assumed. *Formula*: tokens (1 - a^(N+1)) / (1 - a) over the measured time of "
            "N declared steps and a pass. *Drawn*: whole rounds in a row, measured, in which each drafted token is accepted with that probability.", "",
            "| drafted | rows of a pass | pass, ms | pass / dense step | round, ms | formula: tokens a round | tokens/s | times dense | drawn: tokens a round | tokens/s | times dense |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for x in drafts:
        if "passUs" not in x:
            out.append(f"| {x['draft']:.0f} | {x['rows']:.0f} | not run: a step takes {x['mostRows']:.0f} rows | | | | | | | | |")
            continue
        out.append(f"| {x['draft']:.0f} | {x['rows']:.0f} | {x['passUs'] / 1e3:.2f} | {x['passOverDense']:.2f} | {x['roundUs'] / 1e3:.2f} | {x['expectedTokens']:.2f} | "
                   f"{x['tokensPerS']:,.0f} | {x['timesDense']:.2f} | {x['drawnTokens']:.2f} | {x['drawnTokensPerS']:,.0f} | {x['drawnTimesDense']:.2f} |")
    out.append("")
if len(sys.argv) > 3:
    out += ["## The same tokens as dense", "",
            "| problems | model | batch | attention | the same tokens as dense | drafted | accepted | rejected | acceptance per token | tokens a pass | "
            "tokens/s | dense tokens/s |", "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for argument in sys.argv[3:]:
        name, path = argument.split("=", 1)
        with open(path) as f:
            d = json.load(f)
        dense = next(r for r in d["rows"] if r["attention"] == "dense")
        for r in d["rows"]:
            if not r["attention"].startswith("lossless"):
                continue
            out.append(f"| {name} | {d['model']} | {r['batch']} | {r['attention']} | {r['n_same_as_dense']} of {r['n']} | {r['drafted']:,} | "
                       f"{r['accepted']:,} | {r['rejected']:,} | {r['acceptance']:.4f} | {r['tokens_per_pass']:.2f} | {r['tokens_per_second']:,.0f} | "
                       f"{dense['tokens_per_second']:,.0f} |")
    out.append("")
with open(sys.argv[2], "w") as f:
    f.write("\n".join(out))
print("\n".join(out))
