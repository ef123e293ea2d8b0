#!/usr/bin/env python3
"""The plug-in's automaton against engine/span, token by token on random streams.

test_automaton.py [STREAMS [SEED]]; SPANSCOPE_SPAN_PROBE names tests/span_probe of a build. Exit code 1: they differ.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "spanscope_vllm"), HERE]

from spanscope_vllm import automaton
from streams import HEAD, Streams


def lists_of(row, pieces, make=automaton.SpanAutomaton):
    """[[index, list], ...] as span_probe writes them."""
    follower, lists, before = make(pieces, row["heads"]), [], None
    follower.read_prompt(row["prompt"])
    for index, token in enumerate(row["response"]):
        now = follower.read(token)
        if now != before:
            lists.append([index, [list(i) for i in now]])
            before = now
    return lists


def engine_lists(rows, probe):
    with tempfile.TemporaryFile("w+") as file:
        file.write("".join(json.dumps(line) + "\n" for line in (HEAD, *rows)))
        file.seek(0)
        done = subprocess.run([probe], stdin=file, stdout=subprocess.PIPE, check=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(rows):
        raise SystemExit(f"span_probe: {len(answers)} answers, expected {len(rows)}")
    return answers


class ForgetsTheScaffold(automaton.SpanAutomaton):
    """A wrong one, which must be found."""

    def rule(self):
        kept, self.scaffold = self.scaffold, []
        try:
            return super().rule()
        finally:
            self.scaffold = kept


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    probe = os.environ["SPANSCOPE_SPAN_PROBE"]
    streams, pieces = Streams(seed), automaton.Pieces.of(HEAD["special"], HEAD["newline"], HEAD["eos"], HEAD["digits"])
    n_tokens = n_lists = n_narrow = found = 0
    for first in range(0, n, 10_000):
        rows = [streams.row() for _ in range(min(10_000, n - first))]
        for index, (row, expected) in enumerate(zip(rows, engine_lists(rows, probe))):
            ours = lists_of(row, pieces)
            if ours != expected:
                at = next((a for a, e in zip(ours, expected) if a != e), [min(len(ours), len(expected)), "missing"])
                raise SystemExit(f"stream {first + index}: from response token {at[0]} on the lists differ\n{json.dumps(row)}\n"
                                 f"automaton {ours}\nengine    {expected}")
            found += lists_of(row, pieces, ForgetsTheScaffold) != expected
            n_tokens += len(row["response"])
            n_lists += len(ours)
            n_narrow += sum(list_ != [[0, automaton.OPEN]] for _, list_ in ours)
    if not found or not n_narrow:
        raise SystemExit("nothing was restricted, or a wrong automaton was not found: the streams say nothing")
    print(f"{n:,} streams, {n_tokens:,} response tokens, {n_lists:,} lists, {n_narrow:,} of them restricted: no difference; "
          f"an automaton without the scaffold differs on {found:,} streams")


if __name__ == "__main__":
    main()
