#!/usr/bin/env python3
"""The paper's table: what declared attention costs in quality and gives in speed.

    paper_table.py run DIR [options]      measures; finished parts stay in DIR, so that a run that was cut off goes on
    paper_table.py join DIR >FILE.json    all parts in one file
    paper_table.py table RESULTS...       the table of one or more such folders or files (a CPU, a GPU), as Markdown

Three arms on the same problems: `plain`, a model trained on the same text without declarations (see resources/training/README.md
for how to make one); `tags`, the model that declares under dense attention; `declared`, the same under its own masks.
Without --base the models are the bundled ones; with it they are a pretrained model and adapters over it, and a section more says what the
mask itself does: declared attention on the plain model, dense attention and a random mask of equal size on the one that declares.
Quality: free-running greedy decoding. Speed: decoding only, one job, batches of 1, 8 and 32, arms in turn, the best of --repeat.
Seeds from 900,000,000 on are never used in training. The rows are in paper_rows.json.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLES = json.loads((pathlib.Path(__file__).parent / "paper_rows.json").read_text(encoding="utf-8"))
PREFIX = {"bundled": "", "pretrained": "base-"}  # of the names of parts
PAGE = 16  # tokens that a page of the cache holds
BATCHES = (1, 8, 32)
ARMS = ("plain", "tags", "declared")
ATTENTION = {"plain": "dense", "tags": "dense", "declared": "declared"}


class Run:
    def __init__(self, args):
        self.args, self.began = args, time.monotonic()
        self.dir = pathlib.Path(args.dir)
        self.dir.mkdir(parents=True, exist_ok=True)

    def model(self, arm, row):
        """The arguments that name an arm's model; None: it was not given."""
        a = self.args
        if row["model"] != "base":
            folder = a.plain_arith if arm == "plain" else str(pathlib.Path(a.models) / row["model"])
            return ["-m", folder] if folder else None
        adapter = a.plain_adapter if arm == "plain" else a.adapter
        if arm == "plain" and not adapter:
            return None
        return ["-m", a.base, *(["--adapter", adapter] if adapter else [])]

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
        if "adapter" in value:
            value["adapter"]["path"] = pathlib.PurePath(value["adapter"]["path"]).name
        path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr)
        return value

    def arguments(self, row, arm, count, seed, attention=None):
        model = self.model(arm, row)
        file = row.get("file") and self.args.news.get(row["file"])
        if not model or (row.get("file") and not file):
            return None
        return [*model, *row["arguments"], *(["--file", file] if file else []), "--count", str(count), "--seed", str(seed), "--attention",
                attention or ATTENTION[arm], "--backend", self.args.backend, *(["-t", str(self.args.threads)] if self.args.threads else [])]

    def rows(self):
        rows = TABLES[self.args.table]
        wanted = range(len(rows)) if self.args.rows is None else [int(i) for i in self.args.rows.split(",")]
        return [(number, rows[number]) for number in wanted]

    def count(self, row):
        if is_news(row) and self.args.news_count is not None:
            return self.args.news_count
        return self.args.long_count if row.get("long") else self.args.count

    def cache(self, kv_type, otherwise):
        """Of the bundled models as ever; of a pretrained one the program's own choice."""
        kv_type = kv_type or (otherwise if self.args.table == "bundled" else None)
        return ["--kv-type", kv_type] if kv_type else []

    def quality(self):
        for number, row in self.rows():
            for arm in ARMS:
                self.quality_part(f"quality-{number}-{arm}", number, row, arm)

    def quality_part(self, name, number, row, arm, attention=None):
        arguments = self.arguments(row, arm, self.count(row), 900700001 + number, attention)
        if not arguments:
            return None
        return self.part(PREFIX[self.args.table] + name, [*arguments, "--batch", str(self.args.batch),
                         *self.cache(self.args.quality_kv_type, "f32")])

    def masks(self):
        """What the mask does by itself. Dense attention on the model that declares is the arm `tags`."""
        for number, row in self.rows():
            if not row.get("mask"):
                continue
            self.quality_part(f"mask-{number}-plain-declared", number, row, "plain", "declared")
            declared = self.quality_part(f"quality-{number}-declared", number, row, "declared")
            if declared:
                size = max(PAGE, round(declared["rows"][0]["loaded_per_step"] / PAGE) * PAGE)
                self.quality_part(f"mask-{number}-random", number, row, "declared", f"scatter={size}")

    def speed(self):
        """All rows at batch 1 first: what is cut off at the end is what matters least."""
        for batch in map(int, self.args.batches.split(",")):
            for number, row in self.rows():
                if not row.get("speed"):
                    continue
                for turn in range(self.args.repeat):
                    for arm in ARMS:
                        arguments = self.arguments(row, arm, max(batch, self.args.speed_problems), 900800001 + number)
                        if arguments:
                            self.part(f"{PREFIX[self.args.table]}speed-{number}-{arm}-{batch}-{turn}", [*arguments, "--batch", str(batch),
                                      "--jobs", "1", *self.cache(self.args.speed_kv_type, "bf16")])


