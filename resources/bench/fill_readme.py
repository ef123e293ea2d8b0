#!/usr/bin/env python3
"""Puts measured figures into README.md and the model card, from the JSON that the programs wrote.

    fill_readme.py            reads resources/bench/*.json

shapes*.json    `spanscope-cli eval --shapes --json`, its tasks joined, made by resources/bench/accuracy.sh
cpu.json        the rows of `spanscope-cli bench -o json` made by resources/bench/cpu.sh
paper-*.json    the parts of `paper_table.py run`, joined
sheet100.json   `spanscope-cli run --attention both --json` on a sheet of 100 lines, made by resources/bench/cpu.sh
"""
import json
import pathlib
import re

import paper_table

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent


def read(name):
    path = here / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


MODES = ("dense", "declared")


def percent(right, n):
    """One decimal, and never 100.0% where one is wrong."""
    return f"{min(100 * right / n, 99.9 if right < n else 100):.1f}%" if n else "-"


def sums(cells, mode):
    rows = [c[mode] for c in cells]
    tokens = sum(r["predicted_n"] for r in rows) or 1
    return {"n": sum(r["n"] for r in rows), "right": sum(r["n_exact"] for r in rows), "violations": sum(r["violations"] for r in rows),
            "attended": sum(r["attended_fraction"] * r["predicted_n"] for r in rows) / tokens}


def worst_first(cells):
    return sorted(cells, key=lambda c: min(c[m]["n_exact"] / max(1, c[m]["n"]) for m in MODES))


def accuracy_words(data):
    """The sentence before the tables: everything in numbers, the worst cells by name."""
    cells = data["cells"]
    dense, declared = (sums(cells, m) for m in MODES)
    worst = [c for c in worst_first(cells) if any(c[m]["n_exact"] < c[m]["n"] for m in MODES)][:3]
    sizes = sorted({c["dense"]["n"] for c in cells})
    named = ("; ".join(f"{c['task']} {c['shape']}, {c['size']}, {c['digits']} digits: {percent(c['dense']['n_exact'], c['dense']['n'])} / "
                       f"{percent(c['declared']['n_exact'], c['declared']['n'])}" for c in worst)
             if worst else f"none: all {len(cells)} cells have every problem right")
    cache = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[data["kv_type"].lower()]
    return (f"**Worst cells**, dense / declared: {named}. In all {dense['right']:,} of {dense['n']:,} problems right dense and {declared['right']:,} of "
            f"{declared['n']:,} declared, {dense['violations'] + declared['violations']} protocol violations. {len(cells)} cells of shape, size and "
            f"digits over the whole space of the limits, {' or '.join(str(n) for n in sizes)} fresh problems in each; free-running greedy decoding by this "
            f"engine ({data['backend']}, {data['device']}, {cache} cache, the default), exact final answer. Made by `resources/bench/accuracy.sh`.")


def accuracy_table():
    """README: a row for each shape."""
    data = read("shapes.json")
    if not data:
        return "Not measured yet: `resources/bench/accuracy.sh`."
    lines = [accuracy_words(data), "", "| shape | sizes | problems | dense | declared | attended |", "|---|---|---|---|---|---|"]
    groups = {}
    for cell in data["cells"]:
        groups.setdefault((cell["task"], cell["shape"]), []).append(cell)
    for (task, shape), cells in groups.items():
        dense, declared = (sums(cells, m) for m in MODES)
        bounds = [int(x) for c in cells for x in c["size"].split()[0].split("-")]
        lines.append(f"| {task}, {shape} | {min(bounds)}-{max(bounds)} {'lines' if task == 'sheet' else 'operators'} | {dense['n']:,} | {percent(dense['right'], dense['n'])} | "
                     f"{percent(declared['right'], declared['n'])} | {100 * declared['attended']:.1f}% |")
    lines += ["", "Attended: of the tokens that dense attention reads, the share of the declared runs; of several cells by their tokens. Every cell: "
              "[the model card](resources/models/arith/MODEL_CARD.md)."]
    return "\n".join(lines)


def accuracy_cells():
    """Model card: a row for each cell."""
    data = read("shapes.json")
    if not data:
        return "Not measured yet: `resources/bench/accuracy.sh`."
    lines = [accuracy_words(data), "", "| task | shape | size | digits | problems | dense | declared | violations | attended |", "|---|---|---|---|---|---|---|---|---|"]
    for c in data["cells"]:
        d, s = c["dense"], c["declared"]
        lines.append(f"| {c['task']} | {c['shape']} | {c['size']} | {c['digits']} | {d['n']} | {percent(d['n_exact'], d['n'])} | {percent(s['n_exact'], s['n'])} | "
                     f"{d['violations'] + s['violations']} | {100 * s['attended_fraction']:.1f}% |")
    return "\n".join(lines)


