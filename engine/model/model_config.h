// What the configuration of a model says, read the same way from config.json and from GGUF metadata. Private to
// engine/model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/files/decimal.h"
#include "engine/model/architecture.h"
#include "engine/model/shape_limits.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

struct ModelConfig {
    const Architecture* architecture = nullptr;  ///< never null after reading
    FileFormat format = FileFormat::HuggingFace;
    ModelShape shape;
    bool tiedHead = false;
    std::vector<std::string_view> presenceKeys;  ///< those of the architecture's parts that config.json says true to
};

/// config.json. Format on values that contradict each other or are absurd, Unsupported on what this program does not
/// run.
Result<ModelConfig> parseHfConfig(std::string_view text, const std::string& file);

/// Reads fields of either format under the names of one architecture. Fields: JsonFields or GgufFields.
template <class Fields>
class ConfigReader {
  public:
    ConfigReader(Fields& fields, const Architecture& architecture, FileFormat format)
        : m_fields(fields), m_architecture(architecture), m_format(format) {}

    /// The full key: GGUF puts the architecture before it.
    std::string key(std::string_view name) const {
        const std::string prefix = m_format == FileFormat::Gguf ? std::string(m_architecture.type.gguf) + "." : "";
        return prefix + std::string(name);
    }
    std::string key(const ConfigKey& k) const { return key(k.name.in(m_format)); }

    /// min where the format has no such key.
    int32_t count(const ConfigKey& k, int32_t min, int32_t max, std::optional<int64_t> fallback = {}) {
        if (k.name.in(m_format).empty()) return min;
        if (const auto byDefault = k.defaultIn(m_format)) fallback = static_cast<int64_t>(*byDefault);
        return static_cast<int32_t>(m_fields.integer(key(k).c_str(), min, max, fallback));
    }
    double number(const ConfigKey& k, double min, double max) {
        return m_fields.number(key(k).c_str(), min, max, k.defaultIn(m_format));
    }

    /// Shape without frequencies. vocabFallback: rows of the embedding, where the format may leave the number out.
    /// False: the fields have an error.
    bool readShape(ModelShape& shape, std::optional<int64_t> vocabFallback = {}) {
        const Architecture& a = m_architecture;
        shape.hidden = count(a.hidden, 1, kMaxWidth);
        shape.ffn = count(a.ffn, 1, kMaxWidth);
        shape.nLayers = count(a.nLayers, 1, kMaxLayers);
        shape.nHeads = count(a.nHeads, 1, kMaxHeads);
        shape.nKvHeads = count(a.nKvHeads, 1, kMaxHeads, shape.nHeads);
        shape.vocab = count(a.vocab, 1, kMaxVocab, vocabFallback);
        shape.maxSeqLen = count(a.maxSeqLen, 1, kMaxContext);
        shape.rmsEps = static_cast<float>(number(a.rmsEps, 0, 1));
        shape.headDim = count(a.headDim, 2, kMaxHeadDim, 0);
        if (!a.slidingWindow.name.in(m_format).empty())  // GGUF files write 0 for none; config.json leaves it out
            shape.slidingWindow = count(a.slidingWindow, m_format == FileFormat::Gguf ? 0 : 1, kMaxContext, 0);
        if (!m_fields.ok()) return false;
        if (shape.headDim == 0) {
            if (shape.hidden % shape.nHeads != 0)
                m_fields.fail(ErrorCode::Format, "not a multiple of " + key(a.nHeads) + ", and no " + key(a.headDim),
                              key(a.hidden), std::to_string(shape.hidden),
                              "a multiple of " + std::to_string(shape.nHeads));
            shape.headDim = shape.hidden / shape.nHeads;
        }
        if (shape.headDim % 2 != 0 || shape.headDim < 2 || shape.headDim > kMaxHeadDim)
            m_fields.fail(ErrorCode::Format, "RoPE needs an even head size", key(a.headDim),
                          std::to_string(shape.headDim), "an even number from 2 to " + std::to_string(kMaxHeadDim));
        if (shape.nHeads % shape.nKvHeads != 0)
            m_fields.fail(ErrorCode::Format, "does not divide " + key(a.nHeads), key(a.nKvHeads),
                          std::to_string(shape.nKvHeads), "a divisor of " + std::to_string(shape.nHeads));
        for (const Refusal& refusal : a.refusals)
            if (refusal.format == m_format && m_fields.ok()) check(refusal, shape);
        return m_fields.ok();
    }

    /// The scaling that a file calls `name`; fails at `field` if this architecture has none of that name.
    RopeScaling scaling(Fields& fields, const std::string& field, const std::string& name,
                        std::string_view orElse = {}) {
        for (const RopeScalingName& s : m_architecture.ropeScalings)
            if (!name.empty() && s.name.in(m_format) == name) return s.scaling;
        fields.fail(ErrorCode::Unsupported, "this program does not know this RoPE scaling", field, name,
                    knownScalings(m_architecture, m_format) + std::string(orElse));
        return RopeScaling::None;
    }

  private:
    void refuse(const Refusal& refusal, const std::string& field, std::string_view found, std::string_view expected) {
        m_fields.fail(ErrorCode::Unsupported, std::string(refusal.reason), field, found, expected);
    }

    void check(const Refusal& refusal, const ModelShape& shape) {
        const std::string field = key(refusal.key);
        switch (refusal.unless) {
            case Refusal::Unless::Absent:
                if (m_fields.has(field.c_str())) refuse(refusal, field, "present", "absent");
                break;
            case Refusal::Unless::Text: {
                const std::string text = m_fields.string(field.c_str(), std::string(refusal.texts[0]));
                if (m_fields.ok() && text != refusal.texts[0] && text != refusal.texts[1])
                    refuse(refusal, field, text, refusal.texts[0]);
                break;
            }
            case Refusal::Unless::Number: {
                const double found = m_fields.number(field.c_str(), 0, INT32_MAX, double(refusal.number));
                if (m_fields.ok() && found != refusal.number)
                    refuse(refusal, field, shortDecimal(found), std::to_string(refusal.number));
                break;
            }
            case Refusal::Unless::HeadSize: {
                const int64_t found = m_fields.integer(field.c_str(), 1, kMaxHeadDim, shape.headDim);
                if (m_fields.ok() && found != shape.headDim)
                    refuse(refusal, field, std::to_string(found), std::to_string(shape.headDim));
                break;
            }
        }
    }

    Fields& m_fields;
    const Architecture& m_architecture;
    FileFormat m_format;
};

}  // namespace spanscope
