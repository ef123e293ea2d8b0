// What the descriptions of the model families are made of: tensors of a layer, kinds of RoPE scaling, refusals.
// families.cpp includes it, nobody else.
#pragma once

#include <array>
#include <string_view>

#include "engine/model/architecture.h"

namespace spanscope::families {

using enum FileFormat;
using Unless = Refusal::Unless;
using L = LayerWeights;

inline constexpr std::string_view kAttentionBias = "attention_bias", kMlpBias = "mlp_bias";

inline constexpr LayerPart kAttnNorm{&L::attnNorm, {"input_layernorm.weight", "attn_norm.weight"}};
inline constexpr LayerPart kQ{&L::q, {"self_attn.q_proj.weight", "attn_q.weight"}};
inline constexpr LayerPart kK{&L::k, {"self_attn.k_proj.weight", "attn_k.weight"}};
inline constexpr LayerPart kV{&L::v, {"self_attn.v_proj.weight", "attn_v.weight"}};
inline constexpr LayerPart kO{&L::o, {"self_attn.o_proj.weight", "attn_output.weight"}};
inline constexpr LayerPart kQBias{&L::qBias, {"self_attn.q_proj.bias", "attn_q.bias"}, kAttentionBias};
inline constexpr LayerPart kKBias{&L::kBias, {"self_attn.k_proj.bias", "attn_k.bias"}, kAttentionBias};
inline constexpr LayerPart kVBias{&L::vBias, {"self_attn.v_proj.bias", "attn_v.bias"}, kAttentionBias};
inline constexpr LayerPart kOBias{&L::oBias, {"self_attn.o_proj.bias", "attn_output.bias"}, kAttentionBias};
inline constexpr LayerPart kQNorm{&L::qNorm, {"self_attn.q_norm.weight", "attn_q_norm.weight"}};
inline constexpr LayerPart kKNorm{&L::kNorm, {"self_attn.k_norm.weight", "attn_k_norm.weight"}};
inline constexpr LayerPart kMlpNorm{&L::mlpNorm, {"post_attention_layernorm.weight", "ffn_norm.weight"}};
inline constexpr LayerPart kGate{&L::gate, {"mlp.gate_proj.weight", "ffn_gate.weight"}};
inline constexpr LayerPart kUp{&L::up, {"mlp.up_proj.weight", "ffn_up.weight"}};
inline constexpr LayerPart kDown{&L::down, {"mlp.down_proj.weight", "ffn_down.weight"}};
inline constexpr LayerPart kPostAttnNorm{&L::postAttnNorm,
                                         {"post_attention_layernorm.weight", "post_attention_norm.weight"}};
inline constexpr LayerPart kPostMlpNorm{&L::postMlpNorm, {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"}};

inline constexpr LayerPart always(LayerPart part) {
    part.presenceKey = {};
    return part;
}

inline constexpr std::array kLlamaParts{
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
inline constexpr std::array kMistralParts{kAttnNorm, kQ, kK, kV, kO, kMlpNorm, kGate, kUp, kDown};
inline constexpr std::array kQwen2Parts{kAttnNorm, kQ,       kK,    kV,  always(kQBias), always(kKBias), always(kVBias),
                                        kO,        kMlpNorm, kGate, kUp, kDown};
inline constexpr std::array kQwen3Parts{kAttnNorm, kQ, kK,     kV,       kQBias, kKBias, kVBias, kQNorm,
                                        kKNorm,    kO, kOBias, kMlpNorm, kGate,  kUp,    kDown};
inline constexpr LayerPart kGemmaMlpNorm{&L::mlpNorm, {"pre_feedforward_layernorm.weight", "ffn_norm.weight"}};
inline constexpr std::array kGemma2Parts{kAttnNorm,     kQ,     kK,  kV,     kQBias,
                                         kKBias,        kVBias, kO,  kOBias, kPostAttnNorm,
                                         kGemmaMlpNorm, kGate,  kUp, kDown,  kPostMlpNorm};
inline constexpr std::array kGemma3Parts{kAttnNorm,     kQ,     kK,     kV,    kQBias,      kKBias,
                                         kVBias,        kQNorm, kKNorm, kO,    kOBias,      kPostAttnNorm,
                                         kGemmaMlpNorm, kGate,  kUp,    kDown, kPostMlpNorm};
inline constexpr FormatNames kFusedQkv{"self_attn.qkv_proj.weight", "attn_qkv.weight"};
inline constexpr FormatNames kFusedGateUp{"mlp.gate_up_proj.weight", "ffn_up.weight"};
inline constexpr std::array kPhi3Parts{kAttnNorm,
                                       LayerPart{&L::q, kFusedQkv},
                                       LayerPart{&L::k, kFusedQkv},
                                       LayerPart{&L::v, kFusedQkv},
                                       kO,
                                       kMlpNorm,
                                       LayerPart{&L::gate, kFusedGateUp},
                                       LayerPart{&L::up, kFusedGateUp},
                                       kDown};
inline constexpr std::array kOlmo2Parts{
    kQ, kK, kV, kQBias, kKBias, kVBias, kQNorm, kKNorm, kO, kOBias, kPostAttnNorm, kGate, kUp, kDown, kPostMlpNorm};

inline constexpr RopeScalingName kNoScaling{RopeScaling::None, {"default", "none"}};
inline constexpr RopeScalingName kLinear{RopeScaling::Linear, {"linear", "linear"}};
inline constexpr std::array kLlamaScalings{
    kNoScaling, kLinear, RopeScalingName{RopeScaling::Llama3, {"llama3", ""}},  // GGUF: ropeDivisors
    RopeScalingName{RopeScaling::Yarn, {"yarn", "yarn"}}, RopeScalingName{RopeScaling::LongRope, {"longrope", ""}}};
inline constexpr std::array kGemmaScalings{kNoScaling, kLinear};
inline constexpr std::array kPhi3Scalings{kNoScaling, RopeScalingName{RopeScaling::LongRope, {"longrope", "longrope"}},
                                          // names that Phi-3 files had before transformers 4.43
                                          RopeScalingName{RopeScaling::LongRope, {"su", ""}},
                                          RopeScalingName{RopeScaling::LongRope, {"yarn", ""}}};

inline constexpr std::string_view kOtherWindow =
    "a sliding window is not supported for this architecture in this format";
inline constexpr std::string_view kOtherActivation = "this program does not run this activation";
inline constexpr std::string_view kOtherScale = "this scale is not supported";
inline constexpr std::string_view kOtherCap = "a soft cap is not supported for this architecture";
inline constexpr std::string_view kOtherRope = "this RoPE setting is not supported";

inline constexpr Refusal kSilu{HuggingFace, "hidden_act", Unless::Text, kOtherActivation, {"silu", "swish"}};
inline constexpr Refusal kNoWindow{Gguf, "attention.sliding_window", Unless::Number, kOtherWindow, {}, 0};
inline constexpr Refusal kNoPattern{Gguf, "attention.sliding_window_pattern", Unless::Absent, kOtherWindow};
inline constexpr Refusal kNoCap{Gguf, "attn_logit_softcapping", Unless::Number, kOtherCap, {}, 0};
inline constexpr Refusal kNoLogitCap{Gguf, "final_logit_softcapping", Unless::Number, kOtherCap, {}, 0};
inline constexpr Refusal kNoLocalBase{Gguf, "rope.freq_base_swa", Unless::Absent, kOtherRope};

inline constexpr std::array kLlamaRefusals{kSilu, kNoPattern, kNoCap, kNoLogitCap, kNoLocalBase};
inline constexpr std::array kMistralRefusals{
    kSilu,       kNoPattern,   kNoCap,
    kNoLogitCap, kNoLocalBase, Refusal{HuggingFace, kAttentionBias, Unless::False, "a Mistral model has no biases"}};
inline constexpr std::array kNoWindowRefusals{kSilu, kNoWindow, kNoPattern, kNoCap, kNoLogitCap, kNoLocalBase};
inline constexpr std::array kSmolLm3Refusals{kSilu,
                                             kNoWindow,
                                             kNoPattern,
                                             kNoCap,
                                             kNoLogitCap,
                                             kNoLocalBase,
                                             Refusal{HuggingFace, "use_sliding_window", Unless::False, kOtherWindow}};
inline constexpr Refusal kGelu{
    HuggingFace, "hidden_activation", Unless::Text, kOtherActivation, {"gelu_pytorch_tanh", "gelu_pytorch_tanh"}};
inline constexpr Refusal kBothWays{HuggingFace, "use_bidirectional_attention", Unless::False,
                                   "attention to later tokens is not supported"};
inline constexpr std::array kGemma2Refusals{kGelu, kBothWays, kNoLocalBase};
inline constexpr std::array kGemma3Refusals{kGelu, kBothWays, kNoCap};

/// Of every architecture. The GGUF keys are those that change what other architectures of that format compute.
inline constexpr std::array kCommonRefusals{
    Refusal{HuggingFace, "quantization_config", Unless::Absent,
            "quantised Hugging Face checkpoints are not supported; F32, F16, BF16 and GGUF files are"},
    Refusal{Gguf, "attention.value_length", Unless::HeadSize, "values of another size than keys are not supported"},
    Refusal{Gguf, "expert_count", Unless::Number, "mixtures of experts are not supported", {}, 0},
    Refusal{Gguf, "attention.scale", Unless::Absent, kOtherScale},
    Refusal{Gguf, "attention.output_scale", Unless::Absent, kOtherScale},
    Refusal{Gguf,
            "attention.temperature_scale",
            Unless::Number,
            "scores scaled by their position are not supported",
            {},
            0},
    Refusal{Gguf, "attention.clamp_kqv", Unless::Number, "clamped queries, keys and values are not supported", {}, 0},
    Refusal{Gguf, "attention.max_alibi_bias", Unless::Number, "ALiBi is not supported", {}, 0},
    Refusal{Gguf, "attention.shared_kv_layers", Unless::Number, "layers that share keys are not supported", {}, 0},
    Refusal{Gguf, "embedding_scale", Unless::Number, kOtherScale, {}, 1},
    Refusal{Gguf, "residual_scale", Unless::Number, kOtherScale, {}, 1},
    Refusal{Gguf, "logit_scale", Unless::Number, kOtherScale, {}, 1},
    Refusal{Gguf, "rope.scaling.alpha", Unless::Absent, kOtherRope},
    Refusal{Gguf, "rope.dimension_sections", Unless::Absent, kOtherRope},
    Refusal{Gguf, "rope.dimension_count_swa", Unless::HeadSize, kOtherRope},
};

}  // namespace spanscope::families
