#include "engine/model/tokenizer/tokenizer_json_parts.h"

#include <algorithm>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/tokenizer/pre_tokenizer_names.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

using nlohmann::json;

namespace {

Error notUnderstood(const std::string& file, const std::string& field, std::string_view found,
                    std::string_view expected) {
    return fileError(ErrorCode::Unsupported, "this part of a tokenizer is not understood", file, field, found,
                     expected);
}

/// A part: an object with a type.
struct Part {
    const json& object;
    std::string field;  ///< its name, for messages
    std::string type;
};

Result<Part> readPart(const json& value, const std::string& file, const std::string& field) {
    if (!value.is_object())
        return fileError(ErrorCode::Format, "wrong kind of value", file, field, describeJson(value), "an object");
    JsonFields fields(value, file, field + ".");
    std::string type = fields.string("type");
    if (!fields.ok()) return fields.error();
    return Part{value, field, std::move(type)};
}

/// The part, or those of a Sequence, in order. list: what a Sequence calls them.
Result<std::vector<Part>> partsOf(const json* maybePart, const std::string& file, const std::string& field,
                                  const char* list) {
    std::vector<Part> parts;
    if (maybePart == nullptr) return parts;
    auto whole = readPart(*maybePart, file, field);
    if (!whole) return whole.error();
    if (whole->type != "Sequence") {
        parts.push_back(std::move(*whole));
        return parts;
    }
    if (auto status = onlyFields(*maybePart, {"type", list}, file, field); !status) return status.error();
    const auto members = maybePart->find(list);
    if (members == maybePart->end() || !members->is_array())
        return fileError(ErrorCode::Format, "missing or not a list", file, field + "." + list);
    for (size_t i = 0; i < members->size(); ++i) {
        auto part = readPart((*members)[i], file, field + "." + list + "[" + std::to_string(i) + "]");
        if (!part) return part.error();
        parts.push_back(std::move(*part));
    }
    return parts;
}

/// pattern: {"String": text} or {"Regex": text}.
struct Pattern {
    bool isExpression = false;
    std::string text;
};

Result<Pattern> readPattern(const Part& part, const std::string& file) {
    const auto pattern = part.object.find("pattern");
    if (pattern != part.object.end() && pattern->is_object() && pattern->size() == 1)
        for (const bool isExpression : {false, true})
            if (const auto text = pattern->find(isExpression ? "Regex" : "String");
                text != pattern->end() && text->is_string() && !text->get_ref<const std::string&>().empty())
                return Pattern{isExpression, text->get<std::string>()};
    return fileError(ErrorCode::Format, "wrong kind of value", file, part.field + ".pattern",
                     pattern == part.object.end() ? "nothing" : describeJson(*pattern),
                     "an object with \"String\" or \"Regex\"");
}

Status readSplit(const Part& part, const std::string& file, TextSteps& steps) {
    if (auto status = onlyFields(part.object, {"type", "pattern", "behavior", "invert"}, file, part.field); !status)
        return status;
    const auto pattern = readPattern(part, file);
    if (!pattern) return pattern.error();
    JsonFields fields(part.object, file, part.field + ".");
    const std::string behaviour = fields.string("behavior");
    const bool inverted = fields.boolean("invert", false);
    if (!fields.ok()) return fields.error();
    if (!pattern->isExpression) {
        if (pattern->text == " " && steps.marksSpaces()) return {};  // no space is left to split at
        return notUnderstood(file, part.field + ".pattern", pattern->text, "an expression");
    }
    const KnownExpression* known = findExpression(pattern->text);
    if (known == nullptr)
        return notUnderstood(file, part.field + ".pattern", pattern->text, "an expression that this program knows");
    const bool keepsAll = behaviour == "Isolated" && !inverted;
    const bool keepsMatches = behaviour == "Removed" && inverted && known->coversAll;
    if (!keepsAll && !keepsMatches)
        return notUnderstood(file, part.field + ".behavior", behaviour + (inverted ? ", inverted" : ""), "Isolated");
    steps.expressions.push_back(known->text);
    return {};
}

Status readMetaspace(const Part& part, const std::string& file, TextSteps& steps) {
    if (auto status =
            onlyFields(part.object, {"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"},
                       file, part.field);
        !status)
        return status;
    JsonFields fields(part.object, file, part.field + ".");
    const std::string mark = fields.string("replacement");
    const bool prefix = fields.boolean("add_prefix_space", true);
    const std::string scheme = fields.string("prepend_scheme", prefix ? "always" : "never");
    steps.splitAtMarks = fields.boolean("split", true);
    if (!fields.ok()) return fields.error();
    if (mark != kSpaceMark) return notUnderstood(file, part.field + ".replacement", mark, kSpaceMark);
    steps.rules.push_back({TextRule::Kind::Replace, " ", std::string(kSpaceMark)});
    if (scheme == "always" || scheme == "first")
        steps.rules.push_back({TextRule::Kind::PrependOnce, {}, std::string(kSpaceMark)});
    else if (scheme != "never")
        return notUnderstood(file, part.field + ".prepend_scheme", scheme, "always, first or never");
    return {};
}

Status readByteLevel(const Part& part, const std::string& file, TextSteps& steps) {
    if (auto status =
            onlyFields(part.object, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, file, part.field);
        !status)
        return status;
    JsonFields fields(part.object, file, part.field + ".");
    const bool prefix = fields.boolean("add_prefix_space", true);
    const bool cuts = fields.boolean("use_regex", true);
    if (!fields.ok()) return fields.error();
    if (prefix) return notUnderstood(file, part.field + ".add_prefix_space", "true", "false");
    if (cuts) steps.expressions.push_back(gpt2Expression());
    steps.byteLevel = true;
    return {};
}

}  // namespace

