#!/usr/bin/env python3
"""Puts measured figures into README.md and the model card, from the JSON that the programs wrote.

    fill_readme.py            reads resources/bench/*.json

accuracy.json   {"problems": [{"name", "seed", "rows"}]} in the form of resources/bench/accuracy.sh; rows of several `eval --json` runs
                may stand in it, each with its own seed and number of problems
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


def accuracy_table():
    data = read("accuracy.json")
    if not data:
        return "Not measured yet: `resources/bench/accuracy.sh`."
    lines = [f"Free-running greedy decoding by this engine ({data['backend']}, {data['device']}), exact final answer, fresh problems:",
             "", "| problems | dense | of | declared | of | attended | read |", "|---|---|---|---|---|---|---|"]
    for entry in data["problems"]:
        by = {r["attention"]: r for r in entry["rows"]}
        dense, declared = by["dense"], by["declared"]
        lines.append(f"| {entry['name']} | {100 * dense['exact']:.1f}% | {dense['n']} | {100 * declared['exact']:.1f}% | {declared['n']} | "
                     f"{100 * declared['attended_fraction']:.1f}% | {100 * declared['read_fraction']:.1f}% |")
    lines += ["", "Attended and read: of the tokens that dense attention reads, summed over all steps of the declared runs."]
    return "\n".join(lines + cuda_accuracy())


def performance_table():
    parts = []
    sheet = read("sheet100.json")
    if sheet:
        by = {r["attention"]: r for r in sheet["runs"]}
        d, s = by["dense"], by["declared"]
        parts.append(f"A sheet of 100 lines, `run --attention both`, {s['device']}, {s['n_threads']} threads: "
                     f"{d['predicted_per_second']:.0f} tokens/s dense, {s['predicted_per_second']:.0f} declared, "
                     f"**{sheet['speed_up']:.2f}x**; attended "
                     f"{100 * s['attended_fraction']:.1f}%, read {100 * s['read_fraction']:.1f}% of dense.")
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
        table += ["", f"{rows[0]['device']}, {rows[0]['n_threads']} threads, shared; beside these runs it read {min(beside):.0f} to {max(beside):.0f} "
                  "GB/s, measured before and after each repetition, and each fraction is of what it read just then. Above 100%: the bundled model stays in the cache, or the machine was faster between the probes. Made by "
                  "`resources/bench/cpu.sh`."]
        one, single = (next((r for r in rows if r["n_depth"] == 16384 and r["attention"] == a), None) for a in ("keep=512", "keep=512 scattered"))
        if one and single:
            table[-1] += (f" Attention over 512 of 16,384 tokens as single pages takes {single['attention_us'] / one['attention_us']:.2f} times as "
                          "long as over one run of them.")
        more = [r["peak_rss_bytes"] - r["needed_bytes"] for r in rows if r.get("peak_rss_bytes")]
        if more:
            table[-1] += f" Peak memory of these processes beyond weights and KV cache: at most {max(0, max(more)) / 2**20:.0f} MiB."
        parts.append("\n".join(table))
    if (here / "h200.md").exists():
        parts.append(cuda_table((here / "h200.md").read_text()))
    return "\n\n".join(parts) if parts else "Not measured yet: `resources/bench/cpu.sh`."


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


def cuda_accuracy():
    """One sentence on the rows that h200.md has of the same problems."""
    path = here / "h200.md"
    found = cells_of(path.read_text()).values() if path.exists() else []
    rows = [c for c in found if c.get("dense exact", "").endswith("%") and c.get("declared exact", "").endswith("%")]
    if not rows:
        return []
    def span(column):
        values = sorted({c[column] for c in rows}, key=lambda x: float(x.rstrip("%")))
        return " to ".join(dict.fromkeys((values[0], values[-1])))

    n = sorted({int(c["number"]) for c in rows})
    return [f"On CUDA (bfloat16 cache), {' to '.join(str(x) for x in n)} other problems for each of {len(rows)} kinds up to sheets of 100 lines: "
            f"dense {span('dense exact')}, declared {span('declared exact')} (`resources/bench/h200.md`)."]


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


def news_table():
    """The news rows of the paper's table, from the machine that measured them on most articles."""
    best = None
    for path in sorted(here.glob("paper-*.json")):
        results = paper_table.Results(path)
        n = sum(results.quality(i, "declared")["n"] for i, row in enumerate(paper_table.ROWS)
                if row[1] == "news" and results.quality(i, "declared") and results.quality(i, "tags"))
        if n and (best is None or n > best[0]):
            best = (n, results)
    if not best:
        return "Not measured yet: `resources/bench/paper_table.py`."
    results = best[1]
    lines = ["| articles | number | key points, ROUGE-L: dense | declared | lead-3 | numbers and names found | valid | precision | recall | kept |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    percent = lambda x: f"{100 * x:.1f}%"
    for number, row in enumerate(paper_table.ROWS):
        dense, declared = results.quality(number, "tags"), results.quality(number, "declared")
        if row[1] != "news" or not dense or not declared:
            continue
        rouge = lambda r, what: f"{100 * r[what]['rougeL']:.1f}"
        lines.append(f"| {row[0].split(', ')[1]} | {declared['n']} | {rouge(dense, 'points')} | {rouge(declared, 'points')} | "
                     f"{rouge(declared, 'lead_3_same_length')} | {percent(declared['faithfulness'])} | {percent(declared['valid_declarations'])} | "
                     f"{percent(declared['span_precision'])} | {percent(declared['span_recall'])} | {percent(declared['kept_fraction'])} |")
    lines += ["", f"Free-running on {results.backend}, {results.device}. Found: in the sentences that the key point declares. Kept: of the article's "
              "tokens, what they hold. All rows, headlines apart, and what the tags cost: [resources/bench/paper-table.md](resources/bench/paper-table.md)."]
    return "\n".join(lines)


def fill(path, tables):
    text = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", re.S)
        text, n = pattern.subn(lambda m: m.group(1) + "\n" + table + "\n\n" + m.group(2), text)
        if n != 1:
            raise SystemExit(f"{path}: expected one <!-- {name}: --> block, found {n}")
    path.write_text(text, encoding="utf-8")


fill(root / "resources/models/arith/MODEL_CARD.md", {"accuracy": accuracy_table()})
fill(root / "README.md", {"accuracy": accuracy_table(), "news": news_table(), "performance": performance_table()})
