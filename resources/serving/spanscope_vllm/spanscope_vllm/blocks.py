"""From what a query may read to the blocks of the KV cache that its attention is given. Plain functions.

A block is the smallest thing that a block table can leave out: intervals are rounded outward to whole blocks, so a kept block
also shows tokens that the model did not name. The last block is always kept, since the query's own token is written there.
"""


def kept_blocks(intervals, n_tokens, block):
    """Ascending indices of the blocks of `block` tokens that hold a token of `intervals` below n_tokens (1 or more), and the last."""
    last = (n_tokens - 1) // block
    kept, following = [], 0
    for begin, end in intervals:
        if begin >= n_tokens:
            break
        first = max(following, begin // block)
        following = max(following, min((end - 1) // block, last) + 1)
        kept.extend(range(first, following))
    if not kept or kept[-1] != last:
        kept.append(last)
    return kept


def kept_tokens(blocks, n_tokens, block):
    """How many tokens those blocks hold: all are full but the last."""
    return (len(blocks) - 1) * block + (n_tokens - 1) % block + 1


def attended_tokens(intervals, n_tokens):
    """How many tokens below n_tokens the intervals themselves hold."""
    return sum(max(0, min(end, n_tokens) - begin) for begin, end in intervals)


def ranges(blocks):
    """[0, 1, 2, 5] as [[0, 3], [5, 6]]."""
    out = []
    for b in blocks:
        if out and out[-1][1] == b:
            out[-1][1] = b + 1
        else:
            out.append([b, b + 1])
    return out
