#include "engine/model/adapter/adapter_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/shape_limits.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr int32_t kMaxRank = 1 << 16;
constexpr double kMaxAlpha = 1e9;
constexpr size_t kMaxPatterns = 4096;  // every key is compared with every tensor's name

/// Keys that are read, or that say nothing of what is computed.
constexpr std::array<std::string_view, 24> kRead{
    "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "exclude_modules",
    "layers_to_transform", "layers_pattern", "trainable_token_indices", "bias", "init_lora_weights",
    "base_model_name_or_path", "ensure_weight_tying",
    // its tensors are read by their names
    "modules_to_save",
    // of training, or of other software
    "lora_dropout", "task_type", "inference_mode", "auto_mapping", "peft_version", "revision", "runtime_config",
    "megatron_core"};
/// Means something together with another key only.
constexpr std::string_view kQaloraGroup = "qalora_group_size";

bool isNothing(const json& value) {
    return value.is_null() || value == false || ((value.is_object() || value.is_array()) && value.empty());
}

/// A setting that changes what is computed, or one that nobody here knows, must be off.
void refuseOthers(const json& object, JsonFields& fields) {
    for (const auto& [key, value] : object.items()) {
        if (std::find(kRead.begin(), kRead.end(), key) != kRead.end() || key == kQaloraGroup || isNothing(value))
            continue;
        fields.fail(ErrorCode::Unsupported, "this program does not compute adapters with this setting", key,
                    describeJson(value), "null, false or absent");
        return;
    }
}

/// A module's path or the end of one. Patterns are refused: they can say anything, and take any time.
bool isModuleName(const std::string& name) {
    return !name.empty() && name.size() < 256 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
}

/// Numbers for ends of modules' paths.
template <class T>
void readPattern(JsonFields& fields, const char* key, double min, double max, std::map<std::string, T>& others) {
    const json* object = fields.find(key);
    if (!object) return;
    if (!object->is_object() || object->size() > kMaxPatterns)
        return fields.fail(ErrorCode::Format, "wrong kind of value", key, describeJson(*object),
                           "an object of at most " + std::to_string(kMaxPatterns) + " names");
    for (const auto& [written, value] : object->items()) {
        const std::string place = std::string(key).append(".").append(written);
        const std::string name = written.starts_with('^') ? written.substr(1) : written;
        if (!isModuleName(name))
            return fields.fail(ErrorCode::Unsupported, "this program reads names of modules here, no patterns", place,
                               written, "a name such as layers.0.self_attn.q_proj");
        const bool whole = value.is_number_integer();
        if (!(std::is_integral_v<T> ? whole : value.is_number()))
            return fields.fail(ErrorCode::Format, "not a number", place, describeJson(value), "a number");
        const auto number = value.template get<double>();
        if (!(number >= min && number <= max))
            return fields.fail(ErrorCode::Format, "out of range", place, describeJson(value));
        others[name] = static_cast<T>(number);
    }
}

std::vector<int32_t> readCounts(JsonFields& fields, const json& list, const std::string& place, int32_t most,
                                bool ascending) {
    std::vector<int32_t> counts;
    if (!list.is_array() || list.size() > static_cast<size_t>(most) + 1) {
        fields.fail(ErrorCode::Format, "wrong kind of value", place, describeJson(list), "a list of whole numbers");
        return counts;
    }
    for (const json& item : list) {
        if (!item.is_number_unsigned() || item.get<uint64_t>() > static_cast<uint64_t>(most)) {
            fields.fail(ErrorCode::Format, "out of range", place, describeJson(item), "0 to " + std::to_string(most));
            return {};
        }
        counts.push_back(static_cast<int32_t>(item.get<uint64_t>()));
    }
    std::vector<int32_t> sorted = counts;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        fields.fail(ErrorCode::Format, "given twice", place, std::to_string(*twice), "each once");
    return ascending ? sorted : counts;
}

