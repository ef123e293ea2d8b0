"""The masks that the trainer makes, written down for `training_probe masks`, which asks the tracker that decoding uses."""
import json
import os
import subprocess

import numpy as np
import torch

from masks import boolean_mask
from packing import SIZES, Document, Row, stack


def write_masks(records, special, tokenizer, folder, T, window=0):
    """Packs the records into rows as training does, every third row dense, and stores each document's part of the mask.
    Checks on the way that no document reads another. Returns the number of documents."""
    documents = [Document(json.dumps(r), special) for r in records]
    waiting, n = list(range(len(documents))), 0
    with open(os.path.join(folder, "rows.jsonl"), "w") as rows, open(os.path.join(folder, "masks.bits"), "wb") as bits:
        rows.write(json.dumps({"tokenizer": tokenizer}) + "\n")
        while waiting:
            row = Row(T, T // 2, n % 3 == 2, special["pad"])
            n += 1
            placed = []
            while waiting and len(documents[waiting[0]]) <= row.room() and row.states_fit(documents[waiting[0]]):
                placed.append(waiting.pop(0))
                row.add(documents[placed[-1]], 0)
            assert placed, "a document is longer than a row"
            batch = {k: torch.from_numpy(v).long() for k, v in stack([row]).items() if k not in SIZES}
            mask = boolean_mask(batch["state"], batch["intervals"], row.n_states, window)[0].numpy()
            for number, (_, a, b, _) in zip(placed, row.documents):
                assert mask[a:b].sum() == mask[a:b, a:b].sum(), "a document reads another"
                bits.write(np.packbits(mask[a:b, a:b], axis=1).tobytes())
                r = records[number]
                rows.write(json.dumps({"ids": r["ids"], "n_prompt": r["n_prompt"], "policy": r["policy"], "window": window,
                                       "mode": "dense" if row.dense else "declared"}) + "\n")
    return len(documents)


def ask_tracker(probe, folder):
    """(exit code, text) of the comparison."""
    done = subprocess.run([probe, "masks", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout.strip()