def is_news(row):
    return row.get("news", False)


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
        self.adapters = sorted({part["adapter"]["hash"] for name, part in self.by_name.items() if "adapter" in part and "-plain" not in name})

    def row(self, table, name):
        part = self.by_name.get(PREFIX[table] + name)
        return part["rows"][0] if part else None

    def quality(self, table, number, arm):
        return self.row(table, f"quality-{number}-{arm}")

    def speed(self, table, number, arm, batch):
        """Of the fastest turn: decode t/s, useful t/s, decode seconds and steps a problem, bytes read for each step, mean context. None
        where it was not measured; no bytes in parts of programs that did not say them."""
        best = None
        for turn in range(100):
            part = self.by_name.get(f"{PREFIX[table]}speed-{number}-{arm}-{batch}-{turn}")
            if not part:
                break
            r = part["rows"][0]
            seconds = r["wall_s"] - r["prefill_s"]
            if best is None or seconds < best["seconds"] * r["n"]:
                best = {"rate": r["predicted_n"] / seconds, "useful": (r["predicted_n"] - r["markup_n"]) / seconds, "seconds": seconds / r["n"],
                        "steps": r["predicted_n"] / r["n"], "context": r["causal_tokens"] / r["predicted_n"], "bytes": None}
                if "weight_bytes_per_step" in part:
                    together = min(batch, r["n"])
                    best["bytes"] = part["weight_bytes_per_step"] / together + part["kv_bytes_per_token"] * r["loaded_tokens"] / r["predicted_n"]
        return best


def quality_of(row, r):
    if r is None:
        return "-"
    if not is_news(row):
        return percent(r["exact"])
    return " / ".join(f"{100 * r['points'][k]:.1f}" for k in ("rouge1", "rouge2", "rougeL"))