void readTargets(JsonFields& fields, AdapterConfig& config) {
    const json* targets = fields.find("target_modules");
    if (!targets || targets->is_string()) {  // a pattern, or only whole tensors
        config.rowsAreComplete = false;
        return;
    }
    if (!targets->is_array() || targets->size() > kMaxPatterns)
        return fields.fail(ErrorCode::Format, "wrong kind of value", "target_modules", describeJson(*targets),
                           "a list of modules' names");
    for (const json& name : *targets) {
        if (!name.is_string() || !isModuleName(name.get_ref<const std::string&>()))
            return fields.fail(ErrorCode::Format, "not the name of a module", "target_modules", describeJson(name),
                               "a name such as q_proj");
        config.targets.push_back(name.get<std::string>());
    }
    if (fields.has("exclude_modules") || fields.has("layers_pattern")) config.rowsAreComplete = false;
}

void readLayers(JsonFields& fields, AdapterConfig& config) {
    const json* layers = fields.find("layers_to_transform");
    if (!layers) return;
    const json list = layers->is_array() ? *layers : json::array({*layers});
    config.layers = readCounts(fields, list, "layers_to_transform", kMaxLayers - 1, true);
}

void readRows(JsonFields& fields, AdapterConfig& config) {
    const char* key = "trainable_token_indices";
    const json* rows = fields.find(key);
    if (!rows) return;
    if (!rows->is_object()) {
        config.embeddingRows = readCounts(fields, *rows, key, kMaxVocab - 1, false);
        return;
    }
    for (const auto& [module, list] : rows->items()) {
        const std::string place = std::string(key).append(".").append(module);
        if (module != "embed_tokens" && module != "lm_head")
            return fields.fail(ErrorCode::Unsupported, "rows of this module cannot be replaced", place, module,
                               "embed_tokens or lm_head");
        (module == "lm_head" ? config.headRows : config.embeddingRows) =
            readCounts(fields, list, place, kMaxVocab - 1, false);
    }
}

}  // namespace

double AdapterConfig::scale(std::string_view module) const {
    const double r = rank.of(module);
    return alpha.of(module) / (rankStabilised ? std::sqrt(r) : r);
}

Result<AdapterConfig> parseAdapterConfig(std::string_view text, const std::string& file) {
    auto object = parseJsonObject(text, file);
    if (!object) return object.error();
    JsonFields fields(*object, file);
    AdapterConfig config;
    const std::string type = fields.string("peft_type");
    if (fields.ok() && type != "LORA")
        fields.fail(ErrorCode::Unsupported, "this program does not run adapters of this kind", "peft_type", type,
                    "LORA");
    if (fields.ok() && fields.string("bias", "none") != "none")
        fields.fail(ErrorCode::Unsupported, "trained biases are not supported", "bias", fields.string("bias"), "none");
    // Other kinds of initialisation change the base's weights as well (PiSSA, OLoRA, LoftQ, CorDA).
    if (const json* init = fields.find("init_lora_weights"); fields.ok() && init && !init->is_boolean()) {
        const std::string how = init->is_string() ? init->get<std::string>() : describeJson(*init);
        if (how != "gaussian" && how != "eva" && how != "orthogonal")
            fields.fail(ErrorCode::Unsupported,
                        "an adapter that was begun in this way belongs to changed base weights; convert it to a plain "
                        "LoRA adapter",
                        "init_lora_weights", how, "true, false, gaussian, eva or orthogonal");
    }
    if (fields.ok()) refuseOthers(*object, fields);
    config.rank.usual = fields.int32("r", 1, kMaxRank);
    config.alpha.usual = fields.number("lora_alpha", -kMaxAlpha, kMaxAlpha);
    config.rankStabilised = fields.boolean("use_rslora", false);
    config.keepsHeadTied = fields.boolean("ensure_weight_tying", false);
    config.baseName = fields.string("base_model_name_or_path", "");
    if (fields.ok()) readPattern(fields, "rank_pattern", 1, kMaxRank, config.rank.others);
    if (fields.ok()) readPattern(fields, "alpha_pattern", -kMaxAlpha, kMaxAlpha, config.alpha.others);
    if (fields.ok()) readTargets(fields, config);
    if (fields.ok()) readLayers(fields, config);
    if (fields.ok()) readRows(fields, config);
    if (!fields.ok()) return fields.error();
    return config;
}

}  // namespace spanscope
