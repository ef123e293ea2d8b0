"""Teacher-forced validation: a document is exact if every target token is the arg max, which for greedy decoding is the
same as a correct run."""
import numpy as np
import torch

from packing import BODY, STRUCTURE, Row, stack


def pack_documents(documents, T, dense, pad):
    """Rows of whole documents, longest first; and the documents that are longer than a row."""
    rows, too_long = [], 0
    states = max([T // 4, *(2 + d.n_states for d in documents)])
    for index in sorted(range(len(documents)), key=lambda i: -len(documents[i])):
        doc = documents[index]
        if len(doc) > T:
            too_long += 1
            continue
        row = next((r for r in rows[-4:] if r.room() >= len(doc) and r.states_fit(doc)), None)
        if row is None:
            row = Row(T, states, dense, pad)
            rows.append(row)
        row.add(doc, 0)
    return rows, too_long


@torch.no_grad()
def exact_rates(guess_of, documents, T, rows_a_batch, dense, pad):
    """guess_of(batch) -> arg max ids and losses (B, T) on the host as numpy."""
    rows, too_long = pack_documents(documents, T, dense, pad)
    total_loss = 0.0
    exact = exact_structure = total = wrong = targets = wrong_structure = targets_structure = 0
    for first in range(0, len(rows), rows_a_batch):
        part = rows[first:first + rows_a_batch]
        filler = [Row(T, part[0].max_states, dense, pad) for _ in range(rows_a_batch - len(part))]
        batch = stack(part + filler)
        guess, loss = guess_of(batch)
        for r, row in enumerate(part):
            bad = np.zeros(T, dtype=bool)
            judged = (row.target == BODY) | (row.target == STRUCTURE)
            bad[:-1] = (guess[r, :-1] != row.ids[1:]) & judged[:-1]
            targets += int(judged.sum())
            total_loss += float(loss[r][judged].sum())
            targets_structure += int((row.target == STRUCTURE).sum())
            wrong += int(bad.sum())
            wrong_structure += int((bad & (row.target == STRUCTURE)).sum())
            for _, a, b, _ in row.documents:
                total += 1
                exact += not bad[a:b].any()
                exact_structure += not (bad[a:b] & (row.target[a:b] == STRUCTURE)).any()
    body = (wrong - wrong_structure) / max(targets - targets_structure, 1)
    return {"exact": exact / max(total, 1), "exact_structure": exact_structure / max(total, 1), "documents": total, "too_long": too_long, "targets": targets,
            "loss": total_loss / max(targets, 1),
            "token_error": wrong / max(targets, 1), "body_error": body,
            "structure_error": wrong_structure / max(targets_structure, 1), "structure_share_of_errors": wrong_structure / max(wrong, 1)}


def table(results):
    lines = [f"{'problems':<18} {'mode':<9} {'exact':>7} {'declared exactly':>17} {'of':>5} {'loss':>8} {'token error':>12} {'structure':>10} {'body':>9}"]
    for (name, mode), r in results.items():
        lines.append(f"{name:<18} {mode:<9} {100 * r['exact']:6.1f}% {100 * r['exact_structure']:16.1f}% {r['documents']:5d} "
                     f"{r['loss']:8.4f} {r['token_error']:12.2e} {r['structure_error']:10.2e} {r['body_error']:9.2e}" + (f"  ({r['too_long']} too long)" if r["too_long"] else ""))
    return "\n".join(lines)
