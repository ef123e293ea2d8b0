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


def boolean_mask(state, intervals, n_states):
    """state (B, T) int64; intervals (N, 4) int64 of row, state, begin, end; returns (B, T, T) bool."""
    B, T = state.shape
    device = state.device
    edges = torch.zeros(B * n_states * (T + 1), dtype=torch.int32, device=device)
    base = (intervals[:, 0] * n_states + intervals[:, 1]) * (T + 1)
    one = torch.ones(len(intervals), dtype=torch.int32, device=device)
    edges.scatter_add_(0, base + intervals[:, 2], one)
    edges.scatter_add_(0, base + intervals[:, 3], -one)
    bitmap = edges.view(B, n_states, T + 1).cumsum(-1, dtype=torch.int32)[:, :, :T] > 0
    row = torch.arange(B, device=device).unsqueeze(1)
    mask = bitmap[row, state]
    position = torch.arange(T, device=device)
    mask &= position.unsqueeze(0) <= position.unsqueeze(1)
    mask |= position.unsqueeze(0) == position.unsqueeze(1)
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
