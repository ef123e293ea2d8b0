// config.json of a Hugging Face folder.
#include <optional>

#include "engine/files/json_fields.h"
#include "engine/model/hf/hf_rope.h"
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

/// One value for each layer from a list in config.json; empty if there is none. value: what an element means, nothing
/// for one that means nothing. atLeast: the list may be longer than the model.
template <class Value>
std::vector<bool> readLayerList(JsonFields& fields, const char* key, int32_t nLayers, bool atLeast,
                                const char* expected, Value value) {
    const json* list = fields.find(key);
    if (list == nullptr) return {};
    const auto n = static_cast<size_t>(nLayers);
    if (!list->is_array() || list->size() < n || (!atLeast && list->size() != n)) {
        fields.fail(ErrorCode::Format, "not one value for each layer", key, describeJson(*list),
                    "an array of " + std::to_string(n));
        return {};
    }
    std::vector<bool> values;
    for (size_t i = 0; i < n; ++i) {
        const std::optional<bool> is = value((*list)[i]);
        if (!is) {
            fields.fail(ErrorCode::Unsupported, "this program does not know this kind of layer",
                        std::string(key) + "[" + std::to_string(i) + "]", describeJson((*list)[i]), expected);
            return {};
        }
        values.push_back(*is);
    }
    return values;
}

LayerLists readLayerLists(JsonFields& fields, const Architecture& architecture, int32_t nLayers) {
    LayerLists lists;
    lists.windowed = readLayerList(fields, Reader::kLayerTypes, nLayers, false, "full_attention or sliding_attention",
                                   [](const json& type) -> std::optional<bool> {
                                       if (type == "sliding_attention") return true;
                                       if (type == "full_attention") return false;
                                       return {};
                                   });
    if (!architecture.ropelessEveryNth.name.huggingFace.empty())  // 1: the layer has RoPE
        lists.ropeless = readLayerList(fields, "no_rope_layers", nLayers, true, "1 or 0",
                                       [](const json& has) -> std::optional<bool> {
                                           if (has == 1 || has == true) return false;
                                           if (has == 0 || has == false) return true;
                                           return {};
                                       });
    return lists;
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
    ModelShape& shape = config.shape;
    if (!reader.readShape(shape)) return fields.error();
    const LayerLists lists = readLayerLists(fields, architecture, shape.nLayers);
    if (!fields.ok() || !reader.readLayers(shape, lists)) return fields.error();
    const std::string tied(architecture.tiedHeadKey);
    config.tiedHead = fields.boolean(tied.c_str(), architecture.tiedByDefault);
    config.tiedHeadSaid = fields.has(tied.c_str());
    for (const LayerPart& part : architecture.layerParts)
        if (!part.presenceKey.empty() && fields.boolean(std::string(part.presenceKey).c_str(), false))
            config.presenceKeys.push_back(part.presenceKey);
    if (!fields.ok()) return fields.error();
    if (auto status = readHfRope(fields, architecture, file, shape); !status) return status.error();
    return config;
}

}  // namespace spanscope
