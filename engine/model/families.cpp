// The model families. Most differ from Llama in a few lines, so each starts from another one.
#include "engine/model/architecture.h"
#include "engine/model/family_parts.h"

namespace spanscope {

namespace {

using namespace families;

constexpr Architecture kLlama{
    .name = "Llama",
    .className = "LlamaForCausalLM",
    .type = {"llama", "llama"},
    .hidden = {{"hidden_size", "embedding_length"}},
    .ffn = {{"intermediate_size", "feed_forward_length"}},
    .nLayers = {{"num_hidden_layers", "block_count"}},
    .nHeads = {{"num_attention_heads", "attention.head_count"}},
    .nKvHeads = {{"num_key_value_heads", "attention.head_count_kv"}},
    .headDim = {{"head_dim", "attention.key_length"}},
    .vocab = {{"vocab_size", "vocab_size"}},
    .maxSeqLen = {{"max_position_embeddings", "context_length"}, 2048},
    .rmsEps = {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, 1e-6},
    .window = {{{"", "attention.sliding_window"}}},  // GGUF files of Mistral call themselves llama
    .ropeTheta = {{"rope_theta", "rope.freq_base"}, 10000.0, 10000.0},
    .originalContext = {{"", "rope.scaling.original_context_length"}},
    .ropeScalings = kLlamaScalings,
    .ggufRopeInterleaved = true,
    .tiedHeadKey = "tie_word_embeddings",
    .embedding = {"model.embed_tokens.weight", "token_embd.weight"},
    .finalNorm = {"model.norm.weight", "output_norm.weight"},
    .head = {"lm_head.weight", "output.weight"},
    .layerPrefix = {"model.layers.", "blk."},
    .layerParts = kLlamaParts,
    .ropeDivisors = {"", "rope_freqs.weight"},
    .ignoredInLayers = {"self_attn.rotary_emb.inv_freq", "attn_rot_embd.weight"},
    .refusals = kLlamaRefusals,
};

constexpr Architecture kMistral = [] {
    Architecture a = kLlama;
    a.name = "Mistral";
    a.className = "MistralForCausalLM";
    a.type = {"mistral", "mistral3"};
    a.nKvHeads.huggingFaceDefault = 8;
    a.maxSeqLen.huggingFaceDefault = 131072;
    a.window.size = {{"sliding_window", "attention.sliding_window"}, 4096};
    a.layerParts = kMistralParts;
    a.refusals = kMistralRefusals;
    return a;
}();

constexpr Architecture kQwen2 = [] {
    Architecture a = kLlama;
    a.name = "Qwen2";
    a.className = "Qwen2ForCausalLM";
    a.type = {"qwen2", "qwen2"};
    a.nKvHeads.huggingFaceDefault = 32;
    a.maxSeqLen.huggingFaceDefault = 32768;
    a.window = {
        {{"sliding_window", ""}, 4096}, "use_sliding_window", WindowedLayers::FromNth, {{"max_window_layers", ""}, 28}};
    a.ggufRopeInterleaved = false;
    a.layerParts = kQwen2Parts;
    a.ropeDivisors = {};
    a.refusals = kNoWindowRefusals;
    return a;
}();

constexpr Architecture kQwen3 = [] {
    Architecture a = kQwen2;
    a.name = "Qwen3";
    a.className = "Qwen3ForCausalLM";
    a.type = {"qwen3", "qwen3"};
    a.headDim.huggingFaceDefault = 128;
    a.qkNorm = QkNorm::PerHead;
    a.layerParts = kQwen3Parts;
    return a;
}();

constexpr Architecture kGemma2 = [] {
    Architecture a = kLlama;
    a.name = "Gemma 2";
    a.className = "Gemma2ForCausalLM";
    a.type = {"gemma2", "gemma2"};
    a.nKvHeads.huggingFaceDefault = 4;
    a.headDim.huggingFaceDefault = 256;
    a.maxSeqLen.huggingFaceDefault = 8192;
    a.window = {{{"sliding_window", "attention.sliding_window"}, 4096, 4096},
                {},
                WindowedLayers::AllButEveryNth,
                {{"", "attention.sliding_window_pattern"}, 2, 2}};
    a.activation = Activation::GeluTanh;
    a.scaledEmbedding = true;
    a.attentionSoftcap = {{"attn_logit_softcapping", "attn_logit_softcapping"}, 50.0, 50.0};
    a.logitSoftcap = {{"final_logit_softcapping", "final_logit_softcapping"}, 30.0, 30.0};
    a.queryScalarKey = "query_pre_attn_scalar";
    a.ggufWideScaleLayers = 46;
    a.ropeScalings = kGemmaScalings;
    a.ggufRopeInterleaved = false;
    a.huggingFaceNormsBelowOne = true;
    a.tiedByDefault = true;
    a.layerParts = kGemma2Parts;
    a.ropeDivisors = {};
    a.refusals = kGemma2Refusals;
    return a;
}();

constexpr Architecture kGemma3 = [] {
    Architecture a = kGemma2;
    a.name = "Gemma 3";
    a.className = "Gemma3ForCausalLM";
    a.type = {"gemma3_text", "gemma3"};
    a.maxSeqLen.huggingFaceDefault = 131072;
    a.window.size.ggufDefault = {};
    a.window.number = {{"sliding_window_pattern", "attention.sliding_window_pattern"}, 6, 6};
    a.qkNorm = QkNorm::PerHead;
    a.attentionSoftcap = {{"attn_logit_softcapping", ""}};
    a.logitSoftcap = {{"final_logit_softcapping", "final_logit_softcapping"}};
    a.ggufWideScaleLayers = 62;
    a.ropeTheta = {{"rope_theta", "rope.freq_base"}, 1e6, 10000.0};
    a.localRopeTheta = {{"rope_local_base_freq", "rope.freq_base_swa"}, 10000.0, 10000.0};
    a.layerParts = kGemma3Parts;
    a.refusals = kGemma3Refusals;
    return a;
}();

constexpr Architecture kPhi3 = [] {
    Architecture a = kLlama;
    a.name = "Phi-3";
    a.className = "Phi3ForCausalLM";
    a.type = {"phi3", "phi3"};
    a.maxSeqLen.huggingFaceDefault = 4096;
    a.rmsEps.huggingFaceDefault = 1e-5;
    a.window = {{{"sliding_window", "attention.sliding_window"}}};
    a.originalContext = {{"original_max_position_embeddings", "rope.scaling.original_context_length"}, 4096};
    a.partialRope = true;
    a.ropeScalings = kPhi3Scalings;
    a.ggufRopeInterleaved = false;
    a.layerParts = kPhi3Parts;
    a.ropeDivisors = {};
    a.shortDivisors = {"", "rope_factors_short.weight"};
    a.longDivisors = {"", "rope_factors_long.weight"};
    return a;
}();

constexpr Architecture kOlmo2 = [] {
    Architecture a = kLlama;
    a.name = "OLMo 2";
    a.className = "Olmo2ForCausalLM";
    a.type = {"olmo2", "olmo2"};
    a.rmsEps.huggingFaceDefault = 1e-5;
    a.window = {};
    a.qkNorm = QkNorm::WholeRow;
    a.ggufRopeInterleaved = false;
    a.layerParts = kOlmo2Parts;
    a.ropeDivisors = {};
    a.refusals = kNoWindowRefusals;
    return a;
}();

constexpr Architecture kSmolLm3 = [] {
    Architecture a = kLlama;
    a.name = "SmolLM3";
    a.className = "SmolLM3ForCausalLM";
    a.type = {"smollm3", "smollm3"};
    a.nKvHeads.huggingFaceDefault = 4;
    a.maxSeqLen.huggingFaceDefault = 32768;
    a.window = {};
    a.ropeTheta.huggingFaceDefault = 2e6;
    a.ropelessEveryNth = {{"no_rope_layer_interval", ""}, 4, 4};
    a.tiedByDefault = true;
    a.ropeDivisors = {};
    a.refusals = kSmolLm3Refusals;
    return a;
}();

constexpr std::array<const Architecture*, 9> kAll{&kLlama,  &kMistral, &kQwen2, &kQwen3,  &kGemma2,
                                                  &kGemma3, &kPhi3,    &kOlmo2, &kSmolLm3};

}  // namespace

std::span<const Architecture* const> allArchitectures() { return kAll; }

std::span<const Refusal> commonRefusals() { return kCommonRefusals; }

}  // namespace spanscope
