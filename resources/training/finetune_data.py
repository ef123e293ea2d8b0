"""Lines of `spanscope-cli dataset` for a vocabulary of one's own: encoded by the writer, split, planned into rows."""
import hashlib
import json
import os
import re
import shlex
import subprocess

import numpy as np

from packing import Document, Row, loads, stack


class DataError(Exception):
    pass


def encode(writer, data, tokenizer, out):
    """The writer encodes the texts anew and makes the views: the rule that decoding uses stays the only one."""
    command = [*shlex.split(writer), "dataset", "--encode", data, "--tokenizer", tokenizer, "--out", out]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise DataError(f"{command[0]}: {error.strerror}; --writer names spanscope-cli") from error
    if done.returncode:
        raise DataError(f"{' '.join(command)}: ended with {done.returncode}\n{done.stderr.strip()}")


def limits(task, prompt, response):
    """What one example shows of the limits in spanscope.json."""
    if task == "expression":
        return {"max_operators": max(map(int, re.findall(r"<out>([0-9]+)<:>", response)), default=0)}
    n = max(map(int, re.findall(r"<in>([0-9]+)<:>", prompt)), default=0)
    if task == "news":
        return {"max_sentences": n}
    header = re.match(r"sheet ([0-9]+)\n", prompt)  # of a window it names more lines than there are
    return {"max_lines": max(n, int(header.group(1)) if header else 0)}


class Data:
    """Documents of one task and one policy; a share is held out, chosen by the prompt, so that no prompt is in both."""

    def __init__(self, path, task, special, held_out, longest):
        self.train, self.validation, self.too_long, policy = [], [], 0, None
        self.limits = {}
        with open(path, "rb") as f:
            for number, line in enumerate(f, 1):
                record = loads(line)
                where = f"line {number} of the data"
                if record["task"] != task:
                    raise DataError(f"{where}: task is {record['task']}, expected {task}")
                if policy is not None and record["policy"] != policy:
                    raise DataError(f"{where}: policy is {json.dumps(record['policy'])}, expected {json.dumps(policy)} as before")
                policy = record["policy"]
                doc = Document(line, special, where)
                if len(doc) > longest:
                    self.too_long += 1
                    continue
                for name, value in limits(task, record["prompt"], record["response"]).items():
                    self.limits[name] = max(value, self.limits.get(name, 0))
                key = int.from_bytes(hashlib.blake2b(doc.prompt.encode(), digest_size=8).digest(), "big") / 2.0 ** 64
                whole = doc.complete  # an exact rate needs whole responses
                (self.validation if whole and key < held_out else self.train).append(doc)
        if not self.train:
            raise DataError(f"no examples to train on: {self.too_long} are longer than {longest} tokens, {len(self.validation)} held out")
        self.policy = policy

    def longest(self):
        return max(map(len, self.train + self.validation))


class Plan:
    """Which documents stand in which row, and which rows are declared: a function of the seed alone, so that a run that was
    interrupted sees what it would have seen."""

    def __init__(self, documents, T, declared_fraction, pad, seed):
        self.documents, self.T, self.pad, self.seed = documents, T, pad, seed
        self.declared_fraction, self.max_states = declared_fraction, max(T // 4, 2 + max(d.n_states for d in documents))
        self.epoch, self.rows = -1, []

    def load(self, epoch):
        """Rows of one pass: [(dense, [document numbers])]."""
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.documents))
        self.rows, room, states = [], 0, 0
        for i in order:
            doc = self.documents[i]
            if not self.rows or len(doc) > room or states + doc.n_states > self.max_states:
                self.rows.append((bool(rng.random() >= self.declared_fraction), []))
                room, states = self.T, 1
            self.rows[-1][1].append(int(i))
            room -= len(doc)
            states += doc.n_states
        self.epoch = epoch

    def row_at(self, epoch, index):
        if epoch != self.epoch:
            self.load(epoch)
        dense, numbers = self.rows[index]
        row = Row(self.T, self.max_states, dense, self.pad)
        for i in numbers:
            row.add(self.documents[i], 0)
        return row

    def batch(self, cursor, n):
        """n rows from cursor [epoch, row] on, and the cursor behind them."""
        epoch, index = cursor
        rows = []
        while len(rows) < n:
            if epoch != self.epoch:
                self.load(epoch)
            if index == len(self.rows):
                epoch, index = epoch + 1, 0
                continue
            rows.append(self.row_at(epoch, index))
            index += 1
        return rows, [epoch, index]


class FileBatches:
    """Rows of one file, pass after pass; of several processes each takes every so manieth row of a step."""

    def __init__(self, plan, rows, ranks):
        self.plan, self.rows, self.ranks, self.cursor = plan, rows, ranks, [0, 0]

    def next(self, phase):
        rows, self.cursor = self.plan.batch(self.cursor, self.rows)
        return stack(rows[self.ranks.rank::self.ranks.world])


class LiveBatches:
    """Rows that workers draw and pack while the run goes on."""

    def __init__(self, source):
        self.source, self.cursor = source, None

    def next(self, phase):
        self.source.phase.value = phase
        return self.source.next()


def fingerprint(*paths):
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
