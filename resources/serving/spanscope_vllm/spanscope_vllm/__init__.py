"""Declared attention spans in a vLLM server; README.md says how it is used."""


def register():
    """Entry point of vllm.general_plugins: in every process, before the engine is made. Does nothing where SPANSCOPE_CARD is not set."""
    from . import card
    if card.path() is None:
        return
    from vllm.v1.attention.backends.registry import AttentionBackendEnum, register_backend
    register_backend(AttentionBackendEnum.CPU_ATTN, "spanscope_vllm.cpu.Backend")
    register_backend(AttentionBackendEnum.FLASH_ATTN, "spanscope_vllm.flash.Backend")