def performance_table():
    parts = []
    sheet = read("sheet100.json")
    if sheet:
        by = {r["attention"]: r for r in sheet["runs"]}
        d, s = by["dense"], by["declared"]
        parts.append(f"A sheet of 100 lines, `run --attention both`, {s['device']}, {s['n_threads']} threads, {s['kv_type']} cache: "
                     f"{d['predicted_per_second']:.0f} tokens/s dense, {s['predicted_per_second']:.0f} declared, "
                     f"**{sheet['speed_up']:.2f}x**; attended "
                     f"{100 * s['attended_fraction']:.1f}%, loaded {100 * s['loaded_fraction']:.1f}% of dense.")
    rows = read("cpu.json")
    if rows:
        table = ["| model | weights | test | depth | attention | tokens/s | GB/s | of read bandwidth | GFLOP/s | attention us |",
                 "|---|---|---|---|---|---|---|---|---|---|"]
        dash = lambda value, form: format(value, form) if value else "-"
        for r in rows:
            table.append(f"| {r['model']} | {r['format']} | {r['test']} | {r['n_depth']} | {r['attention']} | {r['avg_ts']:.1f} ± "
                         f"{r['stddev_ts']:.1f} | {dash(r['gbps'], '.1f')} | {dash(r['bandwidth_fraction'], '.0%')} | "
                         f"{dash(r['gflops'], '.0f')} | {dash(r['attention_us'], '.0f')} |")
        beside = [r["read_bandwidth_gbps"] for r in rows if r["read_bandwidth_gbps"]]
        types = " and ".join(sorted({r["kv_type"] for r in rows}))
        table += ["", f"{rows[0]['device']}, {rows[0]['n_threads']} threads, shared; KV cache of the default type, here {types}; beside these runs it read {min(beside):.0f} to {max(beside):.0f} "
                  "GB/s, measured before and after each repetition, and each fraction is of what it read just then. Above 100%: the bundled model stays in the cache, or the machine was faster between the probes. Made by "
                  "`resources/bench/cpu.sh`."]
        one, single = (next((r for r in rows if r["n_depth"] == 16384 and r["attention"] == a), None) for a in ("keep=512", "scatter=512"))
        if one and single:
            table[-1] += (f" Attention over 512 of 16,384 tokens as single pages takes {single['attention_us'] / one['attention_us']:.2f} times as "
                          "long as over one run of them.")
        more = [r["peak_rss_bytes"] - r["needed_bytes"] for r in rows if r.get("peak_rss_bytes")]
        if more:
            table[-1] += f" Peak memory of these processes beyond weights and KV cache: at most {max(0, max(more)) / 2**20:.0f} MiB."
        parts.append("\n".join(table))
    rows = read("cache.json")
    if rows:
        parts.append(cache_table(rows))
    if (here / "h200.md").exists():
        parts.append(cuda_table((here / "h200.md").read_text()))
    return "\n\n".join(parts) if parts else "Not measured yet: `resources/bench/cpu.sh`."


def cache_table(rows):
    """The default cache beside F32: one line for each model, depth and attention."""
    default = next(r["kv_type"] for r in rows if r["kv_type"] != "F32")
    by = {(r["model"], r["n_depth"], r["attention"], r["kv_type"]): r["avg_ts"] for r in rows}
    table = [f"| one sequence, {rows[0]['device']} | depth | attention | {default} cache, the default | F32 cache | times |", "|---|---|---|---|---|---|"]
    for (model, depth, attention, kv), rate in by.items():
        if kv == default:
            other = by[model, depth, attention, "F32"]
            table.append(f"| {model} | {depth:,} | {attention} | {rate:,.0f} tokens/s | {other:,.0f} tokens/s | {rate / other:.2f} |")
    return "\n".join(table) + "\n\nMade by `resources/bench/cache.sh`."


def cells_of(text):
    """The tables of h200.md: row name -> column name -> cell. A name that comes again adds to its row."""
    cells, header = {}, []
    for line in text.splitlines():
        row = [c.strip() for c in line.strip("|").split("|")] if line.startswith("|") else []
        if not row:
            header = []
        elif not header:
            header = row
        else:
            cells.setdefault(row[0], {}).update(zip(header[1:], row[1:]))
    return cells