bool TextSteps::marksSpaces() const {
    return std::any_of(rules.begin(), rules.end(), [](const TextRule& rule) {
        return rule.kind == TextRule::Kind::Replace && rule.from == " " && rule.to == kSpaceMark;
    });
}

Status onlyFields(const json& object, std::initializer_list<std::string_view> names, const std::string& file,
                  const std::string& prefix) {
    for (const auto& item : object.items())
        if (std::find(names.begin(), names.end(), item.key()) == names.end())
            return notUnderstood(file, prefix + "." + item.key(), describeJson(item.value()), "no such field");
    return {};
}

Status readNormalizer(const json* maybePart, const std::string& file, TextSteps& steps) {
    const auto parts = partsOf(maybePart, file, "normalizer", "normalizers");
    if (!parts) return parts.error();
    for (const Part& part : *parts) {
        JsonFields fields(part.object, file, part.field + ".");
        Status known = {};
        if (part.type == "NFC") {
            known = onlyFields(part.object, {"type"}, file, part.field);
            steps.rules.push_back({TextRule::Kind::Nfc, {}, {}});
        } else if (part.type == "Prepend") {
            known = onlyFields(part.object, {"type", "prepend"}, file, part.field);
            steps.rules.push_back({TextRule::Kind::Prepend, {}, fields.string("prepend")});
        } else if (part.type == "Replace") {
            known = onlyFields(part.object, {"type", "pattern", "content"}, file, part.field);
            const auto pattern = readPattern(part, file);
            if (!pattern) return pattern.error();
            if (pattern->isExpression)
                return notUnderstood(file, part.field + ".pattern", pattern->text, "a text, no expression");
            steps.rules.push_back({TextRule::Kind::Replace, pattern->text, fields.string("content")});
        } else {
            return notUnderstood(file, part.field, part.type, "NFC, Prepend or Replace");
        }
        if (!known) return known;
        if (!fields.ok()) return fields.error();
    }
    return {};
}

