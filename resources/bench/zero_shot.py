#!/usr/bin/env python3
"""What fine-tuning buys: an untuned chat model that is told the protocol in words.

    zero_shot.py MODEL.gguf [--count 50] [--articles FILE.jsonl] [--out zero-shot.md] [--keep DIR]

Each problem is one chat turn: what the task is, the protocol as text, one worked example, the problem. The model's own chat template is
used, greedy decoding, dense attention. The pieces of the protocol are their names as text ("<out>", "<attend>"), since a model that was
never taught them has no tokens for them; its answer is read as text, too. Expressions of 1 to 4 operators and sheets of 2 to 6 lines, drawn
fresh, and news articles: --articles, else synthetic reports. The table is about three things: is the format kept, do all references name
what exists, is the answer right; for news ROUGE in place of the last.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEED = 900600001  # never used in training
TASKS = {
    "expression": (["--operators", "1-4"], """Work out an arithmetic expression step by step. In the problem each operator carries @ and the
number of its step. Write one line for each step, in this order: <out>N<:><attend>REFERENCES</attend>OPERATION<local>=VALUE
N is the number of the step. REFERENCES name the earlier steps whose values you use, each as <out>N<:>, and are empty where the step uses
only numbers of the problem. OPERATION is two numbers with + - or * between them. Write nothing else."""),
    "sheet": (["--lines", "2-6"], """Work out every line of a sheet. In a line $N stands for the value of line N. Write one line for each line
of the sheet: <out>N<:><attend>REFERENCES</attend>OPERATION<local>=VALUE
REFERENCES name first the line itself as <in>N<:>, then the earlier lines whose values you use, each as <out>N<:>. OPERATION is two numbers with
+ - or * between them. Write nothing else."""),
    "news": ([], """Write a headline and key points for a report. The first line says how many sentences the report has and how many lines you
