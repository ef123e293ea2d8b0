// config.json of a Hugging Face folder.
#include "engine/files/json_fields.h"
#include "engine/model/model_config.h"

namespace spanscope {

using nlohmann::json;

namespace {

using Reader = ConfigReader<JsonFields>;

/// nullptr: the fields have an error.
const Architecture* readArchitecture(JsonFields& fields) {
    const Architecture* architecture = nullptr;
    if (const json* list = fields.find("architectures")) {
        std::string name;
        if (list->is_array() && list->size() == 1 && (*list)[0].is_string()) name = (*list)[0].get<std::string>();
        if (name.empty())
            fields.fail(ErrorCode::Format, "wrong kind of value", "architectures", describeJson(*list),
                        "a list with one name");
        architecture = architectureOfClass(name);
        if (architecture == nullptr)
            fields.fail(ErrorCode::Unsupported, kUnknownArchitecture, "architectures", name, knownClasses());
    } else {
        const std::string type = fields.string("model_type", "");
        architecture = architectureOfType(FileFormat::HuggingFace, type);
        if (architecture == nullptr)
            fields.fail(ErrorCode::Unsupported, kUnknownArchitecture, "model_type", type,
                        knownTypes(FileFormat::HuggingFace));
    }
    return fields.ok() ? architecture : nullptr;
}

void readScaling(Reader& reader, JsonFields& rope, RopeConfig& config, int32_t maxSeqLen) {
    std::string type = rope.string("rope_type", "");
    if (type.empty()) type = rope.string("type", "default");
    if (!rope.ok()) return;
    config.scaling = reader.scaling(rope, "rope_type", type);
    if (!rope.ok() || config.scaling == RopeScaling::None) return;
    config.factor = rope.number("factor", 1, 1e6);
    if (config.scaling == RopeScaling::Linear) return;
    config.lowFreqFactor = rope.number("low_freq_factor", 1e-6, 1e6);
    config.highFreqFactor = rope.number("high_freq_factor", 1e-6, 1e6);
    config.originalContext = rope.int32("original_max_position_embeddings", 1, kMaxContext, maxSeqLen);
    if (rope.ok() && config.highFreqFactor <= config.lowFreqFactor)
        rope.fail(ErrorCode::Format, "must be above low_freq_factor", "high_freq_factor",
                  std::to_string(config.highFreqFactor), "more than " + std::to_string(config.lowFreqFactor));
}

/// Older files: rope_theta and rope_scaling; transformers 5: both inside rope_parameters.
Result<RopeConfig> readRope(JsonFields& fields, Reader& reader, const ConfigKey& theta, const std::string& file,
                            int32_t maxSeqLen) {
    RopeConfig config;
    config.theta = reader.number(theta, 1, 1e12);
    for (const char* key : {"rope_parameters", "rope_scaling"}) {
        const json* object = fields.find(key);
        if (object == nullptr) continue;
        if (!object->is_object()) {
            fields.fail(ErrorCode::Format, "wrong kind of value", key, describeJson(*object), "an object or null");
            break;
        }
        JsonFields rope(*object, file, std::string(key) + ".");
        config.theta = rope.number(reader.key(theta).c_str(), 1, 1e12, config.theta);
        readScaling(reader, rope, config, maxSeqLen);
        if (!rope.ok()) return rope.error();
        break;
    }
    return config;
}

}  // namespace

Result<ModelConfig> parseHfConfig(std::string_view text, const std::string& file) {
    auto object = parseJsonObject(text, file);
    if (!object) return object.error();
    JsonFields fields(*object, file);
    ModelConfig config;
    config.architecture = readArchitecture(fields);
    if (config.architecture == nullptr) return fields.error();
    const Architecture& architecture = *config.architecture;
    Reader reader(fields, architecture, FileFormat::HuggingFace);
    if (!reader.readShape(config.shape)) return fields.error();
    config.tiedHead = fields.boolean(std::string(architecture.tiedHeadKey).c_str(), false);
    for (const LayerPart& part : architecture.layerParts)
        if (!part.presenceKey.empty() && fields.boolean(std::string(part.presenceKey).c_str(), false))
            config.presenceKeys.push_back(part.presenceKey);
    if (!fields.ok()) return fields.error();
    auto rope = readRope(fields, reader, architecture.ropeTheta, file, config.shape.maxSeqLen);
    if (!fields.ok()) return fields.error();
    if (!rope) return rope.error();
    config.shape.ropes.push_back({.invFreq = ropeInvFreq(*rope, config.shape.headDim)});
    return config;
}

}  // namespace spanscope