Status readPreTokenizer(const json* maybePart, const std::string& file, TextSteps& steps) {
    const auto parts = partsOf(maybePart, file, "pre_tokenizer", "pretokenizers");
    if (!parts) return parts.error();
    for (const Part& part : *parts) {
        if (steps.byteLevel || steps.splitAtMarks)
            return notUnderstood(file, part.field, part.type, "nothing behind ByteLevel or Metaspace");
        Status status = {};
        if (part.type == "Split") {
            status = readSplit(part, file, steps);
        } else if (part.type == "ByteLevel") {
            status = readByteLevel(part, file, steps);
        } else if (part.type == "Metaspace" && steps.expressions.empty()) {
            status = readMetaspace(part, file, steps);
        } else if (part.type == "Digits") {
            if (auto known = onlyFields(part.object, {"type", "individual_digits"}, file, part.field); !known)
                return known;
            JsonFields fields(part.object, file, part.field + ".");
            const bool single = fields.boolean("individual_digits", false);
            if (!fields.ok()) return fields.error();
            steps.expressions.push_back(findExpression(single ? R"(\p{N})" : R"(\p{N}+)")->text);
        } else {
            return notUnderstood(file, part.field, part.type, "Split, Digits, ByteLevel or Metaspace");
        }
        if (!status) return status;
    }
    return {};
}

namespace {

/// "single" of a template: pieces before and behind the text.
Status readTemplate(const Part& part, const std::string& file, TextEnds& ends) {
    if (auto status = onlyFields(part.object, {"type", "single", "pair", "special_tokens"}, file, part.field); !status)
        return status;
    const auto single = part.object.find("single");
    const std::string field = part.field + ".single";
    if (single == part.object.end() || !single->is_array())
        return fileError(ErrorCode::Format, "missing or not a list", file, field);
    bool seen = false;
    for (const json& item : *single) {
        if (!item.is_object() || item.size() != 1 || !item.begin()->is_object())
            return fileError(ErrorCode::Format, "wrong kind of value", file, field, describeJson(item), "an object");
        JsonFields fields(*item.begin(), file, field + ".");
        const std::string name = fields.string("id");
        if (!fields.ok()) return fields.error();
        if (item.begin().key() == "Sequence" && !seen) {
            seen = true;
            continue;
        }
        std::string& place = seen ? ends.after : ends.before;
        if (item.begin().key() != "SpecialToken" || !place.empty())
            return notUnderstood(file, field, describeJson(item), "at most one piece on each side of the text");
        place = name;
    }
    if (!seen) return notUnderstood(file, field, "no text", "the text");
    return {};
}

}  // namespace

Status readPostProcessor(const json* maybePart, const std::string& file, TextEnds& ends) {
    const auto parts = partsOf(maybePart, file, "post_processor", "processors");
    if (!parts) return parts.error();
    for (const Part& part : *parts) {
        if (part.type == "ByteLevel") continue;  // moves offsets, not ids
        if (part.type != "TemplateProcessing" || !ends.before.empty() || !ends.after.empty())
            return notUnderstood(file, part.field, part.type, "ByteLevel, or one TemplateProcessing");
        if (auto status = readTemplate(part, file, ends); !status) return status;
    }
    return {};
}

Status checkDecoder(const json* maybePart, const std::string& file, bool byteLevel) {
    const auto parts = partsOf(maybePart, file, "decoder", "decoders");
    if (!parts) return parts.error();
    for (const Part& part : *parts) {
        const std::string& type = part.type;
        const bool marks =
            type == "Replace" || type == "ByteFallback" || type == "Fuse" || type == "Strip" || type == "Metaspace";
        if (byteLevel ? type != "ByteLevel" : !marks)
            return notUnderstood(file, part.field, type,
                                 byteLevel ? "ByteLevel" : "Replace, ByteFallback, Fuse, Strip or Metaspace");
    }
    return {};
}

}  // namespace spanscope
