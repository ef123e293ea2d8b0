"""spanscope.json of a model: the tasks that it knows, and the ids that its vocabulary gives the protocol's pieces."""
import json
import os
import re
from dataclasses import dataclass

from .automaton import PIECES, Pieces

VARIABLE = "SPANSCOPE_CARD"
MOST_BYTES = 1 << 20
NEWLINES = ("\n", "Ċ", "<0x0A>")  # the piece of a newline alone: sentencepiece, byte-level, byte pieces


class CardError(ValueError):
    pass


def path():
    """The file that SPANSCOPE_CARD names, or its folder; None where it is not set."""
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    return os.path.join(given, "spanscope.json") if os.path.isdir(given) else given


@dataclass(frozen=True)
class Card:
    heads: dict      # task: whether a declaration reads the heads of earlier segments
    segmented: frozenset  # tasks whose prompts the model was trained to read part by part
    pieces: dict     # piece of the protocol: name in the vocabulary


def read(file):
    """Errors name file, field, what was found and what was expected."""
    def wrong(field, found, expected):
        raise CardError(f"{file}: {field} is {str(found)[:80]!r}, expected {expected}")

    if os.path.getsize(file) > MOST_BYTES:
        wrong("size", f"{os.path.getsize(file)} bytes", f"at most {MOST_BYTES}")
    with open(file, encoding="utf-8") as f:
        card = json.load(f)
    if not isinstance(card, dict) or card.get("protocol_version") != 1:
        wrong("protocol_version", card.get("protocol_version") if isinstance(card, dict) else card, "1")
    tasks, pieces = card.get("tasks"), card.get("pieces", {})
    if not isinstance(tasks, list) or not tasks:
        wrong("tasks", tasks, "a list with an entry for each task")
    heads, segmented = {}, set()
    for i, task in enumerate(tasks):
        name = task.get("name") if isinstance(task, dict) else task
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
            wrong(f"tasks[{i}].name", name, "lower-case letters, digits, - and _")
        if not isinstance(task.get("heads", False), bool):
            wrong(f"tasks[{i}].heads", task["heads"], "true or false")
        heads[name] = task.get("heads", False)
        if task.get("prefill") == "segmented":
            segmented.add(name)
    if not isinstance(pieces, dict) or not all(k in PIECES and isinstance(v, str) for k, v in pieces.items()):
        wrong("pieces", pieces, f"names for {', '.join(PIECES)}")
    return Card(heads, frozenset(segmented), {piece: pieces.get(piece, piece) for piece in PIECES})


def vocabulary(card, tokenizer, eos):
    """(Pieces, ids that must not be sampled: they hold a line end among other bytes). tokenizer: of transformers."""
    ids = tokenizer.get_vocab()

    def id_of(name):
        if name not in ids:
            raise CardError(f"the tokenizer has no piece {name!r}, which the span protocol needs")
        return ids[name]

    newline = tokenizer.encode("\n", add_special_tokens=False)
    newline = newline[-1] if newline and tokenizer.convert_ids_to_tokens(newline[-1]) in NEWLINES else id_of("<0x0A>")
    hidden = [i for name, i in ids.items() if len(name) > 1 and ("Ċ" in name or "\n" in name)]
    special = [id_of(card.pieces[piece]) for piece in PIECES]
    return Pieces.of(special, newline, eos, [id_of(d) for d in "0123456789"]), sorted(set(hidden) - {newline})
