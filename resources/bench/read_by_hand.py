#!/usr/bin/env python3
"""Outputs of the news task that a person has read, with a verdict each, as Markdown.

    spanscope-cli eval -m MODEL --task news --file PROBLEMS.jsonl --attention declared --outputs out.jsonl
    read_by_hand.py out.jsonl verdicts.json >read-by-hand.md

verdicts.json: {"problems": which, "verdicts": [{"index", "headline": "true" or "false", "why", "points": what is wrong with
them}]}. Headline: a reader of the article would call it a true headline: right, whole, without a word that does not exist. Key
points: every word stands as the article has it, or says the same.
"""
import json
import re
import sys


def cell(text):
    return re.sub(r"([|\\<>`*_\[\]])", r"\\\1", " ".join(text.split()))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        written = {r["index"]: [r["headline"], *r["points"]] for r in map(json.loads, f)}
    with open(sys.argv[2], encoding="utf-8") as f:
        read = json.load(f)
    verdicts = read["verdicts"]
    missing = [v["index"] for v in verdicts if v["index"] not in written]
    if missing:
        sys.exit(f"{sys.argv[1]}: no output {missing}, which has a verdict")
    n_points = sum(len(written[v["index"]]) - 1 for v in verdicts)
    bad = [v for v in verdicts if "points" in v]
    print("# Summaries read by hand\n")
    print(f"{len(verdicts)} outputs: {read['problems']}. Made by `resources/bench/read_by_hand.py`.\n")
    print(f"- headlines called true: {sum(v['headline'] == 'true' for v in verdicts)} of {len(verdicts)}")
    print(f"- key points: {n_points}; outputs with a wrong word in one: {len(bad)}\n")
    print("| output | headline as written | verdict | key points | what is wrong with them |\n|---|---|---|---|---|")
    for v in verdicts:
        lines = written[v["index"]]
        verdict = "true" if v["headline"] == "true" else f"false: {v['why']}"
        print(f"| {v['index']} | {cell(lines[0]['text'])} | {cell(verdict)} | {len(lines) - 1} | {cell(v.get('points', ''))} |")


if __name__ == "__main__":
    main()
