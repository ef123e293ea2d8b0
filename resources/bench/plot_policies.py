#!/usr/bin/env python3
"""Quality over tokens attended, a line a policy: policies.json, policies.md and, with matplotlib, policies.svg.

    plot_policies.py FOLDER OUT      FOLDER: NAME.json, each what `spanscope-cli eval --json` prints (policies.sh)
"""
import json
import pathlib
import sys

NAMES = {
    "arith-expression": "bundled arithmetic model, expressions of 9-16 operators",
    "arith-sheet": "bundled arithmetic model, sheets of 16 lines",
    "smollm2-sheet": "SmolLM2-135M with the adapter, sheets of 8 lines",
    "smollm2-news": "SmolLM2-135M with the adapter, synthetic reports",
}
COLOURS = {"declared": "#1764a6", "dense": "#4c5a67", "streaming": "#c44536", "streaming-reassigned": "#e58a7b", "quest": "#0c8a6b", "triforce": "#e08e0b",
           "snapkv": "#a2559c", "vegas": "#5b7fde", "oracle": "#111111", "random": "#999999"}


def points(result):
    """[(policy, budget, share attended, quality)]: budget "" where there is none, "declared" where it is the span's."""
    rows = []
    for row in result["rows"]:
        name, _, budget = row["attention"].partition("=")
        plain = name in ("dense", "declared")
        quality = row["points"]["rouge2"] if "points" in row else row["exact"]
        rows.append((name, budget or ("" if plain else "declared"), row["attended_fraction"], quality))
    return rows


def table(name, result):
    news = "points" in result["rows"][0]
    lines = [f"## {NAMES.get(name, name)}", "", f"{result['rows'][0]['n']} problems a point; {result['device']}, "
             f"{result['kv_type']} cache. Quality: " + ("ROUGE-2 of the key points" if news else "exact final answers") + ".", "",
             "| policy | budget | attended | quality |", "|---|---|---|---|"]
    for policy, budget, share, quality in points(result):
        lines.append(f"| {policy} | {budget or '-'} | {100 * share:.1f}% | {100 * quality:.1f}{'' if news else '%'} |")
    return lines + [""]


def draw(results, path):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "policies", "svg.fonttype": "none"})
    columns = min(2, len(results))
    rows = (len(results) + 1) // 2
    figure, axes = plt.subplots(rows, columns, figsize=(5 * columns + 1, 3.6 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat[len(results):]:
        axis.axis("off")
    for axis, (name, result) in zip(axes.flat, results.items()):
        of = {}
        for policy, budget, share, quality in points(result):
            of.setdefault(policy, []).append((100 * share, 100 * quality, budget))
        for policy, found in of.items():
            found.sort()
            single = len(found) == 1
            axis.plot([x for x, _, _ in found], [y for _, y, _ in found], color=COLOURS.get(policy), label=policy,
                      marker="*" if policy == "declared" else "o", markersize=13 if policy == "declared" else 4,
                      linestyle="none" if single else "-", zorder=3 if policy == "declared" else 2)
        axis.set_title(NAMES.get(name, name), fontsize=9)
        axis.set_xlabel("tokens attended, % of dense (mean over layers and heads)")
        axis.set_ylabel("ROUGE-2 of key points" if "points" in result["rows"][0] else "exact answers, %")
        axis.set_xlim(0, 103)
        axis.grid(alpha=0.3)
    axes.flat[0].legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    results = {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES if (folder / f"{name}.json").exists()}
    if not results:
        sys.exit(f"{folder}: no results")
    (out / "policies.json").write_text(json.dumps(results, indent=1) + "\n")
    lines = ["# Declared spans beside rules that read as much", "",
             "Made by `resources/bench/policies.sh`. Attended: of the tokens that dense attention reads, the mean over steps, layers and query",
             "heads. Budget *declared*: each step reads as many tokens as its declared span has; N%: of the context. Definitions and what",
             "differs from the authors' code: `engine/policy/selecting_policy.h`, `streaming_policy.h`. The prompt is read densely in all but the",
             "declared runs; positions stay true but in streaming-reassigned.", ""]
    for name, result in results.items():
        lines += table(name, result)
    lines += ["## How to read it", "",
              "The models were trained on dense and on declared rows, not under any other rule: what a rule costs here is what it costs a model that",
              "does not know it. The oracle is the best that a choice of whole pages can do with the true attention of each head; where declared is",
              "above it, its spans are finer than a page of 16 tokens and hold for a phase, not for one query. A budget as declared is uneven: a few",
              "tokens while digits are worked out, many where a line is begun, so a rule that spends the same on average (N%) can do better with it",
              "where it needs a page that the small steps cannot pay. SnapKV drops only what the prompt holds; what the model has written stays, which",
              "in these tasks is most of the context. A rule that goes wrong early writes other lines, and declared budgets then follow those.", ""]
    lines += ["![Quality over tokens attended](policies.svg)", ""]
    (out / "policies.md").write_text("\n".join(lines))
    try:
        draw(results, out / "policies.svg")
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)


if __name__ == "__main__":
    main()
