"""What each followed request was given to read, step by step: one file of JSON Lines a request, for the client to fetch.

First line: {"version", "task", "mode", "block", "n_prompt"}; then a line for each response token that was fed back,
[position, intervals, block ranges]: what the automaton said its query may read (an end of 2147483647 is open; causality
holds on top) and which blocks its attention was given. [position] alone: as the line before.
"""
import json
import logging
import os
import re
import time

log = logging.getLogger(__name__)

VARIABLE = "SPANSCOPE_RECORDS"
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
MOST_FILES = 4096
MOST_BYTES = 32 << 20  # of one file
VERSION = 1


def folder():
    return os.environ.get(VARIABLE) or None


def path_of(id):
    """Where the record of that id is; ValueError where it is no id."""
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError("spanscope_id: expected 8 to 64 letters, digits, - and _")
    return os.path.join(folder(), id + ".jsonl")


def make_room():
    """Deletes the oldest files where there are too many."""
    files = [e for e in os.scandir(folder()) if e.name.endswith(".jsonl")]
    if len(files) < MOST_FILES:
        return
    files.sort(key=lambda e: e.stat().st_mtime)
    for entry in files[: len(files) - MOST_FILES // 2]:
        os.unlink(entry.path)


class Record:
    """Appends; a request that comes again after a preemption goes on in its file. What cannot be written ends the record, never the step:
    a client that finds positions missing knows that they are not proven."""

    def __init__(self, id, task, mode, n_prompt, resumes):
        self.file = None
        try:
            make_room()
            self.file = open(path_of(id), "a" if resumes else "w", encoding="ascii")
        except OSError as error:
            log.error("spanscope: no record of %s: %s", id, error)
        self.head = None if resumes else {"version": VERSION, "task": task, "mode": mode, "n_prompt": n_prompt, "time": int(time.time())}
        self.before = None

    def step(self, position, intervals, blocks, block):
        if self.file is None or self.file.tell() > MOST_BYTES:
            return
        if self.head is not None:
            self.line({**self.head, "block": block})
            self.head = None
        if self.file is None:
            return
        now = (intervals, blocks)
        self.line([position] if now == self.before else [position, intervals, blocks])
        self.before = now

    def line(self, value):
        try:
            self.file.write(json.dumps(value, separators=(",", ":")) + "\n")
            self.file.flush()
        except OSError as error:
            log.error("spanscope: the record %s ends: %s", self.file.name, error)
            self.close()

    def close(self):
        file, self.file = self.file, None
        try:
            if file is not None:
                file.close()
        except OSError as error:
            log.error("spanscope: the record %s ends: %s", file.name, error)
