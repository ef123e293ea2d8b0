"""Which request is which row: vLLM tells its logits processors, so this is one, and it also keeps pieces from being sampled that
would hide the end of a line (docs/protocol.md, "On vocabularies of others")."""
import os

import torch
from vllm.v1.sample.logits_processor import LogitsProcessor, MoveDirectionality

from . import card, records
from .automaton import SpanAutomaton
from .follow import Request
from .hook import check_config
from .state import BATCH

TASK, MODE, ID = "spanscope_task", "spanscope_mode", "spanscope_id"
MODES = ("declared", "full", "off")
DEFAULT = "SPANSCOPE_DEFAULT_TASK"

_cards = {}


def the_card():
    """None: the plug-in is off."""
    path = card.path()
    if path is not None and path not in _cards:
        _cards[path] = card.read(path)
        default = os.environ.get(DEFAULT)
        if default and default not in _cards[path].heads:
            raise card.CardError(f"{DEFAULT} is {default!r}, expected one of {', '.join(_cards[path].heads)}")
    return _cards.get(path)


def wanted(params):
    """(task, mode, id) of a request's vllm_xargs, or None: served as without the plug-in. ValueError: they make no sense."""
    given = {k: v for k, v in (params.extra_args or {}).items() if k.startswith("spanscope_")}
    if unknown := set(given) - {TASK, MODE, ID}:
        raise ValueError(f"vllm_xargs: {min(unknown)}: expected {TASK}, {MODE} or {ID}")
    known = the_card()
    if known is None:
        if given:
            raise ValueError(f"vllm_xargs: {min(given)}: this server enforces no spans (SPANSCOPE_CARD is not set)")
        return None
    task, mode, id = given.get(TASK, os.environ.get(DEFAULT)), given.get(MODE, "declared"), given.get(ID)
    if mode not in MODES:
        raise ValueError(f"vllm_xargs: {MODE}: expected one of {', '.join(MODES)}")
    if id is not None:
        if records.folder() is None:
            raise ValueError(f"vllm_xargs: {ID}: this server keeps no records (SPANSCOPE_RECORDS is not set)")
        records.path_of(id)
        if getattr(params, "n", 1) != 1:
            raise ValueError(f"vllm_xargs: {ID}: expected n to be 1, since a record is one answer's")
    if mode == "off" or task is None:
        if given and mode != "off":
            raise ValueError(f"vllm_xargs: {TASK}: missing, expected one of {', '.join(known.heads)}")
        return None
    if task not in known.heads:
        raise ValueError(f"vllm_xargs: {TASK}: expected one of {', '.join(known.heads)}")
    return task, mode, id


class SpanProcessor(LogitsProcessor):
    @classmethod
    def validate_params(cls, sampling_params):
        wanted(sampling_params)

    def __init__(self, vllm_config, device, is_pin_memory):
        self.card, self.forbidden, self.rows = the_card(), None, None
        if self.card is None:
            return
        check_config(vllm_config)
        from transformers import AutoTokenizer
        model = vllm_config.model_config
        tokenizer = AutoTokenizer.from_pretrained(model.tokenizer, revision=model.tokenizer_revision, trust_remote_code=model.trust_remote_code)
        eos = model.hf_text_config.eos_token_id
        eos = eos[0] if isinstance(eos, list) else eos
        self.pieces, hidden = card.vocabulary(self.card, tokenizer, tokenizer.eos_token_id if eos is None else eos)
        self.forbidden = torch.tensor(hidden, dtype=torch.int64, device=device)
        self.keeps_records = records.folder() is not None and is_first_rank()
        if self.keeps_records:
            os.makedirs(records.folder(), mode=0o700, exist_ok=True)

    def is_argmax_invariant(self):
        return False

    def request(self, params, prompt, output):
        asked = wanted(params)
        if asked is None:
            return None
        task, mode, id = asked
        record = records.Record(id, task, mode, len(prompt), bool(output)) if id is not None and self.keeps_records else None
        return Request(SpanAutomaton(self.pieces, self.card.heads[task]), prompt, output, mode == "full", record)

    def update_state(self, batch_update):
        if self.card is None:
            return
        BATCH.step()
        if batch_update is None:
            return
        BATCH.update(batch_update.removed,
                     [(row, self.request(params, prompt, output)) for row, params, prompt, output in batch_update.added],
                     [(a, b, how == MoveDirectionality.SWAP) for a, b, how in batch_update.moved])
        rows = [row for row, request in sorted(BATCH.requests.items()) if not request.full]
        self.rows = torch.tensor(rows, dtype=torch.int64, device=self.forbidden.device).unsqueeze(1) if rows else None

    def apply(self, logits):
        if self.card is None:
            return logits
        BATCH.check_enforced()
        if self.rows is not None and self.forbidden.numel():
            logits[self.rows, self.forbidden] = float("-inf")
        return logits


def is_first_rank():
    from vllm.distributed.parallel_state import get_world_group
    return get_world_group().rank_in_group == 0
