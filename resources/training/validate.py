"""Teacher-forced validation: a document is exact if every target token is the arg max, which for greedy decoding is the
same as a correct run."""
import numpy as np
import torch

from packing import STRUCTURE, Row, stack


def pack_documents(documents, T, dense, pad):
    """Rows of whole documents, longest first; and the documents that are longer than a row."""
    rows, too_long = [], 0
    for index in sorted(range(len(documents)), key=lambda i: -len(documents[i])):
        doc = documents[index]
        if len(doc) > T:
            too_long += 1
            continue
        row = next((r for r in rows[-4:] if r.room() >= len(doc) and r.states_fit(doc)), None)
        if row is None:
            row = Row(T, T // 4, dense, pad)
            rows.append(row)
        row.add(doc, 0)
    return rows, too_long


@torch.no_grad()
def exact_rates(run_logits, documents, T, rows_a_batch, dense, pad):
    """run_logits(batch) -> arg max ids (B, T) on the host as numpy."""
    rows, too_long = pack_documents(documents, T, dense, pad)
    exact = total = wrong = targets = wrong_structure = 0
    for first in range(0, len(rows), rows_a_batch):
        part = rows[first:first + rows_a_batch]
        filler = [Row(T, T // 4, dense, pad) for _ in range(rows_a_batch - len(part))]
        batch = stack(part + filler)
        guess = run_logits(batch)
        for r, row in enumerate(part):
            bad = np.zeros(T, dtype=bool)
            bad[:-1] = (guess[r, :-1] != row.ids[1:]) & (row.target[:-1] != 0)
            targets += int((row.target != 0).sum())
            wrong += int(bad.sum())
            wrong_structure += int((bad & (row.target == STRUCTURE)).sum())
            for _, a, b, _ in row.documents:
                total += 1
                exact += not bad[a:b].any()
    return {"exact": exact / max(total, 1), "documents": total, "too_long": too_long, "targets": targets,
            "token_error": wrong / max(targets, 1), "structure_share_of_errors": wrong_structure / max(wrong, 1)}


def table(results):
    lines = [f"{'problems':<18} {'mode':<9} {'exact':>7} {'of':>5} {'token error':>12} {'in structure':>13}"]
    for (name, mode), r in results.items():
        lines.append(f"{name:<18} {mode:<9} {100 * r['exact']:6.1f}% {r['documents']:5d} {r['token_error']:12.2e} "
                     f"{100 * r['structure_share_of_errors']:12.0f}%" + (f"  ({r['too_long']} too long)" if r["too_long"] else ""))
    return "\n".join(lines)
