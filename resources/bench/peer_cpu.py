#!/usr/bin/env python3
"""spanscope-cli beside llama.cpp on the CPU, the two programs taking turns so that what else runs meets both.

    peer_cpu.py LLAMA_BENCH MODEL.gguf... [--rounds N] [--threads N] [--note TEXT] [--cli PATH]

Prints a page in Markdown.

A round runs each test once with llama.cpp's settings and once as `spanscope-cli bench` does it by itself. The first
round tries all settings; later ones those that came within a tenth of a test's best. What is compared in a round is the
fastest of llama.cpp's settings."""
import argparse
import datetime
import itertools
import json
import os
import statistics
import subprocess
import sys

TESTS = [("prefill 512", 512, 0, 0), ("decode 64, depth 0", 0, 64, 0), ("decode 32, depth 2,048", 0, 32, 2048)]
SETTINGS = [{"-fa": fa, "-ctk": kv, "-ctv": kv} for fa, kv in itertools.product(("off", "on"), ("f16", "bf16"))]


def rows(command):
    """What a bench program prints as JSON; its messages stay unseen unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def test_arguments(test):
    _, prompt, generated, depth = test
    return ["-p", str(prompt), "-n", str(generated), "-d", str(depth), "-r", "1", "-o", "json"]


def name_of(setting):
    return f"fa {setting['-fa']}, kv {setting['-ctk']}"


def play(args, model, log):
    """{test: [(tokens/s of llama.cpp, its setting, tokens/s of spanscope)]}, and what llama.cpp says of itself."""
    found = {test[0]: [] for test in TESTS}
    tried = {test[0]: SETTINGS for test in TESTS}
    about = {}
    for turn, test in itertools.product(range(args.rounds), TESTS):
        rates = []
        for setting in tried[test[0]]:
            more = [word for pair in setting.items() for word in pair]
            row = rows([args.llama_bench, "-m", model, "-t", str(args.threads), *more, *test_arguments(test)])[0]
            about = row
            rates.append((row["avg_ts"], name_of(setting)))
        if turn == 0:
            best = max(rates)[0]
            tried[test[0]] = [s for s, (rate, _) in zip(SETTINGS, rates) if rate > 0.9 * best]
        ours = rows([args.cli, "bench", "-m", model, "-t", str(args.threads), *test_arguments(test)])[0]
        found[test[0]].append((*max(rates), ours["avg_ts"]))
        print(f"round {turn + 1}, {os.path.basename(model)}, {test[0]}: {found[test[0]][-1]}", file=log, flush=True)
    return found, about


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("llama_bench")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--note", default="", help="a sentence about the build of llama.cpp")
    parser.add_argument("--cli", default="build/release/bin/spanscope-cli")
    args = parser.parse_args()
    lines, about = [], {}
    for model in args.models:
        found, about = play(args, model, sys.stderr)
        for test, results in found.items():
            ratios = [ours / peer for peer, _, ours in results]
            settings = statistics.mode(setting for _, setting, _ in results)
            peer = statistics.median(peer for peer, _, _ in results)
            ours = statistics.median(ours for _, _, ours in results)
            lines.append(f"| {os.path.basename(model)} | {test} | {peer:.1f} | {settings} | {ours:.1f} | "
                         f"{statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |")
    print(f"""# spanscope-cli beside llama.cpp on a CPU

{datetime.date.today()}. Written by `resources/bench/peer_cpu.py`: {about['cpu_info']}, {args.threads} threads, {args.rounds} rounds in which the two programs
take turns. llama.cpp {about['build_commit']} (build {about['build_number']}) by `llama-bench`, with and without flash attention, KV cache in F16 and in BF16; of these the fastest
in each round. spanscope-cli with its defaults. Tokens/s are medians over the rounds, the ratio is the median of the rounds' own. {args.note}

| file | test | llama.cpp | most often fastest with | spanscope-cli | ratio | in rounds |
|---|---|---|---|---|---|---|""")
    print("\n".join(lines))


main()
