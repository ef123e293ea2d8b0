"""Documents of the dataset writer, and rows packed from them (numpy only: this runs in the worker processes)."""
import json

import numpy as np

try:
    from orjson import loads
except ImportError:
    loads = json.loads

# What a target is. STRUCTURE: labels, declarations, stop decisions; PROMPT: text given to the model, learnt beside the task.
IGNORE, BODY, STRUCTURE, PROMPT = 0, 1, 2, 3
SIZES = ("n_states", "room_states")  # of a batch: states used, and states that its rows have room for


class Document:
    """One line of the dataset: token ids, which are targets, states and what each state may read."""

    __slots__ = ("ids", "n_prompt", "first_loss", "breaks", "state", "intervals", "n_states", "target", "prompt", "complete")

    def __init__(self, line, special, where="dataset"):
        record = loads(line)
        if "ids" not in record:
            raise ValueError(f"{where}: a line has no ids; run the writer with --tokenizer")
        ids = np.asarray(record["ids"], dtype=np.int32)
        n = len(ids)
        self.ids, self.prompt = ids, record["prompt"]
        self.complete = bool(ids[-1] == special["eos"])
        self.n_prompt = int(record["n_prompt"])
        self.first_loss = int(record.get("loss_begin", self.n_prompt))
        self.breaks = np.asarray([b for b in record["breaks"] if 0 < b < n], dtype=np.int64)
        views = record["views"]
        if not views or views[0][0] != 0 or not 0 < self.first_loss <= n:
            raise ValueError(f"{where}: views must begin at token 0 and loss_begin lie in 1..{n}")
        starts = np.asarray([v[0] for v in views] + [n], dtype=np.int64)
        if (np.diff(starts) < 0).any():
            raise ValueError(f"{where}: views are not in order")
        self.state = np.repeat(np.arange(len(views), dtype=np.int32), np.diff(starts))
        triples = [(s, b, n if e < 0 else e) for s, (_, spans) in enumerate(views) for b, e in spans]
        self.intervals = np.asarray(triples, dtype=np.int32).reshape(-1, 3)
        if len(triples) and (self.intervals[:, 1:].min() < 0 or self.intervals[:, 1:].max() > n):
            raise ValueError(f"{where}: an interval lies outside 0..{n}")
        self.n_states = len(views)
        self.target = self.classify(special)

    def classify(self, special):
        """Kind of each token as a target. From <out> to </attend>, and the end, is structure."""
        ids = self.ids
        inside = np.zeros(len(ids) + 1, dtype=np.int32)
        ends = np.flatnonzero(ids == special["attend_end"])
        for b in self.breaks[self.breaks >= self.first_loss - 64] if len(ends) else ():
            e = ends[np.searchsorted(ends, b)] + 1 if np.searchsorted(ends, b) < len(ends) else len(ids)
            inside[b] += 1
            inside[e] -= 1
        structure = np.cumsum(inside[:-1]) > 0
        structure |= ids == special["eos"]
        target = np.where(structure, STRUCTURE, BODY).astype(np.uint8)
        target[: self.first_loss] = IGNORE
        target[: self.n_prompt] = PROMPT
        return target

    def __len__(self):
        return len(self.ids)


class Row:
    """A row of T tokens being filled. dense: one state a document instead of the declared ones."""

    def __init__(self, T, max_states, dense, pad):
        self.T, self.max_states, self.dense = T, max_states, dense
        self.ids = np.full(T, pad, dtype=np.int32)
        self.positions = np.zeros(T, dtype=np.int32)
        self.state = np.zeros(T, dtype=np.int32)  # state 0 reads nothing but itself
        self.target = np.zeros(T, dtype=np.uint8)  # kind of the token that follows
        self.group = np.zeros(T, dtype=np.uint8)
        self.intervals = []
        self.used, self.n_states = 0, 1
        self.documents = []  # (group, first, end, complete within the row)

    def room(self):
        return self.T - self.used

    def states_fit(self, doc):
        return self.n_states + (1 if self.dense else doc.n_states) <= self.max_states

    def add(self, doc, group, positions=None):
        """Appends doc, cut at the row's end if it must be."""
        n = min(len(doc), self.room())
        a, b = self.used, self.used + n
        self.ids[a:b] = doc.ids[:n]
        self.positions[a:b] = np.arange(n) if positions is None else positions[:n]
        self.target[a:b - 1] = doc.target[1:n]
        self.group[a:b] = group
        if self.dense:
            self.state[a:b] = self.n_states
            self.intervals.append(np.asarray([[self.n_states, a, b]], dtype=np.int32))
            self.n_states += 1
        else:
            last = int(doc.state[n - 1]) + 1
            self.state[a:b] = doc.state[:n] + self.n_states
            spans = doc.intervals[doc.intervals[:, 0] < last].copy()
            spans[:, 1:] = np.minimum(spans[:, 1:], n) + a
            spans[:, 0] += self.n_states
            self.intervals.append(spans)
            self.n_states += last
        self.documents.append((group, a, b, n == len(doc)))
        self.used = b


