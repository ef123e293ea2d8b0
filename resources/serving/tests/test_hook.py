#!/usr/bin/env python3
"""What the attention is given, against masked attention by its definition: tables and lengths from the hook, keys and values in blocks at
random places, float64. Needs torch and vLLM (./run serving has them)."""
import copy
import os
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "spanscope_vllm"), HERE]

import torch
from vllm.config import VllmConfig
from vllm.v1.attention.backend import AttentionCGSupport, CommonAttentionMetadata

from spanscope_vllm import hook
from spanscope_vllm.automaton import Pieces, SpanAutomaton
from spanscope_vllm.follow import Batch, Request
from streams import HEAD, Streams

PIECES = Pieces.of(HEAD["special"], HEAD["newline"], HEAD["eos"], HEAD["digits"])
BLOCK, MOST_BLOCKS, N_BLOCKS, HEAD_SIZE = 4, 96, 800, 8


class Plain:
    """The builder below the hook: hands back what it was given."""

    @classmethod
    def get_cudagraph_support(cls, vllm_config, kv_cache_spec):
        return AttentionCGSupport.ALWAYS

    def build(self, common_prefix_len, common, fast_build=False):
        return common


class Builder(hook.SpanBuilder, Plain):
    def __init__(self):  # without a server around it
        self.vllm_config = types.SimpleNamespace(scheduler_config=types.SimpleNamespace(max_num_seqs=16))
        self.span_block, self.span_global, self.span_table, self.span_lens = BLOCK, True, None, None


def metadata(tables, queries, lens, pad):
    """As the runner makes it; rows of padding behind the last request."""
    n = len(lens) + pad
    starts = torch.zeros(n + 1, dtype=torch.int32)
    starts[1:] = torch.cumsum(torch.tensor(queries + [0] * pad), 0)
    seq = torch.tensor(lens + [0] * pad, dtype=torch.int32)
    return CommonAttentionMetadata(query_start_loc=starts.clone(), query_start_loc_cpu=starts, seq_lens=seq, num_reqs=n, num_actual_tokens=sum(queries),
                                   max_query_len=max(queries), max_seq_len=max(lens), block_table_tensor=tables, slot_mapping=torch.arange(sum(queries)),
                                   seq_lens_cpu_upper_bound=seq.clone(), is_prefilling=torch.zeros(n, dtype=torch.bool))


def attention(q, k, v):
    return torch.softmax(k @ q, 0) @ v


def paged(common, q, keys, values):
    """What a kernel with a block table computes: row by row, causal from the end."""
    out, starts = torch.zeros_like(q), common.query_start_loc.tolist()
    for row in range(common.num_reqs):
        n, length = starts[row + 1] - starts[row], int(common.seq_lens[row])
        table = common.block_table_tensor[row].long()
        k, v = (x[table].reshape(-1, HEAD_SIZE)[:length] for x in (keys, values))
        for i in range(n):
            upto = length - n + i + 1
            out[starts[row] + i] = attention(q[starts[row] + i], k[:upto], v[:upto])
    return out


