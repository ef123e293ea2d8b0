"""vLLM's CPU attention with the hook."""
from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend, CPUAttentionMetadataBuilder

from .hook import SpanBuilder


class Builder(SpanBuilder, CPUAttentionMetadataBuilder):
    pass


class Backend(CPUAttentionBackend):
    @staticmethod
    def get_builder_cls():
        return Builder
