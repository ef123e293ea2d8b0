#include "engine/model/hf/hf_rope.h"

#include <algorithm>
#include <array>

#include "engine/files/file_error.h"

namespace spanscope {

using nlohmann::json;

namespace {

using Reader = ConfigReader<JsonFields>;

constexpr const char* kGlobal = "full_attention";
constexpr const char* kLocal = "sliding_attention";
constexpr double kMostFactor = 1e6;

constexpr std::array<std::string_view, 16> kKnownKeys{"rope_type",        "type",
                                                      "rope_theta",       "partial_rotary_factor",
                                                      "factor",           "low_freq_factor",
                                                      "high_freq_factor", "beta_fast",
                                                      "beta_slow",        "attention_factor",
                                                      "mscale",           "mscale_all_dim",
                                                      "truncate",         "short_factor",
                                                      "long_factor",      "original_max_position_embeddings"};

class RopeReader {
  public:
    RopeReader(const Architecture& architecture, const ModelShape& shape, std::string file)
        : m_architecture(architecture), m_shape(shape), m_file(std::move(file)) {}

    /// config: what stands outside the object. context: positions before scaling, if config.json says them outside.
    Result<RopeConfig> read(const json& object, const std::string& prefix, RopeConfig config,
                            std::optional<int32_t> context, double partial) {
        JsonFields rope(object, m_file, prefix);
        for (const auto& item : object.items())
            if (std::find(kKnownKeys.begin(), kKnownKeys.end(), item.key()) == kKnownKeys.end())
                rope.fail(ErrorCode::Unsupported, "this program does not know this RoPE setting", item.key(), "present",
                          "absent");
        Reader reader(rope, m_architecture, FileFormat::HuggingFace);
        config.theta = rope.number("rope_theta", 1, 1e12, config.theta);
        config.dims = rotated(rope, partial);
        std::string type = rope.string("rope_type", "");
        if (type.empty()) type = rope.string("type", "default");
        if (rope.ok()) config.scaling = reader.scaling(rope, "rope_type", type);
        if (rope.ok()) readScaling(rope, config, context);
        if (!rope.ok()) return rope.error();
        return config;
    }

    /// How many values of a head are rotated.
    int32_t rotated(JsonFields& fields, double fallback) {
        constexpr const char* kKey = "partial_rotary_factor";
        const double part = fields.number(kKey, 0, 1, fallback);
        const auto dims = static_cast<int32_t>(m_shape.headDim * part);
        if (fields.ok() && part != 1 && !m_architecture.partialRope)
            fields.fail(ErrorCode::Unsupported, "RoPE on a part of each head is not supported for this architecture",
                        kKey, shortDecimal(part), "1");
        if (fields.ok() && (dims < 2 || dims % 2 != 0))
            fields.fail(ErrorCode::Format, "RoPE rotates pairs of values", kKey,
                        std::to_string(dims) + " values of each head", "an even number, at least 2");
        return dims;
    }

  private:
    std::vector<double> divisors(JsonFields& rope, const char* key, int32_t dims) {
        std::vector<double> result;
        const auto n = static_cast<size_t>(dims / 2);
        const json* list = rope.find(key);
        const bool fits = list != nullptr && list->is_array() && list->size() == n;
        for (size_t i = 0; fits && i < n; ++i) {
            const json& value = (*list)[i];
            if (value.is_number()) result.push_back(value.get<double>());
            if (result.size() != i + 1 || !(result[i] > 1e-6 && result[i] < kMostFactor)) {
                rope.fail(ErrorCode::Format, "not a divisor of a frequency", key, describeJson(value),
                          "a number above 0");
                return std::vector<double>(n, 1);
            }
        }
        if (!fits)
            rope.fail(ErrorCode::Format, "missing, or not one number for each pair of a head", key,
                      list == nullptr ? "nothing" : describeJson(*list), "an array of " + std::to_string(n));
        return result;
    }

    void readScaling(JsonFields& rope, RopeConfig& config, std::optional<int32_t> context) {
        if (config.scaling == RopeScaling::None) return;
        if (config.scaling == RopeScaling::Linear) {
            config.factor = rope.number("factor", 1, kMostFactor);
            return;
        }
        constexpr const char* kContext = "original_max_position_embeddings";
        config.originalContext = rope.int32(kContext, 1, kMaxContext, m_shape.maxSeqLen);
        if (context) config.originalContext = *context;
        if (config.scaling == RopeScaling::Llama3) readLlama3(rope, config);
        if (config.scaling == RopeScaling::Yarn) readYarn(rope, config);
        if (config.scaling == RopeScaling::LongRope) {
            const double ratio = double(m_shape.maxSeqLen) / std::max(1, config.originalContext);
            config.factor = rope.number("factor", 1e-6, kMostFactor, ratio);
            config.shortFactors = divisors(rope, "short_factor", config.dims);
            config.longFactors = divisors(rope, "long_factor", config.dims);
            if (rope.ok() && config.originalContext < 2)
                rope.fail(ErrorCode::Format, "too short for longrope", kContext, "1", "at least 2");
        }
        if (config.scaling != RopeScaling::Llama3 && rope.has("attention_factor"))
            config.attentionFactor = rope.number("attention_factor", 1e-6, kMostFactor);
    }