def cuda_table(text):
    """A few rows of the tables in h200.md, by the names of its cases and columns."""
    cells = cells_of(text)
    table = ["| one H200, BF16 | ours | best peer | ours / peer |", "|---|---|---|---|"]
    for case in ("MHA 8x16K dense", "MHA 8x16K keep 1/8", "GQA 8x32K dense", "GQA 8x32K keep 1/8"):
        c = cells[case]
        table.append(f"| attention of a layer, {case} | {c['ours us']} us | {c['peer us']} us, {c['best peer']} | {c['ours / peer']} |")
    for batch, depth in ((1, 512), (16, 1962), (32, 1962)):
        c = cells[f"7b batch {batch} depth {depth} dense"]
        table.append(f"| decode, 7b's shape, batch {batch}, depth {depth:,}, dense | {c['tokens/s']} tokens/s, {c['of copy']} of the copy rate | "
                     f"{c['best peer t/s'].replace(' ', ' tokens/s, ', 1)} | {c['ours / peer']} |")
    for batch, depth, part in ((16, 1962, "1/4"), (32, 1962, "1/8"), (8, 16384, "1/8")):
        c = cells[f"7b batch {batch} depth {depth} keep {part}"]
        table.append(f"| the same, batch {batch}, depth {depth:,}, {part} kept | {c['tokens/s']} tokens/s, **{c['speed-up']}x** our dense | - | - |")
    return "\n".join(table) + "\n\nAll of that run, and what is behind: [resources/bench/h200.md](resources/bench/h200.md)."


RUNS = ("paper-quality-cuda.json", "paper-quality-cpu.json", "paper-pretrained-cuda.json")  # the first that has a row gives it


def pretrained_table():
    """SmolLM2 with the adapter: what was right under dense and declared attention, and beside it the arm without tags."""
    runs = [paper_table.Results(here / name) for name in RUNS if (here / name).exists()]
    lines = ["| task | problems | fine-tuned without tags | with tags, dense | declared | attended | measured on |", "|---|---|---|---|---|---|---|"]
    points = lambda r: f"{100 * r['points']['rouge2']:.1f} / {100 * r['headline']['rouge1']:.1f}"
    older = False
    for number, row in enumerate(paper_table.TABLES["pretrained"]):
        measured = [r for r in runs if r.quality("pretrained", number, "tags") and r.quality("pretrained", number, "declared")]
        if not measured:
            continue
        by = {arm: measured[0].quality("pretrained", number, arm) for arm in paper_table.ARMS}
        show = points if paper_table.is_news(row) else (lambda r: f"{100 * r['exact']:.1f}%")
        d = by["declared"]
        lead = f" (lead-3: {100 * d['lead_3_same_length']['rouge2']:.1f})" if paper_table.is_news(row) else ""
        before = measured[0].adapters != runs[0].adapters
        older = older or before
        lines.append(f"| {row['name']} | {d['n']} | {show(by['plain']) if by['plain'] else '-'} | {show(by['tags'])} | {show(d)}{lead} | "
                     f"{100 * d['attended_fraction']:.1f}% | {measured[0].device}{', the adapter before' if before else ''} |")
    models = {part["model_hash"] for part in runs[0].by_name.values()}
    by_hand = (here / "read-by-hand.md").read_text(encoding="utf-8")
    true, points = re.search(r"headlines called true: (.*)", by_hand).group(1), re.search(r"key points: (.*)", by_hand).group(1)
    shapes = read("shapes-smollm2.json")
    before = "Of the adapter before (commit 547b43e; this one was not measured so yet): " if shapes and shapes["model_hash"] not in models else ""
    return "\n".join(lines) + (f"\n\n{before}{accuracy_words(shapes)}" if shapes else "") + (
        "\n\nFree-running greedy decoding by this engine, the default cache. Arithmetic: exact final answer. News: "
        "ROUGE-2 of the key points / ROUGE-1 of the headline against the article's own; Reuters was never trained on. Attended: of the tokens that dense "
        f"attention reads. Summaries that a person read: headlines called true {true}; key points: {points} "
        "(all of them: `resources/bench/read-by-hand.md`). What the tags cost and give: `resources/bench/paper-table.md`.")


def fill(path, tables):
    text = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", re.S)
        text, n = pattern.subn(lambda m: m.group(1) + "\n" + table + "\n\n" + m.group(2), text)
        if n != 1:
            raise SystemExit(f"{path}: expected one <!-- {name}: --> block, found {n}")
    path.write_text(text, encoding="utf-8")


fill(root / "resources/models/arith/MODEL_CARD.md", {"accuracy": accuracy_cells()})
fill(root / "resources/models/smollm2-135m-spans/MODEL_CARD.md", {"accuracy": pretrained_table()})
fill(root / "README.md", {"pretrained": pretrained_table(), "accuracy": accuracy_table(), "performance": performance_table()})
if "<!-- accuracy:" in (here / "h200.md").read_text(encoding="utf-8"):  # a new run of tests/gpu writes a table of its own there
    fill(here / "h200.md", {"accuracy": accuracy_words(read("shapes.json")) if read("shapes.json") else "Not measured yet."})
