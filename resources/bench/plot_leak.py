#!/usr/bin/env python3
"""What later positions tell of a secret: resources/bench/leak.json, the tables of docs/leak.md and, with matplotlib,
resources/bench/leak.svg.

    plot_leak.py FOLDER ROOT      FOLDER: NAME.json, each what `spanscope-cli leak --json` prints (leak.sh)
"""
import json
import pathlib
import re
import sys

NAMES = {
    "arith-sheet": "bundled model, sheets",
    "arith-expression": "bundled model, expressions",
    "smollm2-sheet": "SmolLM2-135M with the adapter, sheets",
    "smollm2-expression": "SmolLM2-135M with the adapter, expressions",
}
COLOURS = {"prompt": "#4c5a67", "declare": "#1764a6", "focus": "#0c8a6b", "local": "#e08e0b", "close": "#a2559c"}


def share(hits):
    return f"{100 * hits['share']:.1f} ({100 * hits['low']:.1f}-{100 * hits['high']:.1f})"


def above_chance(hits, chance):
    return hits["low"] > chance


def summary(result):
    """One sentence on the positions that do not read the secret."""
    chance = result["chance"]
    hidden = [row for row in result["rows"] if not row["reads"]]
    prompt = [row for row in hidden if row["phase"] == "prompt"]
    later = [row for row in hidden if row["phase"] != "prompt"]
    parts = []
    if prompt:
        parts.append(f"lines of the prompt that do not read the secret: the same bits in {sum(r['same_bits'] for r in prompt)} of "
                     f"{sum(r['twins'] for r in prompt)} comparisons, read-out above chance in "
                     f"{sum(above_chance(r['declared'], chance) for r in prompt)} of {len(prompt)} kinds of position")
    if later:
        right, n = sum(r["declared"]["right"] for r in later), sum(r["declared"]["n"] for r in later)
        parts.append(f"the response where it does not: the same bits in {sum(r['same_bits'] for r in later)} of "
                     f"{sum(r['twins'] for r in later)}, read-out above chance in {sum(above_chance(r['declared'], chance) for r in later)} "
                     f"of {len(later)} kinds as declared (best {100 * max(r['declared']['share'] for r in later):.1f}%, all together "
                     f"{100 * right / n:.1f}%) and {sum(above_chance(r['dense'], chance) for r in later)} under causal lists; with secrets dealt "
                     f"out anew {sum(above_chance(r['shuffled'], chance) for r in later)}")
    return "; ".join(parts) + "."


def tables(name, result):
    lines = [f"### {NAMES.get(name, name)}", "",
             f"{result['n']} problems of {result['mean_tokens']:.0f} tokens on average, {result['later']} lines after the secret's, "
             f"{result['n_features']} logits; {result['device']}, {result['kv_type']} cache, seed {result['seed']}.", "",
             summary(result)[0].upper() + summary(result)[1:], "",
             "Secret recovered, % (95% interval); bold: above chance without reading it, as declared.", "",
             "| phase | lines after | tokens after | reads it | declared | causal | dealt out anew | same bits |", "|---|--:|--:|---|--:|--:|--:|--:|"]
    for row in result["rows"]:
        declared = share(row["declared"])
        if not row["reads"] and above_chance(row["declared"], result["chance"]):
            declared = f"**{declared}**"
        lines.append(f"| {row['phase']} | {row['distance']} | {row['tokens_after']:.0f} | {'yes' if row['reads'] else 'no'} | {declared} | "
                     f"{share(row['dense'])} | {share(row['shuffled'])} | {row['same_bits']} of {row['twins']} |")
    lines.append("")
    if result["answers"]:
        lines += ["The model's own continuation:", "", "| lines after | declared, empty | causal, empty | declared, named | causal, named |",
                  "|--:|--:|--:|--:|--:|"]
        for a in result["answers"]:
            lines.append(f"| {a['distance']} | {share(a['declared'])} | {share(a['dense'])} | {share(a['declared_named'])} | "
                         f"{share(a['dense_named'])} |")
        lines.append("")
    return lines


def draw(results, path):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "leak", "svg.fonttype": "none"})
    figure, axes = plt.subplots((len(results) + 1) // 2, min(2, len(results)), figsize=(11, 3.6 * ((len(results) + 1) // 2)),
                                layout="constrained", squeeze=False)
    for axis in axes.flat[len(results):]:
        axis.axis("off")
    for axis, (name, result) in zip(axes.flat, results.items()):
        for k, (phase, colour) in enumerate(COLOURS.items()):
            rows = [row for row in result["rows"] if row["phase"] == phase]
            for mask, style, fill in (("dense", ":", "none"), ("declared", "-", colour)):
                if not rows:
                    continue
                shift = 0.07 * (k - 2) + (0.02 if mask == "dense" else 0)
                axis.errorbar([row["distance"] + shift for row in rows], [100 * row[mask]["share"] for row in rows],
                              yerr=[[100 * max(0, row[mask]["share"] - row[mask]["low"]) for row in rows],
                                    [100 * max(0, row[mask]["high"] - row[mask]["share"]) for row in rows]],
                              color=colour, linestyle=style, marker="o", markersize=4, markerfacecolor=fill, linewidth=1, elinewidth=0.8,
                              label=f"{phase}, {'causal' if mask == 'dense' else mask}")
        axis.axhline(100 * result["chance"], color="#c44536", linewidth=1, label="chance")
        axis.set_title(NAMES.get(name, name), fontsize=9)
        axis.set_xlabel("lines after the secret's")
        axis.set_ylabel("secret recovered, % (95% interval)")
        axis.set_ylim(0, 103)
        axis.set_xticks(sorted({row["distance"] for row in result["rows"]}))
        axis.grid(alpha=0.3)
    axes.flat[0].legend(fontsize=7, ncols=2)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    results = {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES if (folder / f"{name}.json").exists()}
    if not results:
        sys.exit(f"{folder}: no results")
    bench, page = root / "resources" / "bench", root / "docs" / "leak.md"
    (bench / "leak.json").write_text(json.dumps(results, indent=1) + "\n")
    lines = []
    for name, result in results.items():
        lines += tables(name, result)
    text = page.read_text()
    made, n = re.subn(r"(<!-- measured: made by resources/bench/leak.sh -->\n).*?(<!-- end -->)",
                      lambda m: m[1] + "\n" + "\n".join(lines) + "\n" + m[2], text, flags=re.S)
    if n != 1:
        sys.exit(f"{page}: no place for the tables")
    page.write_text(made)
    try:
        draw(results, bench / "leak.svg")
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)


if __name__ == "__main__":
    main()
