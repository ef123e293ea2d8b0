"""vLLM's FlashAttention with the hook."""
from vllm.v1.attention.backends.flash_attn import FlashAttentionBackend, FlashAttentionMetadataBuilder

from .hook import SpanBuilder


class Builder(SpanBuilder, FlashAttentionMetadataBuilder):
    pass


class Backend(FlashAttentionBackend):
    @staticmethod
    def get_builder_cls():
        return Builder
