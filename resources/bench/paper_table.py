#!/usr/bin/env python3
"""The paper's table for the bundled models: what declared attention costs in quality and gives in speed.

    paper_table.py run DIR [options]      measures; finished parts stay in DIR, so that a run that was cut off goes on
    paper_table.py join DIR >FILE.json    all parts in one file
    paper_table.py table RESULTS...       the table of one or more such folders or files (a CPU, a GPU), as Markdown

Three arms on the same problems: `plain`, a model trained on the same text without declarations (see resources/training/README.md
for how to make one); `tags`, the bundled model under dense attention; `declared`, the bundled model under its own masks.
Quality: free-running greedy decoding, f32 cache. Speed: decoding only, one job, batches of 1, 8 and 32, arms in turn, the best of --repeat.
Seeds from 900,000,000 on are never used in training; --news-test is a file that news_data.sh wrote from real articles.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXPRESSION, SHEET, NEWS = "expression", "sheet", "news"
BATCHES = (1, 8, 32)
# name, model, arguments, is it long, is its speed measured
ROWS = [
    ("expression, 1-4 operators", "arith", ["--task", EXPRESSION, "--operators", "1-4"], False, False),
    ("expression, 5-8 operators", "arith", ["--task", EXPRESSION, "--operators", "5-8"], False, False),
    ("expression, 9-16 operators", "arith", ["--task", EXPRESSION, "--operators", "9-16"], False, True),
    ("sheet, 4 lines", "arith", ["--task", SHEET, "--lines", "4"], False, False),
    ("sheet, 16 lines", "arith", ["--task", SHEET, "--lines", "16"], False, True),
    ("sheet, 64 lines", "arith", ["--task", SHEET, "--lines", "64"], True, True),
    ("sheet, 100 lines", "arith", ["--task", SHEET, "--lines", "100"], True, True),
    ("news, synthetic reports", "news", ["--task", NEWS], False, True),
    ("news, articles by people", "news", ["--task", NEWS, "--file"], False, True),
]
ARMS = ("plain", "tags", "declared")
ATTENTION = {"plain": "dense", "tags": "dense", "declared": "declared"}


class Run:
    def __init__(self, args):
        self.args, self.began = args, time.monotonic()
        self.dir = pathlib.Path(args.dir)
        self.dir.mkdir(parents=True, exist_ok=True)

    def model(self, arm, model):
        if arm == "plain":
            return self.args.plain_arith if model == "arith" else self.args.plain_news
        return str(pathlib.Path(self.args.models) / model)

    def part(self, name, command):
        """The JSON of one `eval`, from DIR if it is there. None: the time is up."""
        path = self.dir / f"{name}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        left = min(self.args.seconds - (time.monotonic() - self.began), 1e6)
        if left <= 0:
            print(f"{name}: not run, the time is up", file=sys.stderr)
            return None
        began = time.monotonic()
        try:
            done = subprocess.run([self.args.cli, "eval", "--json", "-q", *command], capture_output=True, text=True, timeout=left)
        except subprocess.TimeoutExpired:
            print(f"{name}: cut off, the time is up", file=sys.stderr)
            return None
        if done.returncode != 0:
            sys.exit(f"{name}: eval ended with {done.returncode}: {done.stderr.strip()[-400:]}")
        value = json.loads(done.stdout)
        value["date"] = time.strftime("%Y-%m-%d")
        value["source"] = pathlib.PurePath(value["source"]).name  # where it lay says nothing to others
        path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr)
        return value

    def arguments(self, row, arm, count, seed):
        _, model, task, _, _ = row
        folder = self.model(arm, model)
        if not folder:
            return None
        given = [*task, self.args.news_test] if task[-1] == "--file" else task
        if given[-1] is None:
            return None
        return ["-m", folder, *given, "--count", str(count), "--seed", str(seed), "--attention", ATTENTION[arm], "--backend",
                self.args.backend, *(["-t", str(self.args.threads)] if self.args.threads else [])]

    def rows(self):
        wanted = range(len(ROWS)) if self.args.rows is None else [int(i) for i in self.args.rows.split(",")]
        return [(number, row) for number, row in enumerate(ROWS) if number in wanted]

    def quality(self):
        for number, row in self.rows():
            count = self.args.long_count if row[3] else self.args.count
            if row[1] == "news" and self.args.news_count is not None:
                count = self.args.news_count
            for arm in ARMS:
                arguments = self.arguments(row, arm, count, 900700001 + number)
                if arguments:
                    self.part(f"quality-{number}-{arm}", [*arguments, "--batch", str(self.args.batch), "--kv-type", "f32"])

    def speed(self):
        """All rows at batch 1 first: what is cut off at the end is what matters least."""
        for batch in map(int, self.args.batches.split(",")):
            for number, row in self.rows():
                if not row[4]:
                    continue
                for turn in range(self.args.repeat):
                    for arm in ARMS:
                        arguments = self.arguments(row, arm, max(batch, self.args.speed_problems), 900800001 + number)
                        if arguments:
                            self.part(f"speed-{number}-{arm}-{batch}-{turn}", [*arguments, "--batch", str(batch), "--jobs", "1", "--kv-type",
                                      self.args.speed_kv_type or "bf16"])


def percent(x, digits=1):
    return "-" if x is None else f"{100 * x:.{digits}f}%"


def read_parts(path):
    """{name: part} of a folder that `run` filled, or of a file that `join` wrote."""
    path = pathlib.Path(path)
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(path.glob("*.json"))}


class Results:
    """What one machine measured."""

    def __init__(self, path):
        self.by_name = read_parts(path)
        if not self.by_name:
            sys.exit(f"{path}: no results; `paper_table.py run {path}` makes them")
        parts = list(self.by_name.values())
        self.backend, self.device = parts[0]["backend"], parts[0]["device"]
        self.dates = sorted({part["date"] for part in parts})

    def quality(self, number, arm):
        part = self.by_name.get(f"quality-{number}-{arm}")
        return part["rows"][0] if part else None

    def speed(self, number, arm, batch):
        """(decode t/s, useful t/s, decode seconds a problem) of the fastest turn."""
        best = None
        for turn in range(100):
            part = self.by_name.get(f"speed-{number}-{arm}-{batch}-{turn}")
            if not part:
                break
            r = part["rows"][0]
            seconds = r["wall_s"] - r["prefill_s"]
            if best is None or seconds < best[2] * r["n"]:
                best = (r["predicted_n"] / seconds, (r["predicted_n"] - r["markup_n"]) / seconds, seconds / r["n"])
        return best


def quality_of(number, r):
    if r is None:
        return "-"
    if ROWS[number][1] == "arith":
        return percent(r["exact"])
    return " / ".join(f"{100 * r['points'][k]:.1f}" for k in ("rouge1", "rouge2", "rougeL"))


def table_of(rows, head):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def quality_section(res):
    arith, news, head, spans = [], [], [], []
    for number, row in enumerate(ROWS):
        by = {arm: res.quality(number, arm) for arm in ARMS}
        tags, declared = by["tags"], by["declared"]
        if not declared or not tags:
            continue
        (arith if row[1] == "arith" else news).append(
            [row[0], declared["n"], *(quality_of(number, by[arm]) for arm in ARMS),
             *(f"{by[arm]['predicted_n'] / by[arm]['n']:.0f}" if by[arm] else "-" for arm in ("plain", "declared"))])
        spans.append([row[0], percent(declared["attended_fraction"]), percent(declared["loaded_fraction"]),
                      percent(declared.get("kept_fraction")) if row[1] == "news" else "-", percent(declared["valid_declarations"], 2),
                      percent(declared.get("span_precision")), percent(declared.get("span_recall"))])
        if row[1] == "news":
            rouge = lambda q: " / ".join(f"{100 * q[k]:.1f}" for k in ("rouge1", "rouge2", "rougeL"))
            head.append([row[0], *(rouge(by[arm]["headline"]) if by[arm] else "-" for arm in ARMS), rouge(declared["lead_3_same_length"]),
                         percent(declared["faithfulness"]), percent(declared["headline_faithfulness"])])
    lines = []
    if arith:
        lines += ["", "Exact answers:", "", *table_of(arith, ["problems", "number", "plain", "tags, no mask", "declared", "tokens a problem, plain",
                                                              "tokens a problem, with tags"])]
    if news:
        lines += ["", "Key points, ROUGE-1 / 2 / L against the reference's key points (which rules made from the article):", "",
                  *table_of(news, ["articles", "number", "plain", "tags, no mask", "declared", "tokens a response, plain",
                                   "tokens a response, with tags"])]
        lines += ["", "Headline, ROUGE-1 / 2 / L against the article's own headline; lead-3: the first three sentences cut to the length of the "
                  "key points, scored as they are; found: numbers and capitalised names that stand in the declared sentences:", "",
                  *table_of(head, ["articles", "headline, plain", "headline, tags", "headline, declared", "lead-3", "key points, found",
                                   "headline, found"])]
        place_rows = []
        for number, row in enumerate(ROWS):
            r = res.quality(number, "declared")
            for place, p in enumerate(r.get("faithfulness_by_place", []) if r else [], 1):
                place_rows.append([row[0], place, p["points"], percent(p["faithful"] / p["points"]) if p["points"] else "-",
                                   percent(p["supported"] / p["items"]) if p["items"] else "-"])
        lines += ["", "The same, key point by key point, declared:", "",
                  *table_of(place_rows, ["articles", "key point", "number", "nothing missing", "numbers and names found"])]
    if spans:
        lines += ["", "Declarations of the declared arm. Attended and read: of the tokens that dense attention reads, all steps; kept: of the "
                  "article's tokens, what a key point's declared sentences hold; precision and recall against the known sources:", "",
                  *table_of(spans, ["problems", "attended", "read", "kept", "valid", "precision", "recall"])]
    return lines


def speed_section(res):
    rows = []
    for number, row in enumerate(ROWS):
        for batch in BATCHES:
            by = {arm: res.speed(number, arm, batch) for arm in ARMS}
            if not by["tags"] or not by["declared"]:
                continue
            plain = by["plain"]
            rows.append([row[0], batch, *(f"{by[arm][0]:,.0f}" if by[arm] else "-" for arm in ARMS),
                         f"{by['declared'][0] / by['tags'][0]:.2f}x",
                         *(f"{by[arm][1]:,.0f}" if by[arm] else "-" for arm in ARMS),
                         f"{plain[2] / by['declared'][2]:.2f}x" if plain else "-"])
    if not rows:
        return []
    return ["", "Decode speed, tokens/s; useful: without labels, references and control pieces; time: of a whole response, plain over declared, "
            "which pays for writing the tags:", "",
            *table_of(rows, ["problems", "batch", "plain", "tags, no mask", "declared", "declared / tags", "useful, plain", "useful, tags",
                             "useful, declared", "time, plain / declared"])]


def write_table(results):
    lines = ["# The paper's table", "",
             "Self-selected attention spans (arXiv 2404.09336) with the bundled models: what it costs in quality, what it gives in speed. "
             "Written by `resources/bench/paper_table.py`.", "",
             "- **plain**: a model of the same size, trained on from the bundled one with the same text without declarations, dense attention",
             "- **tags, no mask**: the bundled model writes its declarations, attention stays dense",
             "- **declared**: the same model under the masks that it declares", "",
             "Greedy, free-running. Quality with an f32 cache; speed with f32 on the CPU and bf16 on CUDA. Rows and arms that are missing were "
             "not measured there."]
    for path in results:
        res = Results(path)
        lines += ["", f"## {res.backend}: {res.device}", "", f"Measured on {' and '.join(res.dates)}."]
        lines += quality_section(res) + speed_section(res)
    print("\n".join(lines))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = p.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("dir")
    run.add_argument("--cli", default=str(ROOT / "build/release/bin/spanscope-cli"))
    run.add_argument("--models", default=str(ROOT / "resources/models"), help="folder with arith and news")
    run.add_argument("--plain-arith", help="folder of the plain arithmetic model; without it the arm is left out")
    run.add_argument("--plain-news")
    run.add_argument("--news-test", help="reuters-test.jsonl of news_data.sh; without it the row is left out")
    run.add_argument("--backend", default="cpu")
    run.add_argument("--speed-kv-type", help="of the cache while speed is measured; default bf16, the fastest")
    run.add_argument("--threads", type=int, default=0)
    run.add_argument("--count", type=int, default=500, help="problems a row")
    run.add_argument("--long-count", type=int, default=200, help="problems a row of long sheets")
    run.add_argument("--news-count", type=int, help="the same for the rows of news; 0 = the whole file (100 synthetic reports)")
    run.add_argument("--batch", type=int, default=8, help="sequences decoded together while quality is measured")
    run.add_argument("--speed-problems", type=int, default=2, help="problems at batch 1; more at larger batches")
    run.add_argument("--batches", default=",".join(map(str, BATCHES)), help="some batch sizes of the speed part")
    run.add_argument("--repeat", type=int, default=2)
    run.add_argument("--seconds", type=float, default=1e9, help="start nothing after so long")
    run.add_argument("--rows", help="some rows of the table, from 0, e.g. 7,8")
    run.add_argument("--only", choices=["quality", "speed"])
    table = verbs.add_parser("table")
    table.add_argument("results", nargs="+")
    join = verbs.add_parser("join")
    join.add_argument("dir")
    args = p.parse_args()
    if args.verb == "table":
        write_table(args.results)
        return
    if args.verb == "join":
        json.dump(read_parts(args.dir), sys.stdout, indent=1)
        return
    job = Run(args)
    if args.only != "speed":
        job.quality()
    if args.only != "quality":
        job.speed()


if __name__ == "__main__":
    main()