def spread_positions(doc, max_positions, rng):
    """Positions with random gaps where segments begin, so that short rows teach far references."""
    n = len(doc)
    positions = np.arange(n, dtype=np.int64)
    spare = max_positions - n
    if spare <= 0 or not len(doc.breaks):
        return positions
    total = int(spare * rng.random() ** 2)
    share = rng.gamma(0.5, size=len(doc.breaks)) + 1e-9
    gaps = np.floor(total * share / share.sum()).astype(np.int64)
    extra = np.zeros(n, dtype=np.int64)
    np.add.at(extra, doc.breaks, gaps)
    return positions + np.cumsum(extra)


def stack(rows):
    """Rows to one batch of arrays; intervals get the row in front. Sent to the device as it is."""
    spans = [np.concatenate([np.full((len(s), 1), r, dtype=np.int32), s], axis=1)
             for r, row in enumerate(rows) for s in row.intervals]
    return {
        "ids": np.stack([r.ids for r in rows]), "positions": np.stack([r.positions for r in rows]),
        "state": np.stack([r.state for r in rows]), "target": np.stack([r.target for r in rows]),
        "group": np.stack([r.group for r in rows]),
        "intervals": np.concatenate(spans) if spans else np.zeros((0, 4), dtype=np.int32),
        "n_states": max(r.n_states for r in rows), "room_states": rows[0].max_states,
    }


def rows_of(batch, first, end):
    """Some rows of a batch, as a batch."""
    spans = batch["intervals"]
    spans = spans[(spans[:, 0] >= first) & (spans[:, 0] < end)]
    shifted = spans.clone() if hasattr(spans, "clone") else spans.copy()
    shifted[:, 0] -= first
    part = {k: batch[k][first:end] for k in ("ids", "positions", "state", "target", "group")}
    return {**part, "intervals": shifted, **{k: batch[k] for k in SIZES}}


class Packer:
    """Fills rows from classes of documents in the token shares that a phase asks for."""

    def __init__(self, special, max_positions, rng):
        self.special, self.max_positions, self.rng = special, max_positions, rng
        self.waiting = []  # (class, document) that did not fit into an earlier row

    def batch(self, phase, draw):
        """phase: one entry of the recipe; draw(class index) -> Document."""
        T = phase["row"]
        rows = []
        for _ in range(phase["rows"]):
            dense = self.rng.random() < phase.get("dense", 0.5)
            rows.append(self.fill(Row(T, T // 4, dense, self.special["pad"]), phase, draw))
        return stack(rows)

    def fill(self, row, phase, draw):
        weights = np.asarray([c["weight"] for c in phase["classes"]], dtype=np.float64)
        served = phase.setdefault("_served", self.rng.random(len(weights)) * 1000)
        kept, tries = [], 0
        while row.room() >= 48 and tries < 8:
            if self.waiting:
                index, doc = self.waiting.pop(0)
            else:
                index = int(np.argmin(np.where(weights > 0, served / np.maximum(weights, 1e-9), np.inf)))
                doc = draw(index)
                served[index] += len(doc)
            fits = len(doc) <= row.room()
            if not row.states_fit(doc) and row.used:
                kept.append((index, doc))
                break
            if not fits and row.used:
                tries += 1
                cuttable = phase["classes"][index].get("cut", False)
                if not (cuttable or tries == 8) or doc.first_loss + 32 > row.room():
                    kept.append((index, doc))
                    continue
            positions = None
            if self.rng.random() < phase.get("gaps", 0.4):
                positions = spread_positions(doc, self.max_positions, self.rng)
            served[index] -= max(0, len(doc) - row.room())  # what is cut off was charged when drawn
            row.add(doc, 2 * index + (0 if row.dense else 1), positions)
        self.waiting = kept + self.waiting
        if len(self.waiting) > 64:
            self.waiting = self.waiting[:64]
        return row
