// What the configuration of a model says, read the same way from config.json and from GGUF metadata. Private to
// engine/model.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
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
    bool tiedHead = false;                       ///< GGUF: there is no head
    bool tiedHeadSaid = true;                    ///< false: config.json leaves it to the architecture
    std::vector<std::string_view> presenceKeys;  ///< those of the architecture's parts that config.json says true to
};

/// What config.json says of each layer, one value for each; empty: nothing.
struct LayerLists {
    std::vector<bool> windowed, ropeless;
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
    /// 0 where the format has no such key, and where the value is null.
    double numberOrNone(const ConfigKey& k, double max) {
        if (k.name.in(m_format).empty() || m_fields.isNull(key(k).c_str())) return 0;
        return m_fields.number(key(k).c_str(), 0, max, k.defaultIn(m_format).value_or(0));
    }

    /// Shape without RoPE and layer kinds. vocabFallback: rows of the embedding, where the format may leave the number
    /// out. False: the fields have an error.
    bool readShape(ModelShape& shape, std::optional<int64_t> vocabFallback = {}) {
        const Architecture& a = m_architecture;
        shape.hidden = count(a.hidden, 1, kMaxWidth);
        shape.ffn = count(a.ffn, 1, kMaxWidth);
        shape.nLayers = count(a.nLayers, 1, kMaxLayers);
        shape.nHeads = count(a.nHeads, 1, kMaxHeads);
        shape.nKvHeads =
            m_fields.isNull(key(a.nKvHeads).c_str()) ? shape.nHeads : count(a.nKvHeads, 1, kMaxHeads, shape.nHeads);
        shape.vocab = count(a.vocab, 1, kMaxVocab, vocabFallback);
        shape.maxSeqLen = count(a.maxSeqLen, 1, kMaxContext);
        shape.rmsEps = static_cast<float>(number(a.rmsEps, 0, 1));
        shape.headDim = count(a.headDim, 2, kMaxHeadDim, 0);
        if (!m_fields.ok() || !checkHeads(shape)) return false;
        for (const auto& refusals : {commonRefusals(), a.refusals})
            for (const Refusal& refusal : refusals)
                if (refusal.format == m_format && m_fields.ok()) check(refusal, shape);
        shape.activation = a.activation;
        shape.qkNorm = a.qkNorm;
        if (a.scaledEmbedding) shape.embeddingScale = std::sqrt(static_cast<float>(shape.hidden));
        shape.attentionScale = attentionScale(shape);
        shape.attentionSoftcap = static_cast<float>(numberOrNone(a.attentionSoftcap, 1e6));
        shape.logitSoftcap = static_cast<float>(numberOrNone(a.logitSoftcap, 1e6));
        return m_fields.ok();
    }

    /// Windows and layers without RoPE; RoPE 1 is that of layers with a window, where the architecture has two.
    bool readLayers(ModelShape& shape, const LayerLists& lists) {
        const Architecture& a = m_architecture;
        const int32_t window = readWindow(), number = readWindowNumber();
        const bool gguf = m_format == FileFormat::Gguf;
        const int32_t interval = gguf && a.ropelessEveryNth.ggufDefault
                                     ? static_cast<int32_t>(*a.ropelessEveryNth.ggufDefault)
                                     : count(a.ropelessEveryNth, 0, kMaxLayers);
        if (!m_fields.ok()) return false;
        std::vector<LayerKind> kinds(static_cast<size_t>(shape.nLayers));
        bool oneWindow = true, oneRope = true;
        for (size_t i = 0; i < kinds.size(); ++i) {
            const auto layer = static_cast<int32_t>(i);
            bool windowed = a.window.layers != WindowedLayers::FromNth || layer >= number;
            if (a.window.layers == WindowedLayers::AllButEveryNth) windowed = (layer + 1) % number != 0;
            windowed = lists.windowed.empty() ? windowed && window > 0 : lists.windowed[i];
            if (windowed != (window > 0) && (windowed || a.window.layers == WindowedLayers::All))
                m_fields.fail(ErrorCode::Unsupported, "contradicts the size of the sliding window", kLayerTypes,
                              windowed ? "a layer with a window" : "a layer without one",
                              window > 0 ? "windows of " + std::to_string(window) : "no window");
            const bool ropeless = lists.ropeless.empty() ? interval > 0 && (layer + 1) % interval == 0
                                                         : static_cast<bool>(lists.ropeless[i]);
            const int32_t windowedRope = a.localRopeTheta.name.in(m_format).empty() ? 0 : 1;
            kinds[i].rope = ropeless ? -1 : windowed ? windowedRope : 0;
            kinds[i].window = windowed ? window : 0;
            oneWindow = oneWindow && kinds[i].window == kinds[0].window;
            oneRope = oneRope && kinds[i].rope == 0;
        }
        if (oneWindow && oneRope) shape.slidingWindow = kinds[0].window;
        else shape.layerKinds = std::move(kinds);
        return m_fields.ok();
    }

    /// Positions before scaling. fallback: where the file does not say.
    int32_t originalContext(int32_t fallback) {
        const ConfigKey& k = m_architecture.originalContext;
        return k.name.in(m_format).empty() ? fallback : count(k, 1, kMaxContext, fallback);
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

    static constexpr const char* kLayerTypes = "layer_types";

  private:
    int32_t readWindow() {
        const SlidingWindow& w = m_architecture.window;
        const bool gguf = m_format == FileFormat::Gguf;
        if (w.size.name.in(m_format).empty() || m_fields.isNull(key(w.size).c_str())) return 0;
        if (!gguf && !w.enabledBy.empty() && !m_fields.boolean(std::string(w.enabledBy).c_str(), false)) return 0;
        return count(w.size, gguf ? 0 : 1, kMaxContext, 0);  // GGUF files write 0 for none
    }

    int32_t readWindowNumber() {
        const SlidingWindow& w = m_architecture.window;
        const int32_t min = w.layers == WindowedLayers::AllButEveryNth ? 1 : 0;
        if (w.number.name.in(m_format).empty()) return static_cast<int32_t>(w.number.defaultIn(m_format).value_or(min));
        return count(w.number, min, kMaxLayers);
    }

    float attentionScale(const ModelShape& shape) {
        const Architecture& a = m_architecture;
        if (a.queryScalarKey.empty()) return 0;
        if (m_format == FileFormat::Gguf)
            return shape.nLayers == a.ggufWideScaleLayers
                       ? 1 / std::sqrt(static_cast<float>(shape.hidden / shape.nHeads))
                       : 0;
        const double scalar = m_fields.number(std::string(a.queryScalarKey).c_str(), 1e-6, 1e9, 256);
        return static_cast<float>(1 / std::sqrt(scalar));
    }

    /// Derives the size of a head where the format leaves it out.
    bool checkHeads(ModelShape& shape) {
        const Architecture& a = m_architecture;
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
        return m_fields.ok();
    }

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
            case Refusal::Unless::False:
                if (m_fields.boolean(field.c_str(), false)) refuse(refusal, field, "true", "false");
                break;
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
