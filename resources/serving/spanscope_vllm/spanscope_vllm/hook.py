"""The attention hook: a metadata builder that hands on a shorter block table and shorter lengths.

The runner's own tables, slots and positions stay as they are: keys and values are written where they always are, rotated by
their true positions, and what is not declared is merely not in the table that the attention reads. Written for vLLM 0.32, runner V1.
"""
import torch
from vllm.v1.attention.backend import AttentionCGSupport
from vllm.v1.kv_cache_interface import FullAttentionSpec

from .state import BATCH


class SpanHookError(RuntimeError):
    pass


def check_config(config):
    """What the hook cannot follow ends the start of the server, with the option that helps."""
    parallel = config.parallel_config
    refused = [
        (config.scheduler_config.async_scheduling,
         "asynchronous scheduling builds a step before the worker knows the token before it: --no-async-scheduling"),
        (config.speculative_config is not None, "speculative decoding loads no logits processors: leave --speculative-config out"),
        (config.use_v2_model_runner, "model runner V2 has other hooks: VLLM_USE_V2_MODEL_RUNNER=0"),
        (parallel.data_parallel_size > 1, "data parallel ranks run steps without requests: start one server for each replica"),
        (parallel.decode_context_parallel_size > 1 or parallel.prefill_context_parallel_size > 1,
         "context parallel ranks hold parts of each block table: leave it out"),
        (parallel.enable_dbo, "dual batch overlap splits a batch: leave --enable-dbo out"),
        (config.cache_config.kv_sharing_fast_prefill, "leave --kv-sharing-fast-prefill out"),
        (config.model_config.enable_prompt_embeds, "prompts without token ids say nothing: leave --enable-prompt-embeds out"),
        (config.model_config.rswa_window is not None, "reference sliding windows count positions: this model cannot be served with it"),
    ]
    for wrong, why in refused:
        if wrong:
            raise SpanHookError(f"spanscope: {why}; or unset SPANSCOPE_CARD to serve without declared spans")


def windows_of(config, layer_names):
    """The sliding windows of these layers, 0 for none."""
    from vllm.config import get_layers_from_vllm_config
    from vllm.model_executor.layers.attention import Attention
    found = set()
    for name, layer in get_layers_from_vllm_config(config, Attention, layer_names).items():
        if getattr(layer.impl, "alibi_slopes", None) is not None:
            raise SpanHookError(f"spanscope: {name} has ALiBi slopes, which count positions in the block table")
        window = getattr(layer.impl, "sliding_window", None)
        window = window[0] if isinstance(window, tuple) else window
        found.add(0 if window is None or window < 0 else window)
    return found