class Hook(unittest.TestCase):
    def setUp(self):
        self.batch, hook.BATCH = hook.BATCH, Batch()
        self.addCleanup(setattr, hook, "BATCH", self.batch)
        torch.manual_seed(2)

    def test_against_masked_attention(self):
        streams, builder, n_restricted, n_spread, worst = Streams(11), Builder(), 0, 0, 0.0
        for case in range(100):
            rows = [r for r in (streams.row() for _ in range(5)) if len(r["response"]) > 2]
            hook.BATCH = Batch()
            hook.BATCH.step()
            hook.BATCH.update([], [(i, Request(SpanAutomaton(PIECES, r["heads"]), r["prompt"], r["response"])) for i, r in enumerate(rows) if i != 3], [])
            keys, values = torch.randn(2, N_BLOCKS, BLOCK, HEAD_SIZE, dtype=torch.float64)
            pad = case % 3
            tables = torch.randperm(N_BLOCKS)[: (len(rows) + pad) * MOST_BLOCKS].reshape(-1, MOST_BLOCKS).int()
            lens, queries = [], []
            for i, r in enumerate(rows):
                n_prompt, n = len(r["prompt"]), len(r["prompt"]) + len(r["response"])
                kind = int(torch.randint(4, ())) if case % 2 else 0
                at = int(torch.randint(n_prompt + 1, n + 1, ())) if kind != 1 else max(1, n_prompt - 1)
                lens.append(min(at, MOST_BLOCKS * BLOCK))
                queries.append({0: 1, 1: lens[-1], 2: lens[-1], 3: min(lens[-1], 5)}[kind])
            common = metadata(tables, queries, lens, pad)
            before = copy.deepcopy(common)
            q = torch.randn(sum(queries), HEAD_SIZE, dtype=torch.float64)
            given = builder.build(0, common)
            self.assertEqual(int(given.max_seq_len), int(given.seq_lens.max()))
            self.assertEqual(given.seq_lens.tolist(), given.seq_lens_cpu_upper_bound.tolist())
            self.assertTrue(torch.equal(given.slot_mapping, before.slot_mapping))
            for name in ("block_table_tensor", "seq_lens", "query_start_loc", "seq_lens_cpu_upper_bound"):
                self.assertTrue(torch.equal(getattr(common, name), getattr(before, name)), f"{name} of the runner was written to")
            out, at = paged(given, q, keys, values), 0
            n_spread += given.num_reqs != common.num_reqs
            for i, r in enumerate(rows):
                automaton = SpanAutomaton(PIECES, r["heads"])
                automaton.read_prompt(r["prompt"])
                lists = [automaton.read(t) for t in r["response"]]
                k, v = (x[tables[i].long()].reshape(-1, HEAD_SIZE) for x in (keys, values))
                for position in range(lens[i] - queries[i], lens[i]):
                    list_ = lists[position - len(r["prompt"])] if i != 3 and position >= len(r["prompt"]) else ((0, 10**9),)
                    named = {t // BLOCK for b, e in list_ for t in range(b, min(e, position + 1))} | {position // BLOCK}
                    seen = [t for t in range(position + 1) if t // BLOCK in named]
                    n_restricted += len(seen) <= position
                    worst = max(worst, float((attention(q[at], k[seen], v[seen]) - out[at]).abs().max()))
                    at += 1
        self.assertLess(worst, 1e-12)
        self.assertGreater(n_restricted, 1000)
        self.assertGreater(n_spread, 20)
        print(f"\n{n_restricted} restricted queries, {n_spread} batches with more rows than requests: at most {worst:.1e} from masked attention")

    def test_graphs_see_one_address(self):
        builder, rows = Builder(), []
        streams, seen = Streams(6), set()
        while len(rows) < 3:
            row = streams.row()
            rows += [row] if len(row["response"]) > 40 else []
        for step in range(40):
            if step == 5:
                hook.BATCH.update([], [(i, Request(SpanAutomaton(PIECES, r["heads"]), r["prompt"], r["response"])) for i, r in enumerate(rows)], [])
            hook.BATCH.step()
            tables = torch.arange(3 * MOST_BLOCKS, dtype=torch.int32).reshape(3, -1)
            given = builder.build(0, metadata(tables, [1] * 3, [len(r["prompt"]) + step + 1 for r in rows], 0))
            seen.add((given.block_table_tensor.data_ptr(), given.seq_lens.data_ptr()))
            self.assertNotIn(tables.data_ptr(), {address for pair in seen for address in pair})
        self.assertEqual(len(seen), 1)

    def test_flash_attention_is_given_the_same(self):
        """vLLM's own FlashAttention builder behind the hook, on the CPU: its metadata, without its kernel."""
        from vllm.v1.attention.backends.flash_attn import FlashAttentionMetadata, FlashAttentionMetadataBuilder
        from spanscope_vllm.flash import Backend
        cls = Backend.get_builder_cls()
        self.assertLess(cls.__mro__.index(hook.SpanBuilder), cls.__mro__.index(FlashAttentionMetadataBuilder))
        self.assertEqual((cls.supports_update_block_table, cls.get_cudagraph_support(None, None)), (False, AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE))
        flash = cls.__new__(cls)
        flash.__dict__.update(Builder().__dict__, aot_schedule=False, use_full_cuda_graph=False, max_cudagraph_size=None, aot_sliding_window=(-1, -1),
                              dcp_world_size=1, rswa_window=None, mm_prefix_query_ranges_np=None)
        row = next(r for r in (Streams(9).row() for _ in range(99)) if len(r["response"]) > 60)
        n = len(row["prompt"]) + len(row["response"])
        hook.BATCH.step()
        hook.BATCH.update([], [(0, Request(SpanAutomaton(PIECES, row["heads"]), row["prompt"], row["response"]))], [])
        shorter = 0
        for length in range(len(row["prompt"]) + 1, n + 1):
            common = metadata(torch.arange(MOST_BLOCKS, dtype=torch.int32).reshape(1, -1), [1], [length], 0)
            given, expected = flash.build(0, common), Builder().build(0, common)
            self.assertIsInstance(given, FlashAttentionMetadata)
            self.assertTrue(torch.equal(given.block_table, expected.block_table_tensor) and torch.equal(given.seq_lens, expected.seq_lens))
            self.assertEqual((given.max_seq_len, given.max_query_len), (int(expected.seq_lens[0]), 1))
            shorter += given.max_seq_len < length
        self.assertGreater(shorter, 10)

    def test_groups_that_are_left_alone(self):
        builder = Builder()
        builder.span_global = False
        common = metadata(torch.zeros((1, MOST_BLOCKS), dtype=torch.int32), [1], [9], 0)
        self.assertIs(builder.build(0, common), common)
        self.assertEqual(Builder.get_cudagraph_support(None, None), AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE)
        self.assertFalse(Builder.supports_update_block_table)

    def test_what_cannot_be_followed_is_refused(self):
        part = types.SimpleNamespace

        def config(**changed):
            values = dict(async_scheduling=False, speculative_config=None, use_v2_model_runner=False, data_parallel_size=1, decode_context_parallel_size=1,
                          prefill_context_parallel_size=1, enable_dbo=False, kv_sharing_fast_prefill=False, enable_prompt_embeds=False, rswa_window=None)
            whole = part(**{**values, **changed})
            whole.scheduler_config = whole.parallel_config = whole.cache_config = whole.model_config = whole
            return whole

        hook.check_config(config())
        for name, value, said in (("async_scheduling", True, "--no-async-scheduling"), ("speculative_config", 1, "speculative"),
                                  ("use_v2_model_runner", True, "VLLM_USE_V2_MODEL_RUNNER=0"), ("data_parallel_size", 2, "each replica"),
                                  ("decode_context_parallel_size", 2, "context parallel"), ("enable_dbo", True, "enable-dbo"),
                                  ("kv_sharing_fast_prefill", True, "fast-prefill"), ("enable_prompt_embeds", True, "prompt-embeds"), ("rswa_window", 8, "windows")):
            with self.assertRaisesRegex(hook.SpanHookError, said):
                hook.check_config(config(**{name: value}))
        real = VllmConfig.__dataclass_fields__  # the names that the check reads are vLLM's
        self.assertLessEqual({"parallel_config", "scheduler_config", "cache_config", "model_config", "speculative_config"}, set(real))
        self.assertTrue(hasattr(VllmConfig, "use_v2_model_runner"))

    def test_layers_with_windows(self):
        from vllm.v1.kv_cache_interface import FullAttentionSpec
        builder, was = Builder(), hook.windows_of
        self.addCleanup(setattr, hook, "windows_of", was)
        builder.layer_names, builder.kv_cache_spec = [], FullAttentionSpec(block_size=16, num_kv_heads=1, head_size=8, dtype=torch.float32)
        for windows, reads in (({0}, True), ({4}, False)):
            hook.windows_of = lambda config, names, windows=windows: windows
            self.assertEqual(builder.reads_everything_before(), reads)
        hook.windows_of = lambda config, names: {0, 4}
        with self.assertRaisesRegex(hook.SpanHookError, "hybrid-kv-cache"):
            builder.reads_everything_before()
        builder.kv_cache_spec = object()
        self.assertFalse(builder.reads_everything_before())


if __name__ == "__main__":
    unittest.main()
