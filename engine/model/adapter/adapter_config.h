// adapter_config.json of a PEFT LoRA adapter: what it says, and what of it this program computes. Private to
// engine/model.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

/// Is `end` a module's path or the end of it, whole names only?
inline bool isEndOfPath(std::string_view end, std::string_view path) {
    if (!path.ends_with(end)) return false;
    return path.size() == end.size() || path[path.size() - end.size() - 1] == '.';
}

/// A number for every module, and others for modules whose path ends with a name.
template <class T>
struct ByModule {
    T usual{};
    std::map<std::string, T> others;  ///< path or its end -> number

    /// module: "model.layers.0.self_attn.q_proj". The first that matches, in the order of their names' text.
    T of(std::string_view module) const {
        for (const auto& [end, value] : others)
            if (isEndOfPath(end, module)) return value;
        return usual;
    }
    /// Do two names mean this module, with different numbers? The file's order would then decide, which is lost.
    bool isAmbiguous(std::string_view module) const {
        for (const auto& [end, value] : others)
            if (isEndOfPath(end, module) && value != of(module)) return true;
        return false;
    }
};

struct AdapterConfig {
    ByModule<int32_t> rank;
    ByModule<double> alpha;
    bool rankStabilised = false;  ///< alpha / sqrt(rank) instead of alpha / rank
    std::vector<std::string>
        targets;                  ///< ends of the paths of adapted modules; empty: a pattern, the tensors say which
    std::vector<int32_t> layers;  ///< adapted ones, ascending; empty: all
    std::vector<int32_t> embeddingRows, headRows;  ///< replaced ones, in the order of their tensor
    bool rowsAreComplete = true;  ///< every target in every such layer has tensors: nothing is left out by a pattern
    bool keepsHeadTied = false;   ///< a replaced embedding is also the head of a model whose head is tied
    std::string baseName;         ///< what the adapter was trained over, for people

    /// What B (A x) of a module is multiplied with.
    double scale(std::string_view module) const;
    /// The key whose names leave the module's number open; empty: none does.
    std::string ambiguous(std::string_view module) const {
        if (rank.isAmbiguous(module)) return "rank_pattern";
        return alpha.isAmbiguous(module) ? "alpha_pattern" : "";
    }
};

/// Format on what contradicts itself or is absurd; Unsupported, naming the key, on everything that this program does
/// not compute, keys that nobody knows among it.
Result<AdapterConfig> parseAdapterConfig(std::string_view text, const std::string& file);

}  // namespace spanscope
