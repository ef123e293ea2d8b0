#include "engine/model/hf/hf_config.h"

#include "engine/files/json_fields.h"
#include "engine/model/rope.h"
#include "engine/model/shape_limits.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr const char* kSupported = "LlamaForCausalLM or MistralForCausalLM";

std::string readArchitecture(JsonFields& fields) {
    std::string name;
    if (const json* list = fields.find("architectures")) {
        if (list->is_array() && list->size() == 1 && (*list)[0].is_string()) name = (*list)[0].get<std::string>();
        if (name.empty())
            fields.fail(ErrorCode::Format, "wrong kind of value", "architectures", describeJson(*list),
                        "a list with one name");
    } else {
        const std::string type = fields.string("model_type", "");
        if (type == "llama") name = "LlamaForCausalLM";
        if (type == "mistral") name = "MistralForCausalLM";
        if (name.empty())
            fields.fail(ErrorCode::Unsupported, "this program does not run this model type", "model_type", type,
                        "llama or mistral");
    }
    if (fields.ok() && name != "LlamaForCausalLM" && name != "MistralForCausalLM")
        fields.fail(ErrorCode::Unsupported, "this program does not run this architecture", "architectures", name,
                    kSupported);
    return name;
}

void readScaling(JsonFields& rope, RopeConfig& config, int32_t maxSeqLen) {
    std::string type = rope.string("rope_type", "");
    if (type.empty()) type = rope.string("type", "default");
    if (!rope.ok() || type == "default") return;
    if (type != "linear" && type != "llama3") {
        rope.fail(ErrorCode::Unsupported, "this program does not know this RoPE scaling", "rope_type", type,
                  "default, linear or llama3");
        return;
    }
    config.factor = rope.number("factor", 1, 1e6);
    config.scaling = type == "linear" ? RopeConfig::Scaling::Linear : RopeConfig::Scaling::Llama3;
    if (type == "linear") return;
    config.lowFreqFactor = rope.number("low_freq_factor", 1e-6, 1e6);
    config.highFreqFactor = rope.number("high_freq_factor", 1e-6, 1e6);
    config.originalContext = rope.int32("original_max_position_embeddings", 1, kMaxContext, maxSeqLen);
    if (rope.ok() && config.highFreqFactor <= config.lowFreqFactor)
        rope.fail(ErrorCode::Format, "must be above low_freq_factor", "high_freq_factor",
                  std::to_string(config.highFreqFactor), "more than " + std::to_string(config.lowFreqFactor));
}

/// Older files: rope_theta and rope_scaling; transformers 5: both inside rope_parameters.
Result<RopeConfig> readRope(JsonFields& fields, const std::string& file, int32_t maxSeqLen) {
    RopeConfig config;
    config.theta = fields.number("rope_theta", 1, 1e12, 10000.0);
    for (const char* key : {"rope_parameters", "rope_scaling"}) {
        const json* object = fields.find(key);
        if (object == nullptr) continue;
        if (!object->is_object()) {
            fields.fail(ErrorCode::Format, "wrong kind of value", key, describeJson(*object), "an object or null");
            break;
        }
        JsonFields rope(*object, file, std::string(key) + ".");
        config.theta = rope.number("rope_theta", 1, 1e12, config.theta);
        readScaling(rope, config, maxSeqLen);
        if (!rope.ok()) return rope.error();
        break;
    }
    return config;
}

void refuseWhatIsNotRun(JsonFields& fields) {
    const std::string activation = fields.string("hidden_act", "silu");
    if (fields.ok() && activation != "silu" && activation != "swish")
        fields.fail(ErrorCode::Unsupported, "this program does not run this activation", "hidden_act", activation,
                    "silu");
    if (const json* quantization = fields.find("quantization_config"))
        fields.fail(ErrorCode::Unsupported,
                    "quantised Hugging Face checkpoints are not supported; F32, F16, BF16 and GGUF files are",
                    "quantization_config", describeJson(*quantization), "nothing");
    if (const double part = fields.number("partial_rotary_factor", 0, 1, 1.0); fields.ok() && part != 1.0)
        fields.fail(ErrorCode::Unsupported, "RoPE on a part of each head is not supported", "partial_rotary_factor",
                    std::to_string(part), "1");
}

}  // namespace

Result<HfConfig> parseHfConfig(std::string_view text, const std::string& file) {
    auto object = parseJsonObject(text, file);
    if (!object) return object.error();
    JsonFields fields(*object, file);
    HfConfig config;
    ModelShape& shape = config.shape;
    config.architecture = readArchitecture(fields);
    if (!fields.ok()) return fields.error();
    refuseWhatIsNotRun(fields);
    shape.hidden = fields.int32("hidden_size", 1, kMaxWidth);
    shape.ffn = fields.int32("intermediate_size", 1, kMaxWidth);
    shape.nLayers = fields.int32("num_hidden_layers", 1, kMaxLayers);
    shape.nHeads = fields.int32("num_attention_heads", 1, kMaxHeads);
    shape.nKvHeads = fields.int32("num_key_value_heads", 1, kMaxHeads, shape.nHeads);
    shape.vocab = fields.int32("vocab_size", 1, kMaxVocab);
    shape.maxSeqLen = fields.int32("max_position_embeddings", 1, kMaxContext, 2048);
    shape.rmsEps = static_cast<float>(fields.number("rms_norm_eps", 0, 1, 1e-6));
    shape.headDim = fields.int32("head_dim", 2, kMaxHeadDim, 0);
    if (!fields.ok()) return fields.error();
    if (shape.headDim == 0) {
        if (shape.hidden % shape.nHeads != 0)
            fields.fail(ErrorCode::Format, "not a multiple of num_attention_heads, and no head_dim", "hidden_size",
                        std::to_string(shape.hidden), "a multiple of " + std::to_string(shape.nHeads));
        shape.headDim = shape.hidden / shape.nHeads;
    }
    if (shape.headDim % 2 != 0 || shape.headDim < 2 || shape.headDim > kMaxHeadDim)
        fields.fail(ErrorCode::Format, "RoPE needs an even size", "head_dim", std::to_string(shape.headDim),
                    "an even number from 2 to " + std::to_string(kMaxHeadDim));
    if (shape.nHeads % shape.nKvHeads != 0)
        fields.fail(ErrorCode::Format, "does not divide num_attention_heads", "num_key_value_heads",
                    std::to_string(shape.nKvHeads), "a divisor of " + std::to_string(shape.nHeads));
    if (config.architecture == "MistralForCausalLM")
        shape.slidingWindow = fields.int32("sliding_window", 1, kMaxContext, 0);
    config.tiedHead = fields.boolean("tie_word_embeddings", false);
    config.attentionBias = fields.boolean("attention_bias", false);
    config.mlpBias = fields.boolean("mlp_bias", false);
    if (!fields.ok()) return fields.error();
    auto rope = readRope(fields, file, shape.maxSeqLen);
    if (!fields.ok()) return fields.error();
    if (!rope) return rope.error();
    shape.ropeInvFreq = ropeInvFreq(*rope, shape.headDim);
    return config;
}

}  // namespace spanscope