class SpanBuilder:
    """Mixed in before a backend's own builder."""

    supports_update_block_table = False  # it would put the whole table back

    def __init__(self, kv_cache_spec, layer_names, vllm_config, device, *args, **kwargs):
        check_config(vllm_config)
        super().__init__(kv_cache_spec, layer_names, vllm_config, device, *args, **kwargs)
        self.span_block = kv_cache_spec.block_size
        self.span_global = None  # known with the first step, when the layers are there
        self.span_table = self.span_lens = None

    @classmethod
    def get_cudagraph_support(cls, vllm_config, kv_cache_spec):
        """A graph of single decode tokens replays over the buffers below; a mixed batch may get more rows than it had."""
        support = super().get_cudagraph_support(vllm_config, kv_cache_spec)
        return min(support, AttentionCGSupport.UNIFORM_SINGLE_TOKEN_DECODE, key=lambda s: s.value)

    def reads_everything_before(self):
        """Whether this group's layers are global attention; windows are left alone, since they count from the end."""
        if not isinstance(self.kv_cache_spec, FullAttentionSpec):
            return False
        windows = windows_of(self.vllm_config, self.layer_names)
        if len(windows) > 1:
            raise SpanHookError("spanscope: layers with and without sliding windows share a block table, which can only be shortened for both: "
                                "leave --disable-hybrid-kv-cache-manager out")
        chunk = getattr(self.kv_cache_spec, "attention_chunk_size", None)
        return windows <= {0} and not self.kv_cache_spec.sliding_window and not chunk

    def build(self, common_prefix_len, common_attn_metadata, fast_build=False):
        if self.span_global is None:
            self.span_global = self.reads_everything_before()
        if self.span_global:
            common_attn_metadata = self.with_spans(common_attn_metadata)
        return super().build(common_prefix_len, common_attn_metadata, fast_build)

    def with_spans(self, common):
        """The same batch as the plan has it; the tensors handed on are always the builder's own, so that graphs see one address."""
        starts = common.query_start_loc_cpu[: common.num_reqs + 1].tolist()
        lens = common.seq_lens_cpu_upper_bound[: common.num_reqs].tolist()
        queries = [b - a for a, b in zip(starts, starts[1:])]
        if not BATCH.requests:
            return self.copied(common, common.seq_lens.shape[0])
        rows = BATCH.plan(queries, lens, self.span_block)
        if len(rows) != common.num_reqs:
            return self.spread(common, rows)
        common = self.copied(common, common.seq_lens.shape[0])
        changed = [(i, row) for i, row in enumerate(rows) if row.blocks is not None]
        if changed:
            self.shorten(common.block_table_tensor, common.seq_lens, changed)
        host = torch.tensor([row.length(self.span_block) for row in rows], dtype=common.seq_lens_cpu_upper_bound.dtype)
        return common.replace(seq_lens_cpu_upper_bound=host, max_seq_len=int(host.max()), _num_computed_tokens_cache=None)

    def copied(self, common, n):
        table = common.block_table_tensor
        if self.span_table is None or self.span_table.shape[0] < n or self.span_table.shape[1] != table.shape[1]:
            most = max(n, self.vllm_config.scheduler_config.max_num_seqs)
            self.span_table = torch.zeros((most, table.shape[1]), dtype=table.dtype, device=table.device)
            self.span_lens = torch.zeros(most, dtype=common.seq_lens.dtype, device=common.seq_lens.device)
        self.span_table[:n].copy_(table[:n])
        self.span_lens[:n].copy_(common.seq_lens[:n])
        return common.replace(block_table_tensor=self.span_table[:n], seq_lens=self.span_lens[:n])

    def shorten(self, table, lens, changed):
        """In place: table (rows, blocks) and lens (rows) of the rows in `changed`."""
        widest = max(len(row.blocks) for _, row in changed)
        index = torch.tensor([row.blocks + [0] * (widest - len(row.blocks)) for _, row in changed])
        where = torch.tensor([i for i, _ in changed])
        short = torch.tensor([row.length(self.span_block) for _, row in changed], dtype=lens.dtype)
        index, where, short = (t.to(table.device, non_blocking=True) for t in (index, where, short))
        table[where, :widest] = table[where.unsqueeze(1), index]
        lens[where] = short

    def spread(self, common, rows):
        """A batch with more rows than requests: response tokens that are prefilled again after a preemption, each with its own table."""
        device, source = common.block_table_tensor.device, torch.tensor([row.source for row in rows])
        table = common.block_table_tensor.index_select(0, source.to(device))
        lens = torch.tensor([row.n_tokens for row in rows], dtype=common.seq_lens.dtype).to(device)
        changed = [(i, row) for i, row in enumerate(rows) if row.blocks is not None]
        if changed:
            self.shorten(table, lens, changed)
        starts = torch.zeros(len(rows) + 1, dtype=common.query_start_loc_cpu.dtype)
        torch.cumsum(torch.tensor([row.n_queries for row in rows]), 0, out=starts[1:])
        host = torch.tensor([row.length(self.span_block) for row in rows], dtype=common.seq_lens_cpu_upper_bound.dtype)
        prefilling = torch.tensor([row.position < 0 for row in rows]) if common.is_prefilling is not None else None
        return common.replace(block_table_tensor=table, seq_lens=lens, query_start_loc=starts.to(device), query_start_loc_cpu=starts,
                              seq_lens_cpu_upper_bound=host, num_reqs=len(rows), max_query_len=max(row.n_queries for row in rows),
                              max_seq_len=int(host.max()), is_prefilling=prefilling, _num_computed_tokens_cache=None,
                              _token_to_req_indices_cache=None)
