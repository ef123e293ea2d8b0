#!/usr/bin/env python3
"""The bundled arithmetic model by itself, in every cell of shape, size and digits: what the model card promises, on fresh problems.

Declared: 20 problems in each cell of up to 9 operators, 10 in those of up to 16 lines, 3 in longer expressions, 1 in longer sheets
(thousands of tokens each); dense: 2 and 1 in the shorter ones. Four minutes on two cores that do nothing else. A cell may have one
wrong answer, all together 1 in 200; none may break the protocol."""
import json
import os
import subprocess
import sys

CLI = os.environ["SPANSCOPE_CLI"]
PARTS = [  # task, sizes, problems in a cell, mode
    ("expression", "--operators", "1-9", 20, "declared"),
    ("expression", "--operators", "10-24", 3, "declared"),
    ("sheet", "--lines", "1-16", 10, "declared"),
    ("sheet", "--lines", "17-100", 1, "declared"),
    ("expression", "--operators", "1-9", 2, "dense"),
    ("expression", "--operators", "10-24", 1, "dense"),
    ("sheet", "--lines", "1-4", 2, "dense"),
]
total = right = violations = n_cells = 0
bad = []
for number, (task, option, sizes, count, mode) in enumerate(PARTS):
    done = subprocess.run([CLI, "eval", "--shapes", "--task", task, option, sizes, "--count", str(count), "--long-count", str(count), "--seed",
                           str(910_000_000 + 1000 * number), "--attention", mode, "--json", "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{task} {sizes}: exit status {done.returncode}: {done.stderr[-500:]}")
    cells = json.loads(done.stdout)["cells"]
    n_cells += len(cells)
    for cell in cells:
        found = cell[mode]
        name = f"{task}, {cell['shape']}, {cell['size']}, {cell['digits']} digits, {mode}: {found['n_exact']} of {found['n']}"
        total, right, violations = total + found["n"], right + found["n_exact"], violations + found["violations"]
        if found["n"] != count:
            bad.append(name + ", not all were run")
        if found["n_exact"] < found["n"] - (1 if found["n"] > 1 else 0):
            bad.append(name)
    print(f"{task} {sizes} {mode}: {sum(c[mode]['n_exact'] for c in cells)} of {sum(c[mode]['n'] for c in cells)} in {len(cells)} cells", flush=True)
print(f"{right} of {total} right, {violations} violations, {n_cells} cells")
if bad or violations or right < 0.995 * total or n_cells < 250:
    sys.exit("\n".join(["not what the model card promises:", *bad]))
