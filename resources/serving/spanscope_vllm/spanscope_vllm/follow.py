"""The requests of a worker's batch, each followed by an automaton, and what the attention of a step is to be given.

Knows nothing of vLLM but the order of its batch: rows are added, moved, swapped and removed as vLLM's BatchUpdate says. One
Batch in a worker, one thread; the logits processor keeps it up to date and the attention hook asks it for a plan.
"""
from dataclasses import dataclass

from .automaton import EVERYTHING
from .blocks import kept_blocks, kept_tokens, ranges


class FollowError(RuntimeError):
    """What a request reads is not known: the step must not run."""


class Request:
    """automaton: a new SpanAutomaton. prompt: token ids; output: vLLM's own list, which grows. full: follow and report, but read everything."""

    def __init__(self, automaton, prompt, output, full=False, record=None):
        self.automaton, self.output, self.full, self.record = automaton, output, full, record
        self.n_prompt = len(prompt)
        self.automaton.read_prompt(prompt)
        self.lists = []  # (first position with it, list), ascending
        self.n_read = 0  # response tokens

    def visible(self, position):
        """What the query at `position` of the response may read."""
        need = position - self.n_prompt + 1
        if need > len(self.output):
            raise FollowError(f"token {need - 1} of the response is read before the worker knows it ({len(self.output)} known): is "
                              "scheduling asynchronous? Start the server with --no-async-scheduling")
        while self.n_read < need:
            token = self.output[self.n_read]
            if token < 0:
                raise FollowError(f"token {self.n_read} of the response is the placeholder {token}: what the model declares cannot be known. "
                                  "Start the server with --no-async-scheduling")
            now = self.automaton.read(token)
            if not self.lists or self.lists[-1][1] != now:
                self.lists.append((self.n_prompt + self.n_read, now))
            self.n_read += 1
        if self.full:
            return EVERYTHING
        at = len(self.lists) - 1
        while self.lists[at][0] > position:  # asked once more after a preemption
            at -= 1
        return self.lists[at][1]


@dataclass
class Row:
    """A row for the attention: `n_queries` tokens of batch row `source`, the last of them at n_tokens - 1. blocks: those of its block
    table that it reads, None for all."""
    source: int
    n_queries: int
    n_tokens: int
    blocks: list | None = None
    position: int = -1  # of the response token that it is for

    def length(self, block):
        return self.n_tokens if self.blocks is None else kept_tokens(self.blocks, self.n_tokens, block)


class Batch:
    def __init__(self):
        self.requests = {}   # batch row: Request
        self.n_steps = 0     # updates
        self.planned = None  # (step, block, rows)
        self.enforced_step = -1

    def update(self, removed, added, moved):
        """added: [(row, Request or None)]; moved: [(from, to, swap)]. In the order that vLLM prescribes."""
        for row in removed:
            self.forget(row)
        for row, request in added:
            self.forget(row)
            if request is not None:
                self.requests[row] = request
        for a, b, swap in moved:
            first, second = self.requests.pop(a, None), self.requests.pop(b, None)
            if first is not None:
                self.requests[b] = first
            if second is not None and swap:
                self.requests[a] = second
            elif second is not None and second.record:
                second.record.close()
        self.planned = None

    def forget(self, row):
        request = self.requests.pop(row, None)
        if request is not None and request.record:
            request.record.close()

    def step(self):
        self.n_steps += 1

    def plan(self, query_lens, seq_lens, block):
        """Rows for the attention, in the batch's order; query_lens and seq_lens: of each batch row, on the host. Rows of one query
        that are prompts, and all rows of requests that nobody follows, are as they were. A prompt's chunk that goes over into the response
        (after a preemption the response is prefilled too) becomes a row for the prompt and one for each response token."""
        key = (self.n_steps, block, tuple(query_lens), tuple(seq_lens))
        if self.planned and self.planned[0] == key:
            return self.planned[1]
        rows = []
        for source, (n_queries, n_tokens) in enumerate(zip(query_lens, seq_lens)):
            request = self.requests.get(source)
            if request is None or n_queries == 0 or n_tokens <= request.n_prompt:
                rows.append(Row(source, n_queries, n_tokens))
                continue
            first = max(n_tokens - n_queries, request.n_prompt)
            if n_tokens - n_queries < request.n_prompt:
                rows.append(Row(source, request.n_prompt - (n_tokens - n_queries), request.n_prompt))
            for position in range(first, n_tokens):
                visible = request.visible(position)
                kept = kept_blocks(visible, position + 1, block)
                if request.record:
                    request.record.step(position, visible, ranges(kept), block)
                whole = len(kept) == position // block + 1
                rows.append(Row(source, 1, position + 1, None if whole else kept, position))
        self.planned = (key, rows)
        self.enforced_step = self.n_steps
        return rows

    def check_enforced(self):
        """After a step: whoever is followed was planned for."""
        if self.requests and self.enforced_step != self.n_steps:
            raise FollowError("a step was run without the attention hook, so that nothing was enforced: the attention backend is not one "
                              "that this plug-in knows (CPU_ATTN, FLASH_ATTN), or VLLM_PLUGINS leaves spanscope out")
