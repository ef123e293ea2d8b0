#!/usr/bin/env python3
"""Joins the measurements of bench_cuda and bench_peers into one table. report.py LINES.jsonl CHECKS.txt OUT.md"""
import datetime
import json
import os
import subprocess
import sys

lines = []
for path in [sys.argv[1]]:
    try:
        for text in open(path):
            try:
                lines.append(json.loads(text))
            except ValueError:
                pass
    except OSError:
        pass
checks = open(sys.argv[2]).read().strip() if os.path.exists(sys.argv[2]) else "not run"
ours = {x["case"]: x for x in lines if "peer" not in x}
peers = {}
for x in lines:
    if "peer" in x:
        peers.setdefault(x["case"], []).append(x)


def shell(command):
    try:
        return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20).stdout.strip()
    except Exception:
        return ""


copy = ours.get("limit copy", {}).get("GBps", 0.0)
gemm = ours.get("limit gemm", {}).get("TFLOPs", 0.0)
commit = os.environ.get("SPANSCOPE_COMMIT") or shell("git rev-parse --short=12 HEAD") or "unknown"
out = ["# The CUDA backend, measured", "",
       f"{shell('nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader') or 'no device'}; "
       f"{datetime.date.today()}; commit {commit}. Written by `tests/gpu/run.sh`; every figure is of this run.", "",
       f"Limits in this run: device-to-device copy {copy:,.0f} GB/s (read + written), BF16 matrix product 8192^3 {gemm:,.0f} TFLOP/s.", "",
       "Checks before the measurements:", "", "```", checks, "```", ""]


def best(case):
    found = peers.get(case, [])
    return min(found, key=lambda x: x["us"]) if found else None


def fmt(v, spec=".1f"):
    return format(v, spec) if v else "-"


out += ["## Attention, one layer, BF16, heads 128 wide", "",
        "Time of one call in a captured graph, data larger than the L2 cache. 'overlapped': launched as in a decode step, the next "
        "call starting while the last one drains. Ratio: ours / best peer. Kept: random runs of 16 tokens.", "",
        "| case | ours us | overlapped us | GB/s | of copy | best peer | peer us | ours / peer |", "|---|---|---|---|---|---|---|---|"]
for case, x in ours.items():
    if not case.startswith("attention ") or "overlapped" in case or " kernel " in case:
        continue
    o = ours.get(case + " overlapped")
    p = best(case)
    row = [case[10:], fmt(x["us"]), fmt(o["us"]) if o else "-", fmt(x["GBps"], ",.0f"), fmt(x["GBps"] / copy if copy else 0, ".3f")]
    row += [p["peer"], fmt(p["us"]), fmt(x["us"] / p["us"], ".3f")] if p else ["-", "-", "-"]
    out.append("| " + " | ".join(row) + " |")
out += ["", "| kept fraction k | ours / our dense | ours / best dense peer | best peer's own | k |", "|---|---|---|---|---|"]
for shape in ("MHA 8x16K", "GQA 8x32K"):
    dense, pd = ours.get(f"attention {shape} dense"), best(f"attention {shape} dense")
    for part in (2, 4, 8, 16):
        case = f"attention {shape} keep 1/{part}"
        x, p = ours.get(case), best(case)
        if not x or not dense:
            continue
        base = pd["us"] if pd else None
        out.append(f"| {shape} 1/{part} | {x['us'] / dense['us']:.3f} | {fmt(x['us'] / base, '.3f') if base else '-'} | "
                   f"{(fmt(p['us'] / base, '.3f') + ' ' + p['peer']) if p and base else '-'} | {1 / part:.4f} |")
kernels = {}
for case, x in ours.items():
    if case.startswith("attention "):
        name, _, kernel = case[10:].partition(" kernel ")
        kernels.setdefault(name.removesuffix(" overlapped"), {}).setdefault(kernel, {})["overlapped" in name] = x["us"]
