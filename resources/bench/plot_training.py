#!/usr/bin/env python3
"""Draws the losses of a training log: of the rows that are trained on, a line a kind, dense dashed and declared solid;
and as points those of problems that are held out, at each validation.

    plot_training.py LOG OUT.svg      needs matplotlib

A log is what resources/training/finetune.py prints: "step N, P%, loss L (...) | KIND DENSE/DECLARED; ...", and tables
behind "validation" with a row "KIND MODE EXACT% DECLARED% OF LOSS ..." for each kind and mode.
"""
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

STEP = re.compile(r"step (\d+), [\d.]+%, loss [\d.]+ .*\| (.*)$")
COST = re.compile(r"([^;|]+?) ([\d.]+)/([\d.]+)(?:;|$)")
HELD_OUT = re.compile(r"(news \w+) +(dense|declared) +[\d.]+% +[\d.]+% +\d+ +([\d.]+)")
# The kinds of problems that are trained on from the beginning to the end, easy to hard; others come and go with phases.
MERGED = {"sheet 9-32": "sheet, long", "sheet 17-64": "sheet, long", "sheet 1-8": "sheet, short", "sheet 1-16": "sheet, short",
          "expression 1": "expression, 1 operator", "expression 13-24": "expression, 13-24 operators",
          "news synthetic": "news, synthetic reports", "news articles": "news, real articles"}
COLOURS = ["#1764a6", "#0c8a6b", "#e08e0b", "#a2559c", "#c44536", "#4c5a67"]


def read(path):
    """{kind: ([step], [dense], [declared])}; {kind: ([step], [loss])} of held-out problems, declared; the steps at
    which a new phase begins."""
    curves, held_out, phases, last = {}, {}, [], 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            if re.search(r"\] phase \d+:", line):
                phases.append(last)
            found = HELD_OUT.match(line)
            if found and found[2] == "declared":
                steps, losses = held_out.setdefault(MERGED[found[1]], ([], []))
                steps.append(last)
                losses.append(float(found[3]))
            found = STEP.search(line)
            if not found:
                continue
            last = int(found[1])
            for kind, dense, declared in COST.findall(found[2]):
                name = MERGED.get(kind.strip())
                if name:
                    curve = curves.setdefault(name, ([], [], []))
                    for values, value in zip(curve, (last, float(dense), float(declared))):
                        values.append(value)
    return curves, held_out, [step for step in phases if step > 0]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    curves, held_out, phases = read(sys.argv[1])
    if not curves:
        sys.exit(f"{sys.argv[1]}: no line of a training step")
    # Without dates and random names, so that the same log gives the same file.
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "spanscope", "svg.fonttype": "none", "axes.spines.top": False,
                         "axes.spines.right": False})
    figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    for colour, (name, (steps, dense, declared)) in zip(COLOURS, sorted(curves.items(), key=lambda c: -c[1][1][-1])):
        axes.plot(steps, dense, color=colour, linewidth=1, linestyle=(0, (3, 2)))
        axes.plot(steps, declared, color=colour, linewidth=1.4, label=name)
        if name in held_out:
            axes.plot(*held_out[name], color=colour, marker="o", markersize=4, linestyle=":", linewidth=1, label=f"{name}, held out")
    for step in phases:
        axes.axvline(step, color="#9aa5b1", linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="step (64K tokens each)", ylabel="loss (nats a token)", ylim=(8e-6, 20))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), title="declared; dense dashed")
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
