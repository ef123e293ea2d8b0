#include "engine/model/tokenizer/added_tokens.h"

#include <charconv>
#include <filesystem>
#include <map>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/mapped_file.h"
#include "engine/model/shape_limits.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxBytes = 16 << 20;

class Collector {
  public:
    Status add(int64_t id, AddedToken token, const std::string& file, const std::string& field) {
        const std::string content = token.content;
        if (id < 0 || id >= kMaxVocab)
            return fileError(ErrorCode::Format, "not a token id", file, field, std::to_string(id),
                             "0 to " + std::to_string(kMaxVocab - 1));
        if (content.empty()) return fileError(ErrorCode::Format, "empty token", file, field);
        token.id = static_cast<int32_t>(id);
        const auto [byId, newId] = m_byId.emplace(token.id, std::move(token));
        const auto [byContent, newContent] = m_byContent.emplace(content, static_cast<int32_t>(id));
        if (byId->second.content != content)
            return fileError(ErrorCode::Format, "two tokens with one id", file, field, content, byId->second.content);
        if (byContent->second != id)
            return fileError(ErrorCode::Format, "one token with two ids", file, field, std::to_string(id),
                             std::to_string(byContent->second));
        return {};
    }
    std::vector<AddedToken> take() const {
        std::vector<AddedToken> tokens;
        for (const auto& [id, token] : m_byId) tokens.push_back(token);
        return tokens;
    }

  private:
    std::map<int32_t, AddedToken> m_byId;
    std::map<std::string, int32_t> m_byContent;
};

/// An absent file is an empty object.
Result<json> optionalObject(const std::string& path) {
    auto text = readOptionalFile(path, kMaxBytes);
    if (!text) return text.error();
    if (!*text) return json(json::object());
    return parseJsonObject(**text, path);
}

Status readAddedTokens(const json& object, const std::string& file, Collector& collector) {
    for (const auto& [content, id] : object.items()) {
        if (!id.is_number_unsigned())
            return fileError(ErrorCode::Format, "not a token id", file, content, describeJson(id), "a number");
        const uint64_t value = id.get<uint64_t>();
        AddedToken token;
        token.content = content;
        if (auto added = collector.add(value > INT64_MAX ? -1 : static_cast<int64_t>(value), token, file, content);
            !added)
            return added;
    }
    return {};
}

/// One entry of added_tokens_decoder or of "added_tokens".
Result<AddedToken> readToken(JsonFields& fields) {
    AddedToken token;
    token.content = fields.string("content");
    token.stripLeft = fields.boolean("lstrip", false);
    token.stripRight = fields.boolean("rstrip", false);
    token.normalized = fields.boolean("normalized", false);
    if (fields.boolean("single_word", false))
        fields.fail(ErrorCode::Unsupported, "tokens that are found between words only are not supported", "single_word",
                    "true", "false");
    if (!fields.ok()) return fields.error();
    return token;
}

Status readList(const json& list, const std::string& file, Collector& collector) {
    if (list.is_null()) return {};
    if (!list.is_array())
        return fileError(ErrorCode::Format, "wrong kind of value", file, "added_tokens", describeJson(list), "a list");
    for (size_t i = 0; i < list.size(); ++i) {
        const std::string field = "added_tokens[" + std::to_string(i) + "]";
        if (!list[i].is_object())
            return fileError(ErrorCode::Format, "wrong kind of value", file, field, describeJson(list[i]), "an object");
        JsonFields fields(list[i], file, field + ".");
        const int64_t id = fields.integer("id", 0, kMaxVocab - 1);
        auto token = readToken(fields);
        if (!token) return token.error();
        if (auto added = collector.add(id, std::move(*token), file, field); !added) return added;
    }
    return {};
}

Status readDecoderTable(const json& object, const std::string& file, Collector& collector) {
    const auto table = object.find("added_tokens_decoder");
    if (table == object.end() || table->is_null()) return {};
    if (!table->is_object())
        return fileError(ErrorCode::Format, "wrong kind of value", file, "added_tokens_decoder", describeJson(*table),
                         "an object");
    for (const auto& [key, value] : table->items()) {
        const std::string field = "added_tokens_decoder." + key;
        int64_t id = -1;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
        if (error != std::errc() || end != key.data() + key.size())
            return fileError(ErrorCode::Format, "not a token id", file, field, key, "a number");
        if (!value.is_object())
            return fileError(ErrorCode::Format, "wrong kind of value", file, field, describeJson(value), "an object");
        JsonFields fields(value, file, field + ".");
        auto token = readToken(fields);
        if (!token) return token.error();
        if (auto added = collector.add(id, std::move(*token), file, field); !added) return added;
    }
    return {};
}

/// "eos_token": "</s>" or {"content": "</s>", ...} or null.
std::string namedToken(const json& object, const char* key) {
    const auto it = object.find(key);
    if (it == object.end()) return {};
    if (it->is_string()) return it->get<std::string>();
    if (it->is_object() && it->contains("content") && (*it)["content"].is_string())
        return (*it)["content"].get<std::string>();
    return {};
}

}  // namespace

Result<AddedTokens> loadAddedTokens(const std::string& folder, const json* maybeListed, const std::string& listFile) {
    const std::string addedPath = (std::filesystem::path(folder) / "added_tokens.json").string();
    const std::string configPath = (std::filesystem::path(folder) / "tokenizer_config.json").string();
    auto added = optionalObject(addedPath);
    if (!added) return added.error();
    auto config = optionalObject(configPath);
    if (!config) return config.error();
    Collector collector;
    if (maybeListed != nullptr)
        if (auto status = readList(*maybeListed, listFile, collector); !status) return status.error();
    if (auto status = readAddedTokens(*added, addedPath, collector); !status) return status.error();
    if (auto status = readDecoderTable(*config, configPath, collector); !status) return status.error();
    AddedTokens result;
    result.tokens = collector.take();
    result.bos = namedToken(*config, "bos_token");
    result.eos = namedToken(*config, "eos_token");
    result.unk = namedToken(*config, "unk_token");
    result.pad = namedToken(*config, "pad_token");
    JsonFields fields(*config, configPath);
    if (fields.has("add_bos_token")) result.addsBos = fields.boolean("add_bos_token");
    if (fields.has("add_eos_token")) result.addsEos = fields.boolean("add_eos_token");
    if (!fields.ok()) return fields.error();
    return result;
}

}  // namespace spanscope