    static void readLlama3(JsonFields& rope, RopeConfig& config) {
        config.factor = rope.number("factor", 1, kMostFactor);
        config.lowFreqFactor = rope.number("low_freq_factor", 1e-6, kMostFactor);
        config.highFreqFactor = rope.number("high_freq_factor", 1e-6, kMostFactor);
        if (rope.ok() && config.highFreqFactor <= config.lowFreqFactor)
            rope.fail(ErrorCode::Format, "must be above low_freq_factor", "high_freq_factor",
                      std::to_string(config.highFreqFactor), "more than " + std::to_string(config.lowFreqFactor));
    }

    static void readYarn(JsonFields& rope, RopeConfig& config) {
        config.factor = rope.number("factor", 1, kMostFactor);
        config.betaFast = rope.number("beta_fast", 1e-6, kMostFactor, 32);
        config.betaSlow = rope.number("beta_slow", 1e-6, kMostFactor, 1);
        config.mscale = rope.number("mscale", 0, kMostFactor, 0);
        config.mscaleAllDims = rope.number("mscale_all_dim", 0, kMostFactor, 0);
        config.truncate = rope.boolean("truncate", true);
        if (rope.ok() && config.betaFast < config.betaSlow)
            rope.fail(ErrorCode::Format, "must not be below beta_slow", "beta_fast", shortDecimal(config.betaFast),
                      "at least " + shortDecimal(config.betaSlow));
        if (rope.ok() && config.theta <= 1)
            rope.fail(ErrorCode::Format, "YaRN needs a base above 1", "rope_theta", shortDecimal(config.theta),
                      "above 1");
    }

    const Architecture& m_architecture;
    const ModelShape& m_shape;
    std::string m_file;
};

/// The object that counts, or nullptr; `key` says which. Fails if both are there and differ: transformers takes
/// rope_scaling then, older programs the other one.
const json* ropeObject(JsonFields& fields, const char*& key) {
    const json* found = nullptr;
    for (const char* name : {"rope_parameters", "rope_scaling"}) {
        const json* object = fields.find(name);
        if (object == nullptr) continue;
        if (!object->is_object()) {
            fields.fail(ErrorCode::Format, "wrong kind of value", name, describeJson(*object), "an object or null");
            return nullptr;
        }
        if (object->empty()) continue;
        if (found != nullptr && *found != *object) {
            fields.fail(ErrorCode::Unsupported, "contradicts rope_parameters, and programs differ in which they take",
                        name, "another object", "the same, or one of the two");
            return nullptr;
        }
        if (found == nullptr) key = name, found = object;
    }
    return found;
}

}  // namespace

Status readHfRope(JsonFields& fields, const Architecture& a, const std::string& file, ModelShape& shape) {
    Reader reader(fields, a, FileFormat::HuggingFace);
    RopeReader ropes(a, shape, file);
    const bool twoBases = !a.localRopeTheta.name.huggingFace.empty();
    RopeConfig global, local;
    global.theta = reader.number(a.ropeTheta, 1, 1e12);
    if (twoBases) local.theta = reader.number(a.localRopeTheta, 1, 1e12);
    global.dims = local.dims = ropes.rotated(fields, 1);
    const double partial = fields.number("partial_rotary_factor", 0, 1, 1);
    std::optional<int32_t> context;
    if (!a.originalContext.name.huggingFace.empty()) context = reader.originalContext(shape.maxSeqLen);
    const char* key = "";
    const json* object = ropeObject(fields, key);
    if (!fields.ok()) return fields.error();

    const std::string prefix = std::string(key) + ".";
    const auto part = [&](const json& settings, const std::string& where, RopeConfig& config) -> Status {
        auto read = ropes.read(settings, where, config, context, partial);
        if (!read) return read.error();
        config = std::move(*read);
        return {};
    };
    const bool nested = object != nullptr && (object->contains(kGlobal) || object->contains(kLocal));
    if (nested && twoBases) {
        JsonFields kinds(*object, file, prefix);
        for (const auto& item : object->items()) {
            const bool isLocal = item.key() == kLocal;
            if ((!isLocal && item.key() != kGlobal) || (!item.value().is_object() && !item.value().is_null())) {
                kinds.fail(ErrorCode::Unsupported, "this program does not know RoPE settings of this form", item.key(),
                           describeJson(item.value()), "objects full_attention and sliding_attention");
                return kinds.error();
            }
            if (item.value().is_null()) continue;
            if (auto status = part(item.value(), prefix + item.key() + ".", isLocal ? local : global); !status)
                return status;
        }
    } else if (object != nullptr && twoBases && std::string_view(key) == "rope_parameters") {
        fields.fail(ErrorCode::Unsupported, "settings for all layers alike, where this architecture has two kinds", key,
                    "one object", "objects full_attention and sliding_attention");
        return fields.error();
    } else if (object != nullptr) {  // nested where there are no two kinds: refused by the key
        if (auto status = part(*object, prefix, global); !status) return status;
    }
    shape.ropes.push_back(makeRope(global));
    if (twoBases) shape.ropes.push_back(makeRope(local));
    if (global.scaling == RopeScaling::LongRope) shape.longRopeAbove = global.originalContext;
    return {};
}

}  // namespace spanscope
