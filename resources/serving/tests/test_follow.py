#!/usr/bin/env python3
"""Blocks and rows of the plug-in against their definitions, token by token. Needs nothing but Python."""
import json
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "spanscope_vllm"), HERE]

from spanscope_vllm import card, records
from spanscope_vllm.automaton import EVERYTHING, OPEN, Pieces, SpanAutomaton, normalised
from spanscope_vllm.blocks import attended_tokens, kept_blocks, kept_tokens, ranges
from spanscope_vllm.follow import Batch, FollowError, Request
from streams import HEAD, Streams

PIECES = Pieces.of(HEAD["special"], HEAD["newline"], HEAD["eos"], HEAD["digits"])


def request(row, output, **more):
    return Request(SpanAutomaton(PIECES, row["heads"]), row["prompt"], output, **more)


def lists(row):
    """What each response token may read."""
    automaton = SpanAutomaton(PIECES, row["heads"])
    automaton.read_prompt(row["prompt"])
    return [automaton.read(token) for token in row["response"]]


def blocks_by_definition(intervals, n, block):
    return [b for b in range((n - 1) // block + 1)
            if b == (n - 1) // block or any(begin <= t < end for begin, end in intervals for t in range(b * block, min(n, (b + 1) * block)))]


class Blocks(unittest.TestCase):
    def test_against_the_definition(self):
        draw, dropped = random.Random(4), 0
        for _ in range(3000):
            block, n = draw.choice((1, 2, 3, 16, 32)), draw.randrange(1, 300)
            list_ = normalised([(b, OPEN if draw.randrange(9) == 0 else b + draw.randrange(40)) for b in (draw.randrange(320) for _ in range(draw.randrange(6)))])
            kept = kept_blocks(list_, n, block)
            self.assertEqual(kept, blocks_by_definition(list_, n, block), (list_, n, block))
            tokens = [t for b in kept for t in range(b * block, min(n, (b + 1) * block))]
            self.assertEqual(kept_tokens(kept, n, block), len(tokens))
            self.assertIn(n - 1, tokens)
            self.assertEqual(attended_tokens(list_, n), sum(b <= t < e for b, e in list_ for t in range(n)))
            self.assertEqual([b for begin, end in ranges(kept) for b in range(begin, end)], kept)
            dropped += len(kept) <= (n - 1) // block
        self.assertGreater(dropped, 1000)


class Rows(unittest.TestCase):
    def test_plans_of_moving_batches(self):
        """Requests come, go, change rows, are prefilled in chunks, preempted and prefilled again: every response token gets its own list."""
        streams, draw, checked, again = Streams(8), random.Random(8), 0, 0
        for _ in range(60):
            batch, rows, block = Batch(), {}, draw.choice((4, 16))
            waiting = [dict(row=r, output=[], computed=0, seen=lists(r)) for r in (streams.row() for _ in range(6)) if len(r["response"]) > 1]
            while waiting or rows:
                removed = [i for i, w in rows.items() if len(w["output"]) == len(w["row"]["response"]) or draw.randrange(30) == 0]
                for i in removed:
                    gone = rows.pop(i)
                    if len(gone["output"]) < len(gone["row"]["response"]):
                        gone["computed"] = 0  # preempted: all of it is computed again
                        waiting.append(gone)
                added, moved = [], []
                while waiting and len(rows) < 4 and draw.randrange(2):
                    at, w = min(set(range(5)) - set(rows)), waiting.pop(0)
                    rows[at] = w
                    added.append((at, request(w["row"], w["output"])))
                if len(rows) > 1 and draw.randrange(3) == 0:
                    a, b = draw.sample(sorted(rows), 2)
                    rows[a], rows[b] = rows[b], rows[a]
                    moved.append((a, b, True))
                free = [i for i in range(max(rows, default=0)) if i not in rows]
                if free and rows:
                    rows[free[0]] = rows.pop(last := max(rows))
                    moved.append((last, free[0], False))
                batch.step()
                batch.update(removed, added, moved)
                queries, lens = [], []
                for i in range(max(rows, default=-1) + 1):
                    w = rows.get(i)
                    known = len(w["row"]["prompt"]) + len(w["output"]) if w else 0
                    n = min(known - w["computed"], draw.randrange(1, 40)) if w else 0
                    queries.append(n)
                    lens.append(w["computed"] + n if w else 0)
                plan, at = batch.plan(queries, lens, block), 0
                batch.check_enforced()
                for i, w in sorted(rows.items()):
                    tokens, n_prompt = list(range(lens[i] - queries[i], lens[i])), len(w["row"]["prompt"])
                    while at < len(plan) and plan[at].source < i:  # rows that nobody has
                        self.assertEqual(plan[at].n_queries, 0)
                        at += 1
                    while at < len(plan) and plan[at].source == i:
                        row = plan[at]
                        mine, tokens = tokens[: row.n_queries], tokens[row.n_queries:]
                        self.assertEqual(mine[-1], row.n_tokens - 1)
                        if row.position < 0:
                            self.assertLess(mine[-1], n_prompt)
                        else:
                            again += queries[i] > 1
                            self.assertEqual(mine, [row.position])
                            expected = blocks_by_definition(w["seen"][row.position - n_prompt], row.position + 1, block)
                            self.assertEqual(list(range(row.position // block + 1)) if row.blocks is None else row.blocks, expected)
                            self.assertEqual(row.length(block), sum(min(row.position + 1, (b + 1) * block) - b * block for b in expected))
                            checked += 1
                        at += 1
                    self.assertEqual(tokens, [])
                    w["computed"] = lens[i]
                    if w["computed"] == n_prompt + len(w["output"]):
                        w["output"].append(w["row"]["response"][len(w["output"])])
                self.assertEqual(at, len(plan))
        self.assertGreater(checked, 5000)
        self.assertGreater(again, 300)

    def test_placeholders_and_unknown_tokens_stop_the_step(self):
        row = {"prompt": [1, 2], "heads": False}
        for output, said in (([3, -1], "placeholder -1"), ([3], "before the worker knows it")):
            batch = Batch()
            batch.step()
            batch.update([], [(0, request(row, output))], [])
            self.assertEqual(batch.plan([1], [3], 16)[0].position, 2)
            with self.assertRaisesRegex(FollowError, said):
                batch.plan([1], [4], 16)

    def test_a_step_without_the_hook_is_found(self):
        batch = Batch()
        batch.step()
        batch.check_enforced()
        batch.update([], [(0, request({"prompt": [1], "heads": False}, []))], [])
        with self.assertRaisesRegex(FollowError, "nothing was enforced"):
            batch.check_enforced()
        batch.plan([1], [1], 16)
        batch.check_enforced()
        batch.step()
        with self.assertRaises(FollowError):
            batch.check_enforced()

    def test_full_requests_read_everything(self):
        streams = Streams(3)
        row = next(r for r in (streams.row() for _ in range(99)) if any(list_ != EVERYTHING for list_ in lists(r)))
        full = request(row, row["response"], full=True)
        n = len(row["prompt"])
        self.assertEqual({full.visible(n + i) for i in range(len(row["response"]))}, {EVERYTHING})


class Records(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.environ[records.VARIABLE] = folder.name
        self.addCleanup(os.environ.pop, records.VARIABLE)

    def test_what_is_written_is_what_was_planned(self):
        row = Streams(5).row()
        record = records.Record("abcdefgh", "sheet", "declared", len(row["prompt"]), False)
        one = request(row, row["response"], record=record)
        batch, n = Batch(), len(row["prompt"])
        batch.step()
        batch.update([], [(0, one)], [])
        rows = [batch.plan([1], [n + i + 1], 16)[0] for i in range(len(row["response"]))]
        batch.update([0], [], [])
        self.assertIsNone(record.file)
        with open(records.path_of("abcdefgh"), encoding="ascii") as f:
            head, *steps = [json.loads(line) for line in f]
        self.assertEqual((head["task"], head["block"], head["n_prompt"]), ("sheet", 16, n))
        self.assertEqual([s[0] for s in steps], [r.position for r in rows])
        last = None
        for step, list_, planned in zip(steps, lists(row), rows):
            last = step[1:] or last
            self.assertEqual([[list(i) for i in list_], ranges(kept_blocks(list_, planned.position + 1, 16))], last)

    def test_ids_are_no_paths(self):
        for id in ("", "short", "../../etc/passwd", "a/b/c/d/e", "x" * 65, None, 12345678, "abcdefgh\n"):
            with self.assertRaises(ValueError):
                records.path_of(id)

    def test_old_ones_make_room(self):
        most, records.MOST_FILES = records.MOST_FILES, 8
        self.addCleanup(setattr, records, "MOST_FILES", most)
        for i in range(20):
            records.Record(f"request-{i:03}", "sheet", "full", 1, False).close()
        self.assertLessEqual(len(os.listdir(records.folder())), 8)
        self.assertTrue(os.path.exists(records.path_of("request-019")))

    def test_a_folder_that_is_gone_ends_the_record_not_the_step(self):
        os.environ[records.VARIABLE] += "/gone"
        record = records.Record("abcdefgh", "sheet", "full", 1, False)
        record.step(1, EVERYTHING, [[0, 1]], 16)
        record.close()


class Cards(unittest.TestCase):
    def test_errors_name_file_and_field(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "spanscope.json")
            good = {"protocol_version": 1, "tasks": [{"name": "sheet", "prefill": "segmented", "heads": True}], "pieces": {"<in>": "<r>"}}
            for change, field in (({"protocol_version": 2}, "protocol_version"), ({"tasks": []}, "tasks"), ({"tasks": [{"name": "A B"}]}, "name"),
                                  ({"tasks": [{"name": "a", "heads": 1}]}, "heads"), ({"pieces": {"<x>": "y"}}, "pieces")):
                with open(path, "w") as f:
                    json.dump({**good, **change}, f)
                with self.assertRaisesRegex(card.CardError, f"spanscope.json: .*{field}.* expected"):
                    card.read(path)
            with open(path, "w") as f:
                json.dump(good, f)
            found = card.read(path)
            self.assertEqual((found.heads, found.segmented, found.pieces["<in>"], found.pieces["<out>"]), ({"sheet": True}, {"sheet"}, "<r>", "<out>"))


if __name__ == "__main__":
    unittest.main()
