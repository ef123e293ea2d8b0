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
    Status add(int64_t id, const std::string& content, const std::string& file, const std::string& field) {
        if (id < 0 || id >= kMaxVocab)
            return fileError(ErrorCode::Format, "not a token id", file, field, std::to_string(id),
                             "0 to " + std::to_string(kMaxVocab - 1));
        if (content.empty()) return fileError(ErrorCode::Format, "empty token", file, field);
        const auto [byId, newId] = m_byId.emplace(static_cast<int32_t>(id), content);
        const auto [byContent, newContent] = m_byContent.emplace(content, static_cast<int32_t>(id));
        if (byId->second != content)
            return fileError(ErrorCode::Format, "two tokens with one id", file, field, content, byId->second);
        if (byContent->second != id)
            return fileError(ErrorCode::Format, "one token with two ids", file, field, std::to_string(id),
                             std::to_string(byContent->second));
        return {};
    }
    std::vector<AddedToken> take() const {
        std::vector<AddedToken> tokens;
        for (const auto& [id, content] : m_byId) tokens.push_back({id, content});
        return tokens;
    }

  private:
    std::map<int32_t, std::string> m_byId;
    std::map<std::string, int32_t> m_byContent;
};

/// An absent file is an empty object.
Result<json> optionalObject(const std::string& path) {
    auto text = readSmallFile(path, kMaxBytes);
    if (!text && text.error().code == ErrorCode::NotFound) return json(json::object());
    if (!text) return text.error();
    return parseJsonObject(*text, path);
}

Status readAddedTokens(const json& object, const std::string& file, Collector& collector) {
    for (const auto& [content, id] : object.items()) {
        if (!id.is_number_unsigned())
            return fileError(ErrorCode::Format, "not a token id", file, content, describeJson(id), "a number");
        const uint64_t value = id.get<uint64_t>();
        if (auto added = collector.add(value > INT64_MAX ? -1 : static_cast<int64_t>(value), content, file, content);
            !added)
            return added;
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
        const std::string content = fields.string("content");
        if (!fields.ok()) return fields.error();
        if (auto added = collector.add(id, content, file, field); !added) return added;
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

Result<AddedTokens> loadAddedTokens(const std::string& folder) {
    const std::string addedPath = (std::filesystem::path(folder) / "added_tokens.json").string();
    const std::string configPath = (std::filesystem::path(folder) / "tokenizer_config.json").string();
    auto added = optionalObject(addedPath);
    if (!added) return added.error();
    auto config = optionalObject(configPath);
    if (!config) return config.error();
    Collector collector;
    if (auto status = readAddedTokens(*added, addedPath, collector); !status) return status.error();
    if (auto status = readDecoderTable(*config, configPath, collector); !status) return status.error();
    AddedTokens result;
    result.tokens = collector.take();
    result.bos = namedToken(*config, "bos_token");
    result.eos = namedToken(*config, "eos_token");
    result.unk = namedToken(*config, "unk_token");
    result.pad = namedToken(*config, "pad_token");
    return result;
}

}  // namespace spanscope