def table_of(rows, head):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def quality_section(res, table):
    arith, news, head, spans = [], [], [], []
    for number, row in enumerate(TABLES[table]):
        by = {arm: res.quality(table, number, arm) for arm in ARMS}
        tags, declared = by["tags"], by["declared"]
        if not declared or not tags:
            continue
        (news if is_news(row) else arith).append(
            [row["name"], declared["n"], *(quality_of(row, by[arm]) for arm in ARMS),
             *(f"{by[arm]['predicted_n'] / by[arm]['n']:.0f}" if by[arm] else "-" for arm in ("plain", "declared"))])
        spans.append([row["name"], percent(declared["attended_fraction"]), percent(declared["loaded_fraction"]),
                      percent(declared.get("kept_fraction")) if is_news(row) else "-", percent(declared["valid_declarations"], 2),
                      percent(declared.get("span_precision")), percent(declared.get("span_recall"))])
        if is_news(row):
            rouge = lambda q: " / ".join(f"{100 * q[k]:.1f}" for k in ("rouge1", "rouge2", "rougeL"))
            head.append([row["name"], *(rouge(by[arm]["headline"]) if by[arm] else "-" for arm in ARMS), rouge(declared["lead_3_same_length"]),
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
        for number, row in enumerate(TABLES[table]):
            r = res.quality(table, number, "declared")
            for place, p in enumerate(r.get("faithfulness_by_place", []) if r else [], 1):
                place_rows.append([row["name"], place, p["points"], percent(p["faithful"] / p["points"]) if p["points"] else "-",
                                   percent(p["supported"] / p["items"]) if p["items"] else "-"])
        lines += ["", "The same, key point by key point, declared:", "",
                  *table_of(place_rows, ["articles", "key point", "number", "nothing missing", "numbers and names found"])]
    if spans:
        lines += ["", "Declarations of the declared arm. Attended and read: of the tokens that dense attention reads, all steps; kept: of the "
                  "article's tokens, what a key point's declared sentences hold; precision and recall against the known sources:", "",
                  *table_of(spans, ["problems", "attended", "read", "kept", "valid", "precision", "recall"])]
    return lines


def ratio(x):
    return "-" if x is None else f"{x:.2f}x"


def speed_row(row, batch, by):
    """Cells of a row, and what its goals speak of: declared over tags, time of plain over declared."""
    plain, tags, declared = (by[arm] for arm in ARMS)
    faster = declared["rate"] / tags["rate"]
    sooner = plain["seconds"] / declared["seconds"] if plain else None
    known = tags["bytes"] and declared["bytes"]
    whole = known and plain and plain["bytes"] and plain["bytes"] * plain["steps"] / (declared["bytes"] * declared["steps"])
    cells = [row["name"], f"{tags['context']:,.0f}", batch, *(f"{by[arm]['rate']:,.0f}" if by[arm] else "-" for arm in ARMS), ratio(faster),
             ratio(tags["bytes"] / declared["bytes"] if known else None), *(f"{by[arm]['useful']:,.0f}" if by[arm] else "-" for arm in ARMS),
             ratio(sooner), ratio(whole or None)]
    return cells, {"speed": faster, "time": sooner}


def speed_section(res, table):
    rows, goals = [], []
    for number, row in enumerate(TABLES[table]):
        for batch in BATCHES:
            by = {arm: res.speed(table, number, arm, batch) for arm in ARMS}
            if not by["tags"] or not by["declared"]:
                continue
            cells, found = speed_row(row, batch, by)
            rows.append(cells)
            for what, goal in row.get("goal", {}).items():
                if found[what] is not None:
                    name = "declared / tags" if what == "speed" else "time, plain / declared"
                    goals.append(f"- {row['name']}, batch {batch}, {name}: {ratio(found[what])}, "
                                 f"{'at least' if found[what] >= goal else 'below'} the goal of {ratio(goal)}")
    if not rows:
        return []
    return ["", "Decode speed, tokens/s; context: tokens before a step, the mean; ceiling: what the ratio before it would be if time went by the "
            "bytes of weights and cache that are read; useful: without labels, references and control pieces; time: of a whole response, plain "
            "over declared, which pays for writing the tags:", "",
            *table_of(rows, ["problems", "context", "batch", "plain", "tags, no mask", "declared", "declared / tags", "ceiling", "useful, plain",
                             "useful, tags", "useful, declared", "time, plain / declared", "ceiling"]), *([""] + goals if goals else [])]


def mask_section(res, table):
    rows = []
    for number, row in enumerate(TABLES[table]):
        random = res.row(table, f"mask-{number}-random")
        parts = [(res.quality(table, number, "declared"), "declares", "declared"), (res.quality(table, number, "tags"), "declares", "dense"),
                 (random, "declares", random and random["attention"]), (res.quality(table, number, "plain"), "plain", "dense"),
                 (res.row(table, f"mask-{number}-plain-declared"), "plain", "declared")]
        if random:
            rows += [[row["name"], who, attention, r["n"], quality_of(row, r), percent(r["loaded_fraction"])] for r, who, attention in parts if r]
    if not rows:
        return []
    return ["", "What the mask itself does: the same weights under other attention; scatter=N: a random mask, as many tokens as the declared one "
            "loads. The plain model names nothing, so that a declared mask hides nothing from it but what its segments hide by themselves:", "",
            *table_of(rows, ["problems", "model", "attention", "number", "exact, or ROUGE-1 / 2 / L of key points", "read"])]


INTRODUCTION = {
    "bundled": ["with the bundled models", "- **plain**: a model of the same size, trained on from the bundled one with the same text without "
                "declarations, dense attention", "- **tags, no mask**: the bundled model writes its declarations, attention stays dense",
                "Quality with an f32 cache; speed with f32 on the CPU and bf16 on CUDA."],
    "pretrained": ["with a pretrained model", "- **plain**: the base fine-tuned with the same text without declarations, dense attention",
                   "- **tags, no mask**: the base fine-tuned to write its declarations, attention stays dense",
                   "The cache is of the program's default type."],
}


def write_table(results):
    lines = ["# The paper's table", "",
             "Self-selected attention spans (arXiv 2404.09336): what it costs in quality, what it gives in speed. Written by "
             "`resources/bench/paper_table.py`. Greedy, free-running. Rows and arms that are missing were not measured there."]
    results = [Results(path) for path in results]
    for table in ("pretrained", "bundled"):
        sections = [(res, quality_section(res, table) + mask_section(res, table) + speed_section(res, table)) for res in results]
        if not any(section for _, section in sections):
            continue
        title, plain, tags, cache = INTRODUCTION[table]
        lines += ["", f"## {title[0].upper() + title[1:]}", "", plain, tags, "- **declared**: the same model under the masks that it declares", "", cache]
        for res, section in sections:
            if section:
                lines += ["", f"### {res.backend}: {res.device}", "", f"Measured on {' and '.join(res.dates)}"
                          + (f", adapter {' and '.join(res.adapters)}." if table == "pretrained" else ".")] + section
    print("\n".join(lines))


def named_file(text):
    name, _, path = text.partition("=")
    known = sorted({row["file"] for row in TABLES["pretrained"] if row.get("file")})
    if name not in known or not path:
        raise argparse.ArgumentTypeError(f"NAME=FILE, NAME one of {', '.join(known)}; found {text!r}")
    return name, path


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = p.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("dir")
    run.add_argument("--cli", default=str(ROOT / "build/release/bin/spanscope-cli"))
    run.add_argument("--models", default=str(ROOT / "resources/models"), help="folder with arith")
    run.add_argument("--plain-arith", help="folder of the plain arithmetic model; without it the arm is left out")
    run.add_argument("--base", help="a pretrained model, folder or GGUF file: its table instead of that of the bundled models")
    run.add_argument("--adapter", help="over --base: declares its spans; left out where the base itself does")
    run.add_argument("--plain-adapter", help="over --base: trained without declarations; without it the arm is left out")
    run.add_argument("--news", type=named_file, action="append", default=[], metavar="NAME=FILE",
                     help="articles or dataset lines for a row of news of the pretrained model")
    run.add_argument("--quality-kv-type", help="of the cache while quality is measured; default f32, with --base the program's own")
    run.add_argument("--backend", default="cpu")
    run.add_argument("--speed-kv-type", help="of the cache while speed is measured; default bf16, with --base the program's own")
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
    run.add_argument("--only", choices=["quality", "mask", "speed"])
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
    args.table, args.news = "pretrained" if args.base else "bundled", dict(args.news)
    job = Run(args)
    for what, measure in (("quality", job.quality), ("mask", job.masks), ("speed", job.speed)):
        if args.only in (None, what):
            measure()


if __name__ == "__main__":
    main()
