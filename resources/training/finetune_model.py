"""What finetune.py does to a checkpoint's layers: room for new pieces, adapters, masks, compiling."""
import copy

import torch

import vocabulary
from masks import BLOCK, FlexStateMask, boolean_mask


def core(model):
    """The ...ForCausalLM inside, adapters included."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def grow(model, words, seed):
    """Rows for the new pieces, where the checkpoint has none, and a sensible beginning for them; words: bases.Vocabulary."""
    if words.size > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(words.size, mean_resizing=False)
    tied = model.config.tie_word_embeddings
    vocabulary.initialise(model.get_input_embeddings().weight, None if tied else model.get_output_embeddings().weight, words.new,
                          words.words, seed)


def names_in_layers(model, kind):
    """Last names of the modules inside the layers that `kind(name, module)` wants: q_proj, ..."""
    return sorted({n.rsplit(".", 1)[-1] for n, m in model.model.layers.named_modules() if n and kind(n, m)})


def trainable(model, rank, new_ids):
    """Everything (rank 0), or LoRA adapters of every projection, the norms, and the rows of the new pieces."""
    if not rank:
        return model
    from peft import LoraConfig, get_peft_model
    rows = None
    if new_ids:
        rows = {"embed_tokens": new_ids}
        if not model.config.tie_word_embeddings:
            rows["lm_head"] = new_ids
    projections = names_in_layers(model, lambda n, m: isinstance(m, torch.nn.Linear))
    norms = names_in_layers(model, lambda n, m: n.endswith("norm"))
    model.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=projections, modules_to_save=[*norms, "norm"],
                        trainable_token_indices=rows, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for p in adapted.parameters():
        if p.requires_grad:
            p.data = p.data.float()
    return adapted


class Masks:
    """From states and intervals to what transformers' attention takes: one mask, or one for each kind of layer where some
    have a window. kind: sdpa (boolean, per batch) or flex (nothing T x T)."""

    def __init__(self, kind, config):
        self.kind, self.flex = kind, {}
        types = set(getattr(config, "layer_types", None) or [])
        window = getattr(config, "sliding_window", None) or 0
        self.windows = {None: window}
        if types and core_takes_kinds(config):
            self.windows = {t: window if t == "sliding_attention" else 0 for t in sorted(types)}

    def one(self, window, state, intervals, n_states):
        if self.kind == "sdpa":
            return boolean_mask(state, intervals, n_states, window).unsqueeze(1)
        key = (*state.shape, n_states, window)
        if key not in self.flex:
            self.flex[key] = FlexStateMask(*state.shape, n_states, state.device, window)
        return self.flex[key].fill(state, intervals)

    def __call__(self, state, intervals, n_states):
        masks = {t: self.one(w, state, intervals, n_states) for t, w in self.windows.items()}
        return masks[None] if None in masks else masks


def core_takes_kinds(config):
    """Models of transformers whose forward takes {kind of layer: mask}."""
    return config.model_type in ("qwen2", "qwen3", "gemma2", "gemma3_text", "smollm3")


def last_states(model, kind, ids, state, spans, n_states):
    """Of the first layer alone, in float32: deep stacks of 16-bit layers differ by more than a wrong mask would."""
    layers = model.layers
    model.config._attn_implementation = "flex_attention" if kind == "flex" else "sdpa"
    model.layers = torch.nn.ModuleList([copy.deepcopy(layers[0]).float()])
    try:
        with torch.no_grad():
            positions = torch.arange(ids.shape[1], device=ids.device).expand(*ids.shape)
            return model(inputs_embeds=model.embed_tokens(ids).float(), use_cache=False, position_ids=positions,
                         attention_mask=Masks(kind, model.config)(state, spans, n_states)).last_hidden_state.float()
    finally:
        model.layers = layers


def choose_masks(model, wanted, rows, T, log):
    """Sets the model's attention. Flex is taken where it agrees with boolean masks on a small case."""
    inner, rows, T = core(model), min(rows, 2), min(T, 1024)
    device, n_states = next(model.parameters()).device, T // 4
    if wanted == "flex" or (wanted == "auto" and device.type == "cuda" and T % BLOCK == 0):
        try:
            generator = torch.Generator().manual_seed(0)
            state = (torch.arange(T) // (BLOCK // 2) % n_states).expand(rows, T).contiguous().to(device)
            spans = torch.tensor([[r, s, max(0, 64 * s - 100), min(T, 64 * s + 64)] for r in range(rows)
                                  for s in range(min(n_states, T // 64))], device=device)
            ids = torch.randint(0, inner.config.vocab_size, (rows, T), generator=generator).to(device)
            found = {kind: last_states(inner.model, kind, ids, state, spans, n_states) for kind in ("sdpa", "flex")}
            error = float((found["flex"] - found["sdpa"]).norm() / found["sdpa"].norm())
            log(f"attention: flex against boolean masks, relative difference {error:.1e}")
            if error < 1e-2:
                inner.set_attn_implementation("flex_attention")
                return Masks("flex", inner.config)
            if wanted == "flex":
                raise SystemExit("--attention flex: it does not agree with boolean masks here; use sdpa")
        except Exception as error:
            if wanted == "flex":
                raise
            log(f"attention: flex does not work here ({type(error).__name__}: {str(error)[:200]})")
    inner.set_attn_implementation("sdpa")
    return Masks("sdpa", inner.config)


def merged(model, dtype):
    """The plain model with adapters merged in float32, then rounded to what will be written."""
    model = model.float().eval()
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.to(dtype).float())
    return model
