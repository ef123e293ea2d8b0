// What this program knows of each model architecture, as data: what the formats call its tensors and settings, what
// they leave out, and what it refuses. Another architecture is another description (and kernels where its maths
// differs). Private to engine/model.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/model/rope.h"
#include "kernels/backend.h"

namespace spanscope {

enum class FileFormat : uint8_t { HuggingFace, Gguf };

/// What the formats call one thing. Empty: the format has no such thing.
struct FormatNames {
    std::string_view huggingFace, gguf;
    constexpr std::string_view in(FileFormat format) const {
        return format == FileFormat::HuggingFace ? huggingFace : gguf;
    }
};

/// A number of the model's configuration: a key of config.json, and a metadata key behind the architecture's prefix.
struct ConfigKey {
    FormatNames name;
    std::optional<double> huggingFaceDefault = {}, ggufDefault = {};  ///< none: the format must say it
    constexpr std::optional<double> defaultIn(FileFormat format) const {
        return format == FileFormat::HuggingFace ? huggingFaceDefault : ggufDefault;
    }
};

/// A tensor that every layer has, by its name behind the layer's prefix. Neighbours of the same name are rows of one
/// tensor, one part behind the other.
struct LayerPart {
    TensorView LayerWeights::*view;
    FormatNames name;
    /// Of an optional tensor: the truth value in config.json that says whether it is there; in GGUF it is there if the
    /// file has it, then in all layers. Empty: it must be there.
    std::string_view presenceKey = {};
};

struct RopeScalingName {
    RopeScaling scaling;
    FormatNames name;
};

/// Which layers have the model's sliding window.
enum class WindowedLayers : uint8_t {
    All,
    AllButEveryNth,  ///< layer i reads everything if i + 1 is a multiple of SlidingWindow::number
    FromNth,         ///< from layer SlidingWindow::number on
};

struct SlidingWindow {
    ConfigKey size = {};              ///< tokens; absent, null or 0: there is none
    std::string_view enabledBy = {};  ///< truth value in config.json without which the size means nothing
    WindowedLayers layers = WindowedLayers::All;
    ConfigKey number = {};
};

/// A setting that this program runs with one value only.
struct Refusal {
    enum class Unless : uint8_t {
        Absent,    ///< the key is not there
        Text,      ///< one of `texts`, of which the first stands for an absent key
        Number,    ///< `number`, also where the key is absent
        HeadSize,  ///< the size of a head, also where the key is absent
        False,     ///< false, also where the key is absent
    };
    FileFormat format;
    std::string_view key;
    Unless unless;
    std::string_view reason;  ///< a sentence, the same for the same reason in both formats
    std::array<std::string_view, 2> texts = {};
    int32_t number = 0;
};

struct Architecture {
    std::string_view name;       ///< for people
    std::string_view className;  ///< "architectures" of config.json
    FormatNames type;            ///< "model_type"; general.architecture, which is also the prefix of its keys
    ConfigKey hidden, ffn, nLayers, nHeads;
    ConfigKey nKvHeads;  ///< absent: nHeads
    ConfigKey headDim;   ///< absent: hidden / nHeads
    ConfigKey vocab;     ///< absent in GGUF: the embedding's rows
    ConfigKey maxSeqLen, rmsEps;
    SlidingWindow window;
    Activation activation = Activation::Silu;
    QkNorm qkNorm = QkNorm::None;
    bool scaledEmbedding = false;  ///< by the square root of the width
    ConfigKey attentionSoftcap = {}, logitSoftcap = {};
    std::string_view queryScalarKey = {};  ///< scores are scaled by its value to the power -1/2; 256 if it is absent
    /// GGUF does not say that value: it is the size of a head, and in the model of so many layers hidden / nHeads.
    int32_t ggufWideScaleLayers = 0;
    ConfigKey ropeTheta;
    ConfigKey localRopeTheta = {};    ///< of layers with a window, which have unscaled angles of their own
    ConfigKey originalContext = {};   ///< positions before scaling; absent: maxSeqLen
    ConfigKey ropelessEveryNth = {};  ///< layer i has no RoPE if i + 1 is a multiple; no name in GGUF: the default
    bool partialRope = false;         ///< may rotate only the first values of a head
    std::span<const RopeScalingName> ropeScalings;
    bool ggufRopeInterleaved = false;       ///< its GGUF files order the rows of q and k for pairs (2i, 2i + 1)
    bool huggingFaceNormsBelowOne = false;  ///< its safetensors hold gains of RMSNorm less 1, in GGUF they are whole
    std::string_view tiedHeadKey;           ///< in config.json; in GGUF the head is tied if it is absent
    bool tiedByDefault = false;             ///< where config.json does not say
    FormatNames embedding, finalNorm, head;
    FormatNames layerPrefix;  ///< a number and "." follow
    std::span<const LayerPart> layerParts;
    FormatNames ropeDivisors;                           ///< a tensor with one divisor for each frequency
    FormatNames shortDivisors = {}, longDivisors = {};  ///< longrope: the same for short and long sequences
    FormatNames ignoredInLayers;                        ///< of old files; follows from the configuration
    std::span<const Refusal> refusals;                  ///< beside commonRefusals()
};

/// Why a file is refused that names an architecture without a description.
inline constexpr const char* kUnknownArchitecture = "this program does not run this architecture";

/// All there are. Static.
std::span<const Architecture* const> allArchitectures();

/// What is refused of every architecture. Static.
std::span<const Refusal> commonRefusals();

/// By className (Hugging Face), or by type. nullptr: unknown.
const Architecture* architectureOfClass(std::string_view className);
const Architecture* architectureOfType(FileFormat format, std::string_view type);

/// "a, b or c", for messages: what files of the format may say.
std::string knownClasses();
std::string knownTypes(FileFormat format);
std::string knownScalings(const Architecture& architecture, FileFormat format);

}  // namespace spanscope
