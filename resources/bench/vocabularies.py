#!/usr/bin/env python3
"""How well a chat model keeps a vocabulary of tags that it was only told about, and what its tags save: the table of docs/vocabularies.md.

    vocabularies.py MODEL [--count 20] [--max-tokens 160] [--vocabulary da ...] [--out docs/vocabularies.md] [--keep DIR]

For each vocabulary problems are drawn from a fixed seed: for "da" short documents with one fact asked for, for the others sums in two
steps. Each is one `spanscope-cli run --vocabulary NAME --attention dense,declared --json`, greedy: the tags are followed in both runs, and
hide something in the second one only. da's chunks are made small (64 tokens), so that a short document has several. What is written stands
between two marks of the page; nothing there is typed by hand. --keep: every result as JSON, so that a run that was cut off goes on.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEED = 900700001
NAMES = ["da", "memento", "lightthinker"]
BEGIN, END = "<!-- measured: made by resources/bench/vocabularies.py -->", "<!-- end -->"
PEOPLE = ["Anna", "Jonas", "Mira", "Peter", "Lena", "Omar", "Ruth", "Felix", "Nora", "Simon"]
WORKS = ["baker", "teacher", "sailor", "doctor", "gardener", "printer", "singer", "miller", "painter", "driver"]
TOWNS = ["Bern", "Lund", "Graz", "Porto", "Ghent", "Turku", "Split", "Cork", "Basel", "Bergen"]
FILL = ["The weather was mild that year and the roads were dry.", "Many people came to the market on Saturdays.",
        "The old bridge was painted green in spring.", "In the evening the bells could be heard from far away.",
        "There is a small garden behind the house with apple trees."]


def document(rng):
    people, works, towns = (rng.sample(x, 4) for x in (PEOPLE, WORKS, TOWNS))
    paragraphs = []
    for person, work, town in zip(people, works, towns):
        fill = rng.sample(FILL, 3)
        paragraphs.append(f"{fill[0]} {person} lives in {town}. {fill[1]} {person} works as a {work}. {fill[2]}")
    i = rng.randrange(4)
    if rng.random() < 0.5:
        return "\n\n".join(paragraphs) + f"\n\nWhat is the work of {people[i]}?", works[i]
    return "\n\n".join(paragraphs) + f"\n\nIn which town does {people[i]} live?", towns[i]


def two_steps(rng):
    a, b, c = rng.randint(3, 12), rng.randint(3, 12), rng.randint(2, 9)
    if rng.random() < 0.5:
        return f"A shop has {a} boxes with {b} apples each. It sells {c} apples. How many apples are left?", str(a * b - c)
    return f"Mira has {a} books and buys {b} more. Then she gives away {min(c, a)}. How many books has she?", str(a + b - min(c, a))


def is_right(name, answer, wanted):
    """The word anywhere in the answer; a number as its last one."""
    if name == "da":
        return wanted.lower() in answer.lower()
    digits = "".join(c if c.isdigit() else " " for c in answer).split()
    return bool(digits) and digits[-1] == wanted


def kept(run, name):
    """The format is kept: no malformed tag, at least one tag that narrows what is read, and an answer that ends the response."""
    narrows = any(s["name"] in ("focus", "local") for s in run["sections"]) if name == "da" else bool(run["changes"])
    return not run["malformed"] and narrows and run["stop_reason"] == "answered"


def vocabulary(args, name, folder):
    if name != "da":
        return name
    text = subprocess.run([args.cli, "info", "--vocabulary", name], capture_output=True, text=True, check=True).stdout
    description = json.loads(text)
    description["chunks"].update(target_tokens=64, most_tokens=96)
    path = folder / "da-small.json"
    path.write_text(json.dumps(description))
    return str(path)


def measure(args, name, folder):
    rng = random.Random(SEED + NAMES.index(name))
    described = vocabulary(args, name, folder)
    results = []
    for i in range(args.count):
        prompt, wanted = document(rng) if name == "da" else two_steps(rng)
        at = folder / f"{name}-{i}.json"
        if not at.exists():
            done = subprocess.run([args.cli, "run", "-q", "-m", args.model, "--vocabulary", described, "--attention", "dense,declared", "--json",
                                   "-n", str(args.max_tokens), "-c", "4096", "-p", prompt], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"run ended with {done.returncode}: {done.stderr.strip()[-400:]}")
            at.write_text(done.stdout)
            print(f"{name} {i + 1} of {args.count}", file=sys.stderr)
        result = json.loads(at.read_text())
        results.append((prompt, wanted, *result["runs"], result["model"]))
    return results


def percent(n, of):
    return f"{100 * n / of:.0f}%" if of else "-"


def rows(name, results):
    table, faults = [], Counter()
    for which, attention in ((2, "dense"), (3, "declared")):
        runs = [r[which] for r in results]
        attended, causal = sum(r["attended_tokens"] for r in runs), sum(r["causal_tokens"] for r in runs)
        table.append([name, attention, str(len(runs)), percent(sum(kept(r, name) for r in runs), len(runs)),
                      percent(sum(not r["malformed"] for r in runs), len(runs)),
                      percent(sum(any(s["name"] in ("focus", "local", "block", "commit") for s in r["sections"]) for r in runs), len(runs)),
                      percent(sum(r["stop_reason"] == "answered" for r in runs), len(runs)),
                      percent(sum(is_right(name, r["answer"], w[1]) for r, w in zip(runs, results)), len(runs)),
                      f"{100 * attended / causal:.1f}%"])
        if attention == "declared":
            for r in runs:
                faults.update(r["malformed"])
    return table, faults


def page(args, measured):
    first = next(iter(measured.values()))[0]
    run = first[3]
    lines = [BEGIN, "", f"{first[4]}, {run['backend']}, {run['device']}, {run['kv_type']} cache, greedy, at most {args.max_tokens} tokens a response. "
             f"Made by `resources/bench/vocabularies.py MODEL --count {args.count} --max-tokens {args.max_tokens}`.", "",
             "| vocabulary | attention | problems | format kept | no malformed tag | any section opened | answer tag ended it | right | attended |",
             "|---|---|---|---|---|---|---|---|---|"]
    legend = ("Format kept: no malformed tag, at least one that narrows what is read (`da`: a focus or local section; the others: something "
              "hidden), and the answer's closing tag. Right: `da`, the word is in the answer; the others, the answer's last number. Attended: of what "
              "dense attention reads; most of it is the prompt that teaches, which stays.")
    kinds = []
    for name, results in measured.items():
        table, faults = rows(name, results)
        lines += ["| " + " | ".join(row) + " |" for row in table]
        counted = ", ".join(f"{kind} {n}" for kind, n in sorted(faults.items(), key=lambda x: (-x[1], x[0])))
        kinds.append(f"- `{name}`: {counted or 'none'}")
    lines += ["", legend, "", "Malformed tags of the declared runs, by kind:", "", *kinds, ""]
    for name, results in measured.items():
        lines += [f"The first response, `{name}`, declared, to a question whose answer is {results[0][1]}:", "", "```",
                  results[0][3]["text"].replace("```", "'''").rstrip(), "```", ""]
    return "\n".join(lines + [END])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--max-tokens", type=int, default=160)
    parser.add_argument("--vocabulary", action="append", choices=NAMES)
    parser.add_argument("--out", type=pathlib.Path, help="a page with the two marks; default: standard output")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--cli", default=str(ROOT / "build/release/bin/spanscope-cli"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        made = page(args, {name: measure(args, name, folder) for name in args.vocabulary or NAMES})
    if not args.out:
        print(made)
        return
    text = args.out.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or END not in text[text.index(BEGIN):]:
        sys.exit(f"{args.out}: the marks {BEGIN} and {END} are not there")
    before, rest = text.split(BEGIN)
    args.out.write_text(before + made + rest[rest.index(END) + len(END):], encoding="utf-8")


if __name__ == "__main__":
    main()