columns = [""] + sorted({k for row in kernels.values() for k in row if k})
out += ["", "Every kernel on every shape, us, alone / overlapped; 'chosen': what the launcher takes by itself:", "",
        "| case | " + " | ".join(c or "chosen" for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
for name, row in kernels.items():
    cells = ["%s / %s" % tuple(fmt(row[c].get(o)) for o in (False, True)) if c in row else "-" for c in columns]
    out.append(f"| {name} | " + " | ".join(cells) + " |")

out += ["", "## Whole decode steps", "",
        "llama-7b's shape ('7b'), Qwen3-8B's and Gemma 3 1B's with random BF16 weights, BF16 cache; wall clock from call to sampled token, mean over steps; a new "
        "list every 20 steps where something is kept. 'small' is the bundled models' shape. 'prefetch': how much of the next matrix a "
        "kernel prefetches into L2 before it ends, chosen by measuring when a batch size first runs; cases that name it were run with it fixed. 'own products': of the five kinds "
        "of matrices, those left to own kernels and not to cuBLASLt, chosen likewise from eight rows on.", "",
        "| case | us | device us | tokens/s | GB/s | of copy | best peer t/s | ours / peer | host us: same list, new list | prefetch MiB | own products |",
        "|---|---|---|---|---|---|---|---|---|---|---|"]
for case, x in ours.items():
    if not case.startswith("step ") or case.endswith("stages"):
        continue
    p = best(case)
    row = [case[5:], fmt(x["us"]), fmt(x["deviceUs"]), fmt(x["tokensPerS"], ",.1f"), fmt(x["GBps"], ",.0f"),
           fmt(x["GBps"] / copy if copy else 0, ".3f")]
    row += [f"{p['tokensPerS']:,.1f} {p['peer']}", fmt(x["tokensPerS"] / p["tokensPerS"], ".3f")] if p else ["-", "-"]
    row += [f"{x['hostKeepUs']:.2f}, {x['hostNewUs']:.2f}", f"{x.get('prefetchMiB', 0):.0f}", f"{x.get('ownProducts', 0):.0f}"]
    out.append("| " + " | ".join(row) + " |")
out += ["", "Speed-up of declared over our dense at the same batch and depth:", "", "| case | speed-up |", "|---|---|"]
for case, x in ours.items():
    if case.startswith("step ") and " keep " in case and " prefetch " not in case and not case.endswith("stages"):
        dense = ours.get(case[: case.index(" keep ")] + " dense")
        if dense:
            out.append(f"| {case[5:]} | {dense['us'] / x['us']:.2f} |")
long = [(c, x) for c, x in ours.items() if c.startswith("step 7b batch 1 depth ") and c.endswith("keep 1024")]
if len(long) == 2:
    out += ["", f"Same kept tokens, `{long[1][0][5:]}` over `{long[0][0][5:]}`: {long[1][1]['us'] / long[0][1]['us']:.3f}."]
out += ["", "Stages, serialised (profiling mode, not a throughput):", "", "| case | attention us | matrices us | other us |", "|---|---|---|---|"]
out += [f"| {c[:-7]} | {x['attentionUs']:.0f} | {x['matmulUs']:.0f} | {x['otherUs']:.0f} |" for c, x in ours.items() if c.endswith("stages")]

x = ours.get("prefill 7b 2048")
if x:
    out += ["", "## Prefill", "", f"llama-7b's shape, 2,048 tokens: {x['tokensPerS']:,.0f} t/s, {x['TFLOPs']:.0f} TFLOP/s, "
            f"{x['TFLOPs'] / gemm if gemm else 0:.2f} of the matrix product rate."]
mat = [(c, x) for c, x in ours.items() if c.startswith(("gemv ", "skinny ", "gemm "))]
if mat:
    out += ["", "## Matrices of llama-7b, few rows", "", "gemv, skinny: own kernels (with norm, activation, residual folded in as their files say), gemm: cuBLASLt.", "", "| case | us | GB/s | of copy |", "|---|---|---|---|"]
    out += [f"| {c} | {x['us']:.1f} | {x['GBps']:,.0f} | {x['GBps'] / copy if copy else 0:.3f} |" for c, x in mat]
text = "\n".join(out) + "\n"
open(sys.argv[3], "w").write(text)
print(text)
