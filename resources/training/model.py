"""Llama blocks whose parameter names are those of a Hugging Face folder, so that state_dict() is the checkpoint.

The attention pattern comes from outside (masks.py): a boolean mask [B,1,T,T] or a flex-attention BlockMask.
"""
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

try:
    from torch.nn.attention.flex_attention import BlockMask, flex_attention
except ImportError:  # old PyTorch: boolean masks only
    BlockMask, flex_attention = (), None


@dataclass
class Shape:
    vocab_size: int
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 12
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    head_dim: int = 64
    max_position_embeddings: int = 8192
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = True

    def hf_config(self, bos=1, eos=2, pad=3, dtype="bfloat16"):
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", **asdict(self),
            "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
            "initializer_range": 0.02, "rope_scaling": None, "use_cache": True,
            "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad, "torch_dtype": dtype,
        }

    @staticmethod
    def from_config(config):
        return Shape(**{k: config[k] for k in Shape.__dataclass_fields__ if k in config})


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    """RoPE, rotate-half; x (B, heads, T, headDim), cos and sin (B, 1, T, headDim / 2)."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.nHeads, self.nKvHeads, self.headDim = s.num_attention_heads, s.num_key_value_heads, s.head_dim
        self.q_proj = nn.Linear(s.hidden_size, self.nHeads * self.headDim, bias=False)
        self.k_proj = nn.Linear(s.hidden_size, self.nKvHeads * self.headDim, bias=False)
        self.v_proj = nn.Linear(s.hidden_size, self.nKvHeads * self.headDim, bias=False)
        self.o_proj = nn.Linear(self.nHeads * self.headDim, s.hidden_size, bias=False)

    def forward(self, x, cos, sin, mask):
        B, T, _ = x.shape
        q = rotate(self.q_proj(x).view(B, T, self.nHeads, self.headDim).transpose(1, 2), cos, sin)
        k = rotate(self.k_proj(x).view(B, T, self.nKvHeads, self.headDim).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(B, T, self.nKvHeads, self.headDim).transpose(1, 2)
        grouped = self.nHeads != self.nKvHeads
        if BlockMask and isinstance(mask, BlockMask):
            y = flex_attention(q, k, v, block_mask=mask, enable_gqa=grouped)
        else:
            if grouped:
                k = k.repeat_interleave(self.nHeads // self.nKvHeads, dim=1)
                v = v.repeat_interleave(self.nHeads // self.nKvHeads, dim=1)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, -1))


class Mlp(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.up_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.down_proj = nn.Linear(s.intermediate_size, s.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.input_layernorm = RMSNorm(s.hidden_size, s.rms_norm_eps)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = RMSNorm(s.hidden_size, s.rms_norm_eps)
        self.mlp = Mlp(s)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocab_size, s.hidden_size)
        self.layers = nn.ModuleList(Block(s) for _ in range(s.num_hidden_layers))
        self.norm = RMSNorm(s.hidden_size, s.rms_norm_eps)


class Llama(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        self.lm_head = nn.Linear(shape.hidden_size, shape.vocab_size, bias=False)
        if shape.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
        for name, p in self.named_parameters():
            if p.dim() == 2:
                small = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * shape.num_hidden_layers) if small else 0.02)
        half = shape.head_dim // 2
        frequency = shape.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.outer(torch.arange(shape.max_position_embeddings, dtype=torch.float64), frequency)
        self.register_buffer("cosTable", angle.cos().float(), persistent=False)
        self.register_buffer("sinTable", angle.sin().float(), persistent=False)

    def hidden(self, ids, positions, mask):
        """ids, positions (B, T); returns the normed state (B, T, hidden)."""
        cos, sin = self.cosTable[positions].unsqueeze(1), self.sinTable[positions].unsqueeze(1)
        x = self.model.embed_tokens(ids).float()
        for layer in self.model.layers:
            x = layer(x, cos, sin, mask)
        return self.model.norm(x)

    def forward(self, ids, positions, mask):
        return self.lm_head(self.hidden(ids, positions, mask)).float()

    def weights(self):
        """Name -> tensor as a checkpoint holds them (a tied head is left out)."""
        state = self.state_dict()
        if self.shape.tie_word_embeddings:
            state.pop("lm_head.weight", None)
        return {k: v.detach() for k, v in state.items()}

    def load_weights(self, state):
        expected = self.weights()
        for name, tensor in expected.items():
            if name not in state:
                raise SystemExit(f"weights: {name} is missing")
            if state[name].shape != tensor.shape:
                raise SystemExit(f"weights: {name} is {tuple(state[name].shape)}, expected {tuple(tensor.shape)}")
        with torch.no_grad():
            for name, tensor in expected.items():
                tensor.copy_(state[name].to(tensor.dtype))
