// The model families. Most differ from Llama in a few lines, so each starts from another one.
#include "engine/model/architecture.h"

namespace spanscope {

namespace {

using enum FileFormat;
using Unless = Refusal::Unless;
using L = LayerWeights;

constexpr std::string_view kAttentionBias = "attention_bias", kMlpBias = "mlp_bias";

constexpr LayerPart kAttnNorm{&L::attnNorm, {"input_layernorm.weight", "attn_norm.weight"}};
constexpr LayerPart kQ{&L::q, {"self_attn.q_proj.weight", "attn_q.weight"}};
constexpr LayerPart kK{&L::k, {"self_attn.k_proj.weight", "attn_k.weight"}};
constexpr LayerPart kV{&L::v, {"self_attn.v_proj.weight", "attn_v.weight"}};
constexpr LayerPart kO{&L::o, {"self_attn.o_proj.weight", "attn_output.weight"}};
constexpr LayerPart kQBias{&L::qBias, {"self_attn.q_proj.bias", "attn_q.bias"}, kAttentionBias};
constexpr LayerPart kKBias{&L::kBias, {"self_attn.k_proj.bias", "attn_k.bias"}, kAttentionBias};
constexpr LayerPart kVBias{&L::vBias, {"self_attn.v_proj.bias", "attn_v.bias"}, kAttentionBias};
constexpr LayerPart kOBias{&L::oBias, {"self_attn.o_proj.bias", "attn_output.bias"}, kAttentionBias};
constexpr LayerPart kQNorm{&L::qNorm, {"self_attn.q_norm.weight", "attn_q_norm.weight"}};
constexpr LayerPart kKNorm{&L::kNorm, {"self_attn.k_norm.weight", "attn_k_norm.weight"}};
constexpr LayerPart kMlpNorm{&L::mlpNorm, {"post_attention_layernorm.weight", "ffn_norm.weight"}};
constexpr LayerPart kGate{&L::gate, {"mlp.gate_proj.weight", "ffn_gate.weight"}};
constexpr LayerPart kUp{&L::up, {"mlp.up_proj.weight", "ffn_up.weight"}};
constexpr LayerPart kDown{&L::down, {"mlp.down_proj.weight", "ffn_down.weight"}};
constexpr LayerPart kPostAttnNorm{&L::postAttnNorm, {"post_attention_layernorm.weight", "post_attention_norm.weight"}};
constexpr LayerPart kPostMlpNorm{&L::postMlpNorm, {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"}};

constexpr LayerPart always(LayerPart part) {
    part.presenceKey = {};
    return part;
}

constexpr std::array kLlamaParts{
    kAttnNorm,
    kQ,
    kK,
    kV,
    kQBias,
    kKBias,
    kVBias,
    kO,
    kOBias,
    kMlpNorm,
    kGate,
    kUp,
    LayerPart{&L::gateBias, {"mlp.gate_proj.bias", "ffn_gate.bias"}, kMlpBias},
    LayerPart{&L::upBias, {"mlp.up_proj.bias", "ffn_up.bias"}, kMlpBias},
    kDown,
    LayerPart{&L::downBias, {"mlp.down_proj.bias", "ffn_down.bias"}, kMlpBias},
};
constexpr std::array kMistralParts{kAttnNorm, kQ, kK, kV, kO, kMlpNorm, kGate, kUp, kDown};
constexpr std::array kQwen2Parts{kAttnNorm, kQ,       kK,    kV,  always(kQBias), always(kKBias), always(kVBias),
                                 kO,        kMlpNorm, kGate, kUp, kDown};
constexpr std::array kQwen3Parts{kAttnNorm, kQ, kK,     kV,       kQBias, kKBias, kVBias, kQNorm,
                                 kKNorm,    kO, kOBias, kMlpNorm, kGate,  kUp,    kDown};
constexpr LayerPart kGemmaMlpNorm{&L::mlpNorm, {"pre_feedforward_layernorm.weight", "ffn_norm.weight"}};
constexpr std::array kGemma2Parts{kAttnNorm,     kQ,     kK,  kV,     kQBias,
                                  kKBias,        kVBias, kO,  kOBias, kPostAttnNorm,
                                  kGemmaMlpNorm, kGate,  kUp, kDown,  kPostMlpNorm};
constexpr std::array kGemma3Parts{kAttnNorm,     kQ,     kK,     kV,    kQBias,      kKBias,
                                  kVBias,        kQNorm, kKNorm, kO,    kOBias,      kPostAttnNorm,
                                  kGemmaMlpNorm, kGate,  kUp,    kDown, kPostMlpNorm};
constexpr FormatNames kFusedQkv{"self_attn.qkv_proj.weight", "attn_qkv.weight"};
constexpr FormatNames kFusedGateUp{"mlp.gate_up_proj.weight", "ffn_up.weight"};
constexpr std::array kPhi3Parts{kAttnNorm,
                                LayerPart{&L::q, kFusedQkv},
                                LayerPart{&L::k, kFusedQkv},
                                LayerPart{&L::v, kFusedQkv},
                                kO,
                                kMlpNorm,
                                LayerPart{&L::gate, kFusedGateUp},
                                LayerPart{&L::up, kFusedGateUp},
                                kDown};
constexpr std::array kOlmo2Parts{
    kQ, kK, kV, kQBias, kKBias, kVBias, kQNorm, kKNorm, kO, kOBias, kPostAttnNorm, kGate, kUp, kDown, kPostMlpNorm};

constexpr RopeScalingName kNoScaling{RopeScaling::None, {"default", "none"}};
constexpr RopeScalingName kLinear{RopeScaling::Linear, {"linear", "linear"}};
constexpr std::array kLlamaScalings{
    kNoScaling, kLinear, RopeScalingName{RopeScaling::Llama3, {"llama3", ""}},  // GGUF: ropeDivisors
    RopeScalingName{RopeScaling::Yarn, {"yarn", "yarn"}}, RopeScalingName{RopeScaling::LongRope, {"longrope", ""}}};
constexpr std::array kGemmaScalings{kNoScaling, kLinear};
constexpr std::array kPhi3Scalings{kNoScaling, RopeScalingName{RopeScaling::LongRope, {"longrope", "longrope"}},
                                   // names that Phi-3 files had before transformers 4.43
                                   RopeScalingName{RopeScaling::LongRope, {"su", ""}},
                                   RopeScalingName{RopeScaling::LongRope, {"yarn", ""}}};

constexpr std::string_view kOtherScale = "scores of another scale are not supported";
constexpr std::string_view kOtherWindow = "a sliding window is not supported for this architecture in this format";
constexpr Refusal kSilu{
    HuggingFace, "hidden_act", Unless::Text, "this program does not run this activation", {"silu", "swish"}};
constexpr Refusal kGelu{HuggingFace,
                        "hidden_activation",
                        Unless::Text,
                        "this program does not run this activation",
                        {"gelu_pytorch_tanh", "gelu_pytorch_tanh"}};
constexpr Refusal kBothWays{HuggingFace, "use_bidirectional_attention", Unless::False,
                            "attention to later tokens is not supported"};
constexpr Refusal kQuantised{HuggingFace, "quantization_config", Unless::Absent,
                             "quantised Hugging Face checkpoints are not supported; F32, F16, BF16 and GGUF files are"};
constexpr Refusal kValueSize{Gguf, "attention.value_length", Unless::HeadSize,
                             "values of another size than keys are not supported"};
constexpr Refusal kExperts{Gguf, "expert_count", Unless::Number, "mixtures of experts are not supported", {}, 0};
constexpr Refusal kScale{Gguf, "attention.scale", Unless::Absent, kOtherScale};
constexpr Refusal kNoWindow{Gguf, "attention.sliding_window", Unless::Number, kOtherWindow, {}, 0};
constexpr Refusal kNoPattern{Gguf, "attention.sliding_window_pattern", Unless::Absent, kOtherWindow};

constexpr std::array kLlamaRefusals{kSilu, kQuantised, kValueSize, kExperts, kScale, kNoPattern};
constexpr std::array kMistralRefusals{
    kSilu,
    kQuantised,
    kValueSize,
    kExperts,
    kScale,
    kNoPattern,
    Refusal{HuggingFace, kAttentionBias, Unless::False, "a Mistral model has no biases"},
    Refusal{Gguf,
            "attention.temperature_scale",
            Unless::Number,
            "scores that are scaled by their position are not supported",
            {},
            0}};
constexpr std::array kQwenRefusals{kSilu, kQuantised, kValueSize, kExperts, kScale, kNoWindow, kNoPattern};
constexpr std::array kGemmaRefusals{kGelu, kBothWays, kQuantised, kValueSize, kExperts, kScale};
constexpr std::array kSmolLm3Refusals{
    kSilu,  kQuantised, kValueSize, kExperts,
    kScale, kNoWindow,  kNoPattern, Refusal{HuggingFace, "use_sliding_window", Unless::False, kOtherWindow}};

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
    a.refusals = kQwenRefusals;
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
    a.refusals = kGemmaRefusals;
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
    a.refusals = kQwenRefusals;
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

}  // namespace spanscope
