// The parts of a tokenizer.json that act on a text, read one by one. Private to engine/model.
#pragma once

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/tokenizer/text_rules.h"
#include "kernels/result.h"

namespace spanscope {

/// What normalizer and pre_tokenizer do, in this order.
struct TextSteps {
    std::vector<TextRule> rules;
    std::vector<std::string_view> expressions;  ///< of pre_tokenizer_names.h
    bool byteLevel = false;                     ///< bytes are spelled as characters at the end
    bool splitAtMarks = false;                  ///< a word begins at each U+2581
    /// Spaces become U+2581.
    bool marksSpaces() const;
};

/// What post_processor puts around a text.
struct TextEnds {
    std::string before, after;  ///< names of pieces; empty: none
};

/// Each reads one part, nullptr where the file has none. Unsupported, with the part's or the field's name, for what is
/// not understood; Format for values of the wrong kind.
Status readNormalizer(const nlohmann::json* maybePart, const std::string& file, TextSteps& steps);
Status readPreTokenizer(const nlohmann::json* maybePart, const std::string& file, TextSteps& steps);
Status readPostProcessor(const nlohmann::json* maybePart, const std::string& file, TextEnds& ends);
/// Changes nothing in what pieces stand for; refused where it says that they stand for something else.
Status checkDecoder(const nlohmann::json* maybePart, const std::string& file, bool byteLevel);

/// Unsupported for a field that is none of these.
Status onlyFields(const nlohmann::json& object, std::initializer_list<std::string_view> names, const std::string& file,
                  const std::string& prefix);

}  // namespace spanscope