are to write; the sentences of the report are numbered as <in>N<:>. Write one line for the headline and one for each key point:
<out>N<:><attend>REFERENCES</attend>TEXT
REFERENCES name the sentences that the line is written from, each as <in>N<:>. Write nothing else."""),
}
LINE = re.compile(r"<out>(\d+)<:>(?:<global>)?<attend>((?:<(?:in|out)>\d+<:>)*)</attend>(.+)")
REFERENCE = re.compile(r"<(in|out)>(\d+)<:>")
VALUE = re.compile(r"(-?\d+\s*[-+*]\s*\(?-?\d+\)?)\s*(?:<local>)?.*=\s*(-?\d+)\s*$")


def without_work(response):
    """The worked columns behind <local> say how a small model adds; a chat model is asked for the value."""
    return re.sub(r"<local>[^=\n]*=", "<local>=", response.replace("<global>", "")).rstrip("\n")


def examples(args, task, count, seed, articles=None):
    arguments, _ = TASKS[task]
    source = ["--in", articles or "synthetic", "--max-words", "300"] if task == "news" else []
    done = subprocess.run([args.cli, "dataset", "-q", "--task", task, "--text-only", "--count", str(count), "--seed", str(seed), *arguments,
                           *source], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"dataset ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def turn(task, example, problem):
    return "\n\n".join([TASKS[task][1], "Example problem:\n" + example["prompt"].rstrip("\n"), "Example answer:\n" + without_work(example["response"]),
                        "Problem:\n" + problem["prompt"].rstrip("\n"), "Answer:"])


def run(args, task, folder):
    example = examples(args, task, 1, SEED)[0]
    problems = examples(args, task, args.count, SEED + 1, args.articles if task == "news" else None)
    asked, written, said = (folder / f"{task}{end}" for end in (".jsonl", "-outputs.jsonl", "-eval.json"))
    if written.exists() and said.exists():  # of a run that was cut off later
        outputs = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
        return problems, [o["text"] for o in outputs], json.loads(said.read_text(encoding="utf-8"))
    with asked.open("w", encoding="utf-8") as f:
        for p in problems:
            f.write(json.dumps({"task": "chat", "prompt": turn(task, example, p), "answer": p["answer"]}) + "\n")
    done = subprocess.run([args.cli, "eval", "-q", "-m", args.model, "--task", "chat", "--file", asked, "--attention", "dense", "-n",
                           str(args.tokens), "--batch", str(args.batch), "--outputs", written, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{task}: eval ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    said.write_text(done.stdout, encoding="utf-8")
    outputs = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
    return problems, [o["text"] for o in outputs], json.loads(done.stdout)


def lines_of(text):
    return [line.strip() for line in text.replace("<|im_end|>", "").strip().split("\n") if line.strip()]


def parse(text):
    """(lines that have the form, as (label, references, body); are there no others?)"""
    lines = lines_of(text)
    found = [LINE.fullmatch(line) for line in lines]
    return ([(int(m[1]), [(kind, int(n)) for kind, n in REFERENCE.findall(m[2])], m[3]) for m in found if m], bool(lines) and all(found))


def references_exist(parsed, n_in):
    """Every line names what exists: sentences or lines of the problem, and lines written before."""
    earlier = set()
    for label, references, _ in parsed:
        if any(n not in earlier if kind == "out" else not 1 <= n <= n_in for kind, n in references):
            return False
        earlier.add(label)
    return True


def grams(text, n):
    words = re.findall(r"[a-z0-9]+", text.lower())
    return Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


def rouge(expected, found, n):
    a, b = grams(expected, n), grams(found, n)
    same = sum((a & b).values())
    return 2 * same / (sum(a.values()) + sum(b.values())) if same else 0.0


def judge(task, problem, text):
    parsed, kept = parse(text)
    expected, _ = parse(without_work(problem["response"]))
    kept = kept and [p[0] for p in parsed] == [p[0] for p in expected]
    n_in = problem["prompt"].count("<in>")
    named = {(label, r) for label, references, _ in parsed for r in references}
    wanted = {(label, r) for label, references, _ in expected for r in references}
    result = {"format": kept, "valid": bool(parsed) and references_exist(parsed, n_in), "same": bool(parsed) and named == wanted}
    if task == "news":
        head = parsed[0][2] if parsed else ""
        points = " ".join(p[2] for p in parsed[1:])
        result["headline"] = rouge(expected[0][2], head, 1)
        result["points"] = rouge(" ".join(p[2] for p in expected[1:]), points, 2)
    else:
        values = {label: VALUE.search(body) for label, _, body in parsed}
        result["right"] = all(values.get(label) and int(values[label][2]) == int(VALUE.search(body)[2]) for label, _, body in expected)
        last = re.findall(r"-?\d+", text)
        result["last"] = bool(last) and last[-1] == re.findall(r"-?\d+", problem["answer"])[-1]
    return result


def share(results, key):
    return f"{100 * sum(bool(r[key]) for r in results) / len(results):.0f}%"


def mean(results, key):
    return f"{100 * sum(r[key] for r in results) / len(results):.1f}"


def table(args, judged, evaluated, shown):
    any_run = next(iter(evaluated.values()))
    lines = ["# Zero-shot control", "",
             "An untuned chat model that is told the protocol in words, with one worked example in the prompt: what it does without fine-tuning. "
             f"{any_run['model']}, {any_run['backend']}, {any_run['device']}, greedy, dense attention, {time.strftime('%Y-%m-%d')}. "
             "Written by `resources/bench/zero_shot.py`.", "",
             "Format: one line of the form for each that is wanted, in order, nothing else. Valid: some line has the form, and every reference "
             "names what exists. Right spans: exactly those of the worked answer. Right: every value, of a last number: the response ends in the "
             "result, in whatever form. An expression has 1 to 4 operators, a sheet 2 to 6 lines; problems are fresh.", "",
             "| problems | number | format kept | references valid | right spans | right | last number right | headline ROUGE-1 | key points ROUGE-2 |",
             "|---|---|---|---|---|---|---|---|---|"]
    for task, results in judged.items():
        news = task == "news"
        name = task if not news else "news, articles by people" if args.articles else "news, synthetic reports"
        lines.append(f"| {name} | {len(results)} | {share(results, 'format')} | {share(results, 'valid')} | {share(results, 'same')} | "
                     + (f"- | - | {mean(results, 'headline')} | {mean(results, 'points')} |" if news
                        else f"{share(results, 'right')} | {share(results, 'last')} | - | - |"))
    for task, (problem, text) in shown.items():
        lines += ["", f"The first answer, {task}; wanted:", "", "```", without_work(problem["response"]), "```", "", "written:", "", "```",
                  "\n".join(line.replace("```", "'''") for line in lines_of(text))[:1500], "```"]
    return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--cli", default=str(ROOT / "build/release/bin/spanscope-cli"))
    p.add_argument("--count", type=int, default=50)
    p.add_argument("--tokens", type=int, default=400, help="limit of a response")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--articles", help="JSON Lines of {title, body}")
    p.add_argument("--tasks", default=",".join(TASKS))
    p.add_argument("--out", default=str(ROOT / "resources/bench/zero-shot.md"))
    p.add_argument("--keep", help="folder for problems and outputs; tasks that are complete in it are not run again")
    args = p.parse_args()
    judged, evaluated, shown = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for task in args.tasks.split(","):
            problems, texts, evaluated[task] = run(args, task, folder)
            judged[task] = [judge(task, problem, text) for problem, text in zip(problems, texts)]
            shown[task] = (problems[0], texts[0])
            print(f"{task}: {len(texts)} problems", file=sys.stderr)
    pathlib.Path(args.out).write_text(table(args, judged, evaluated, shown), encoding="utf-8")


if __name__ == "__main__":
    main()
