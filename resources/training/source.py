"""Worker processes that run the dataset writer, pack rows and hand batches to the trainer."""
import hashlib
import json
import multiprocessing as mp
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time

import numpy as np

from packing import Document, Packer

HELD_OUT_SEED = 900_000_000  # training seeds stay below


def prompt_key(prompt):
    return hashlib.blake2b(prompt.encode(), digest_size=8).digest()


def writer_command(writer, args, count, seed, tokenizer):
    return [*shlex.split(writer), "dataset", *args, "--count", str(count), "--seed", str(seed), "--tokenizer", tokenizer,
            "--out", "-"]


class Stream:
    """An endless stream of documents of one class; a writer that ends is started again with its next seed."""

    def __init__(self, writer, args, tokenizer, special, seed, held_out, variants=None):
        self.writer, self.args, self.tokenizer, self.special = writer, args, tokenizer, special
        self.seed, self.held_out, self.process, self.variants = seed, held_out, None, variants

    def feed(self, pipe, seed):
        """Articles to a writer that reads them, until it ends."""
        try:
            for line in self.variants.lines(seed):
                pipe.write(line)
        except (BrokenPipeError, ValueError):
            pass

    def next(self):
        while True:
            if self.process is None:
                command = writer_command(self.writer, self.args, 100_000_000, self.seed, self.tokenizer)
                fed = subprocess.PIPE if self.variants else None
                self.process = subprocess.Popen(command, stdin=fed, stdout=subprocess.PIPE, bufsize=1 << 18)
                if fed:
                    threading.Thread(target=self.feed, args=(self.process.stdin, self.seed), daemon=True).start()
                self.seed += 1
                self.lines = 0
            line = self.process.stdout.readline()
            if not line.endswith(b"\n"):
                code = self.process.wait()
                if self.lines == 0:
                    raise RuntimeError(f"{' '.join(self.process.args)}: ended with {code} and wrote nothing")
                self.process = None
                continue
            self.lines += 1
            doc = Document(line, self.special, " ".join(self.args))
            if prompt_key(doc.prompt) not in self.held_out:
                return doc

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def work(number, recipe, options, phase_index, out, held_out):
    """Body of one worker: batches of the current phase until killed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that its writers end too, before they find nobody reading
    rng = np.random.default_rng(options["seed"] * 1000 + number)
    streams = {}
    parent = os.getppid()
    packer = Packer(options["special"], recipe["model"]["max_position_embeddings"], rng)

    def draw_from(phase):
        def draw(index):
            entry = phase["classes"][index]
            args = tuple(entry["args"])
            if args not in streams:
                variants = options["variants"] if entry.get("articles") else None
                seed = (options["seed"] * 64 + number) * 1_000_000 + len(streams) * 10_000
                streams[args] = Stream(options["writer"], args, options["tokenizer"], options["special"], seed, held_out,
                                       variants)
            return streams[args].next()
        return draw

    try:
        last = -1
        while os.getppid() == parent:
            index = phase_index.value
            if index != last:
                packer.waiting, last = [], index
            phase = recipe["phases"][index]
            batch = packer.batch(phase, draw_from(phase))
            while os.getppid() == parent and phase_index.value == index:
                try:
                    out.put((index, batch), timeout=1.0)
                    break
                except queue.Full:
                    pass
    except Exception as error:  # reported by the trainer, which then stops
        out.put((-1, f"worker {number}: {error}"))
    finally:
        for stream in streams.values():
            stream.close()


class Source:
    """Batches for the trainer, as pinned tensors. Start before CUDA is touched (the workers are forked)."""

    def __init__(self, recipe, options, workers, held_out, first_phase=0):
        context = mp.get_context("fork")
        self.phase = context.Value("i", first_phase)
        self.shared = context.Queue(maxsize=max(8, 2 * workers))
        self.processes = [context.Process(target=work, args=(i, recipe, options, self.phase, self.shared, held_out),
                                          daemon=True) for i in range(workers)]
        for p in self.processes:
            p.start()
        self.ready = queue.Queue(maxsize=6)
        self.stopping = False
        self.pin = False
        self.waited = 0.0

    def start_pinning(self, pin):
        self.pin = pin
        threading.Thread(target=self.prepare, daemon=True).start()

    def prepare(self):
        import torch
        while not self.stopping:
            try:
                index, batch = self.shared.get(timeout=0.5)
            except queue.Empty:
                if not any(p.is_alive() for p in self.processes):
                    self.ready.put((-1, "every data worker has ended"))
                    return
                continue
            if index >= 0:
                batch = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
                if self.pin:
                    batch = {k: v.pin_memory() if torch.is_tensor(v) else v for k, v in batch.items()}
            self.ready.put((index, batch))

    def next(self):
        """The next batch of the current phase."""
        while True:
            began = time.monotonic()
            index, batch = self.ready.get()
            self.waited += time.monotonic() - began
            if index < 0:
                self.close()
                sys.exit(batch)
            if index == self.phase.value:
                return batch

    def depth(self):
        try:
            return self.shared.qsize() + self.ready.qsize()
        except NotImplementedError:
            return self.ready.qsize()

    def close(self):
        self.stopping = True
        for p in self.processes:
            p.terminate()


def read_held_out(recipe, options):
    """Validation documents, {class name: [Document]}; from seeds that training never uses. Classes run side by side."""
    running = []
    for number, entry in enumerate(recipe["validation"]):
        command = writer_command(options["writer"], entry["args"], entry["count"], HELD_OUT_SEED + number,
                                 options["tokenizer"])
        given = None
        if entry.get("articles"):
            given = b"".join(json.dumps(a).encode() + b"\n" for a in options["held_out_articles"])
        running.append((entry, command, given, subprocess.Popen(
            command, stdin=subprocess.PIPE if given else None, stdout=subprocess.PIPE)))
    result = {}
    for entry, command, given, process in running:
        data, _ = process.communicate(given)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: ended with {process.returncode}")
        result[entry["name"]] = [Document(line, options["special"], entry["name"]) for line in data.splitlines() if line]
    return result
