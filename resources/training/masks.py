"""From a row's states and intervals to an attention mask, on the device.

A row travels as state-of-token [T] and a list of (state, begin, end): what a token in that state may read, as half-open
token intervals. Overlapping intervals are fine. Causality and the token itself hold on top. Dense rows are the special
case of one state a document. The host never makes anything of size T x T.
"""
import torch

try:
    from torch.nn.attention.flex_attention import BlockMask
except ImportError:
    BlockMask = None

BLOCK = 128


def state_bitmaps(state, intervals, n_states):
    """(B, n_states, T) bool: which keys each state may read. Without causality and the token itself."""
    B, T = state.shape
    device = state.device
    edges = torch.zeros(B * n_states * (T + 1), dtype=torch.int32, device=device)
    base = (intervals[:, 0] * n_states + intervals[:, 1]) * (T + 1)
    one = torch.ones(len(intervals), dtype=torch.int32, device=device)
    edges.scatter_add_(0, base + intervals[:, 2], one)
    edges.scatter_add_(0, base + intervals[:, 3], -one)
    return edges.view(B, n_states, T + 1).cumsum(-1, dtype=torch.int32)[:, :, :T] > 0


def boolean_mask(state, intervals, n_states, window=0):
    """state (B, T) int64; intervals (N, 4) int64 of row, state, begin, end; returns (B, T, T) bool. window > 0: a query
    reads no further back than that many tokens, itself counted (sliding-window models)."""
    B, T = state.shape
    row = torch.arange(B, device=state.device).unsqueeze(1)
    mask = state_bitmaps(state, intervals, n_states)[row, state]
    position = torch.arange(T, device=state.device)
    back = position.unsqueeze(1) - position.unsqueeze(0)
    mask &= back >= 0
    if window > 0:
        mask &= back < window
    mask |= back == 0
    return mask


def block_tables(mask):
    """(partial count, partial indices, full count, full indices) of a (B, T, T) mask in BLOCK-sized blocks."""
    B, T, _ = mask.shape
    n = T // BLOCK
    blocks = mask.view(B, 1, n, BLOCK, n, BLOCK)
    full = blocks.all(dim=5).all(dim=3)
    partial = blocks.any(dim=5).any(dim=3) & ~full
    out = []
    for b in (partial, full):
        out.append(b.sum(-1, dtype=torch.int32))
        out.append(torch.argsort(b.to(torch.int8), dim=-1, descending=True, stable=True).to(torch.int32))
    return out


def bitmap_block_tables(bitmap, state, window=0):
    """The same tables from state_bitmaps() and states: n_states x T instead of T x T. With a window, blocks at its edge
    count as partial."""
    B, S, T = bitmap.shape
    n = T // BLOCK
    blocks = bitmap.view(B, S, n, BLOCK)
    present = torch.zeros(B, n, S, device=bitmap.device).scatter_(2, state.view(B, n, BLOCK), 1.0)
    some = torch.bmm(present, blocks.any(-1).float()) > 0
    every = torch.bmm(present, (~blocks.all(-1)).float()) == 0
    index = torch.arange(n, device=bitmap.device)
    back = index.unsqueeze(1) - index.unsqueeze(0)
    full = every & (back > 0)
    if window > 0:
        full &= (back + 1) * BLOCK - 1 < window
        some &= (back - 1) * BLOCK + 1 < window
    partial = (some & (back > 0) & ~full) | (back == 0)
    out = []
    for b in (partial, full):
        out.append(b.sum(-1, dtype=torch.int32).unsqueeze(1))
        out.append(torch.argsort(b.to(torch.int8), dim=-1, descending=True, stable=True).to(torch.int32).unsqueeze(1))
    return out


class FlexMask:
    """A BlockMask in fixed buffers, refilled for each batch: compiled code sees the same tensors every step."""

    FIELDS = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices",
              "q_num_blocks", "q_indices", "full_q_num_blocks", "full_q_indices")

    def __init__(self, mask):
        self.buffer = mask.clone()
        buffer = self.buffer

        def may_read(b, h, q, k):
            return buffer[b, q, k]

        self.may_read = may_read
        self.block = self.make(mask)

    def make(self, mask):
        T = mask.shape[1]
        return BlockMask.from_kv_blocks(*block_tables(mask), BLOCK_SIZE=BLOCK, mask_mod=self.may_read,
                                        seq_lengths=(T, T))

    def fill(self, mask):
        self.buffer.copy_(mask)
        fresh = self.make(mask)
        for field in self.FIELDS:
            getattr(self.block, field).copy_(getattr(fresh, field))
        return self.block


class FlexStateMask:
    """A BlockMask over states and their bitmaps, in fixed buffers: nothing T x T anywhere. Every batch has this shape."""

    def __init__(self, rows, T, n_states, device, window=0):
        self.window = window
        self.bitmap = torch.zeros(rows, n_states, T, dtype=torch.bool, device=device)
        self.state = torch.zeros(rows, T, dtype=torch.int64, device=device)
        bitmap, states = self.bitmap, self.state

        def may_read(b, h, q, k):
            near = (q - k < window) if window > 0 else (k == k)
            return (bitmap[b, states[b, q], k] & (k <= q) & near) | (k == q)

        self.may_read = may_read
        self.block = self.make()

    def make(self):
        T = self.state.shape[1]
        return BlockMask.from_kv_blocks(*bitmap_block_tables(self.bitmap, self.state, self.window), BLOCK_SIZE=BLOCK,
                                        mask_mod=self.may_read, seq_lengths=(T, T))

    def fill(self, state, intervals):
        self.state.copy_(state)
        self.bitmap.copy_(state_bitmaps(state, intervals, self.bitmap.shape[1]))
        fresh = self.make()
        for field in FlexMask.FIELDS:
            getattr(self.block, field).copy_(getattr(fresh, field))
        return self.block


class MaskMaker:
    """kind 'flex' or 'boolean'; one instance a run."""

    def __init__(self, kind):
        self.kind = kind
        self.flex = {}

    def __call__(self, state, intervals, n_states):
        mask = boolean_mask(state, intervals, n_states)
        if self.kind == "boolean":
            return mask.unsqueeze(1)
        shape = tuple(mask.shape)
        if shape not in self.flex:
            self.flex[shape] = FlexMask(mask)
            return self.flex[shape].block
        return self.flex[shape].fill(mask)
