#!/usr/bin/env python3
"""A stand-in for `spanscope-cli dataset` with one kind of problem: running sums of single digits, one step each.

Same options and lines as the real writer, a tenth of its rules: enough to test the trainer without building C++.
"""
import argparse
import json
import random
import signal

import sentencepiece as spm


def example(rng, n):
    numbers = [rng.randrange(10) for _ in range(n + 1)]
    prompt = str(numbers[0]) + "".join(f"+@{i}{x}" for i, x in enumerate(numbers[1:], 1)) + "\n"
    total, segments = numbers[0], []
    for i, x in enumerate(numbers[1:], 1):
        ref = f"<out>{i - 1}<:>" if i > 1 else ""
        before, total = total, (total + x) % 10
        segments.append((f"<out>{i}<:><attend>", ref, "</attend>", f"{before}+{x}<local>", f"={total}\n"))
    return prompt, segments, total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("command")
    p.add_argument("--task")
    p.add_argument("--count", type=int)
    p.add_argument("--seed", type=int)
    p.add_argument("--operators", default="1-4")
    p.add_argument("--lines")
    p.add_argument("--window")
    p.add_argument("--tokenizer")
    p.add_argument("--out")
    args = p.parse_args()
    sp = spm.SentencePieceProcessor(model_file=args.tokenizer)
    rng = random.Random(args.seed)
    low, high = map(int, args.operators.split("-"))
    for _ in range(args.count):
        prompt, segments, answer = example(rng, rng.randint(low, high))
        ids = [sp.bos_id()] + sp.encode(prompt)
        n_prompt = len(ids)
        views, breaks, spans = [[0, [[0, -1]]]], [], {}
        for label, parts in enumerate(segments, 1):
            start = len(ids)
            breaks.append(start)
            scaffold = [0, n_prompt]
            previous = [spans[label - 1]] if label > 1 else []
            views.append([start, [scaffold, *previous, [start, -1]]])
            for i, part in enumerate(parts):
                ids += sp.encode(part)
                if i == 2:  # after </attend>
                    views.append([len(ids), [scaffold, *previous, [start, -1]]])
                if i == 3:  # after <local>
                    views.append([len(ids), [[0, 1], [start, -1]]])
            spans[label] = [start, len(ids)]
        views.append([len(ids) - 1, [[0, n_prompt], [spans[len(segments)][0], -1]]])
        ids.append(sp.eos_id())
        print(json.dumps({"task": args.task, "prompt": prompt, "response": "".join("".join(s) for s in segments),
                          "answer": str(answer), "ids": ids, "n_prompt": n_prompt, "loss_begin": n_prompt,
                          "views": views, "breaks": breaks}))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the reader went away: end quietly, as the real writer does
    main()
