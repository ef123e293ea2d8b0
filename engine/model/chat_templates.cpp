#include "engine/model/chat_templates.h"

#include <algorithm>
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/files/utf8.h"
#include "engine/model/mapped_file.h"
#include "engine/model/tokenizer/load_tokenizer.h"

namespace spanscope {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxConfigBytes = 16 << 20;
constexpr size_t kMaxTemplateBytes = 1 << 20;  // the longest that models are published with have 17,000
constexpr size_t kMaxTemplates = 64;
constexpr std::string_view kGgufKey = "tokenizer.chat_template";

Status addTemplate(ChatTemplates& templates, std::string name, std::string text, const std::string& file,
                   const std::string& field) {
    if (text.size() > kMaxTemplateBytes)
        return fileError(ErrorCode::Format, "text too long", file, field, std::to_string(text.size()) + " bytes",
                         "at most " + std::to_string(kMaxTemplateBytes));
    if (firstBadUtf8(text) != std::string::npos) return fileError(ErrorCode::Format, "not UTF-8", file, field);
    if (templates.all.size() >= kMaxTemplates)
        return fileError(ErrorCode::Format, "too many templates", file, field, "",
                         "at most " + std::to_string(kMaxTemplates));
    for (const ChatTemplate& other : templates.all)
        if (other.name == name) return fileError(ErrorCode::Format, "two templates with one name", file, field, name);
    templates.all.push_back({std::move(name), std::move(text)});
    return {};
}

Status readGguf(const GgufFile& gguf, const std::string& file, ChatTemplates& templates) {
    GgufFields fields(gguf, file);
    templates.source = file + ": " + std::string(kGgufKey);
    for (const auto& entry : gguf.metadata) {
        const std::string& key = entry.first;
        if (!key.starts_with(kGgufKey)) continue;
        std::string name = "default";
        if (key.size() > kGgufKey.size()) {
            if (key[kGgufKey.size()] != '.') continue;  // tokenizer.chat_templates: the names of the others
            name = key.substr(kGgufKey.size() + 1);
        }
        std::string text = fields.string(key);
        if (!fields.ok()) return fields.error();
        if (auto added = addTemplate(templates, std::move(name), std::move(text), file, key); !added) return added;
    }
    return {};
}

/// "chat_template": a text, or [{"name": ..., "template": ...}].
Status readValue(const json& value, const std::string& file, ChatTemplates& templates) {
    const std::string field = "chat_template";
    templates.source = file + ": " + field;
    if (value.is_string()) return addTemplate(templates, "default", value.get<std::string>(), file, field);
    if (!value.is_array())
        return fileError(ErrorCode::Format, "wrong kind of value", file, field, describeJson(value),
                         "a string or a list of objects with name and template");
    for (size_t i = 0; i < value.size(); ++i) {
        const std::string place = field + "[" + std::to_string(i) + "]";
        if (!value[i].is_object())
            return fileError(ErrorCode::Format, "wrong kind of value", file, place, describeJson(value[i]),
                             "an object");
        JsonFields fields(value[i], file, place + ".");
        std::string name = fields.string("name");
        std::string text = fields.string("template");
        if (!fields.ok()) return fields.error();
        if (auto added = addTemplate(templates, std::move(name), std::move(text), file, place); !added) return added;
    }
    return {};
}

/// An absent file is an empty object.
Result<json> optionalObject(const std::string& path) {
    auto text = readSmallFile(path, kMaxConfigBytes);
    if (!text && text.error().code == ErrorCode::NotFound) return json(json::object());
    if (!text) return text.error();
    return parseJsonObject(*text, path);
}

/// "eos_token": "</s>" or {"content": "</s>", ...}; what is absent or null leaves `token` as it is.
Status readToken(const json& config, const char* key, const std::string& file, std::string& token) {
    const auto it = config.find(key);
    if (it == config.end() || it->is_null()) return {};
    const json* text = &*it;
    if (it->is_object() && it->contains("content")) text = &(*it)["content"];
    if (!text->is_string())
        return fileError(ErrorCode::Format, "wrong kind of value", file, key, describeJson(*text),
                         "a string, or an object with the string content");
    token = text->get<std::string>();
    return {};
}

Status readFolder(const fs::path& folder, ChatTemplates& templates) {
    const std::string configPath = (folder / "tokenizer_config.json").string();
    auto config = optionalObject(configPath);
    if (!config) return config.error();
    if (auto ok = readToken(*config, "bos_token", configPath, templates.bos); !ok) return ok;
    if (auto ok = readToken(*config, "eos_token", configPath, templates.eos); !ok) return ok;

    const std::string jinjaPath = (folder / "chat_template.jinja").string();
    auto jinja = readSmallFile(jinjaPath, kMaxTemplateBytes);
    if (jinja) {
        templates.source = jinjaPath;
        return addTemplate(templates, "default", std::move(*jinja), jinjaPath, "");
    }
    if (jinja.error().code != ErrorCode::NotFound) return jinja.error();
    if (const auto it = config->find("chat_template"); it != config->end() && !it->is_null())
        return readValue(*it, configPath, templates);

    const std::string jsonPath = (folder / "chat_template.json").string();
    auto object = optionalObject(jsonPath);
    if (!object) return object.error();
    if (const auto it = object->find("chat_template"); it != object->end() && !it->is_null())
        return readValue(*it, jsonPath, templates);
    return {};
}

}  // namespace

const ChatTemplate* ChatTemplates::standard() const {
    for (const ChatTemplate& one : all)
        if (one.name == "default") return &one;
    return all.size() == 1 ? all.data() : nullptr;
}

Result<ChatTemplates> readChatTemplates(const VocabularySource& source, const Tokenizer& tokenizer) {
    ChatTemplates templates;
    if (tokenizer.bosId() >= 0) templates.bos = tokenizer.pieceName(tokenizer.bosId());
    if (tokenizer.eosId() >= 0) templates.eos = tokenizer.pieceName(tokenizer.eosId());
    const Status read =
        source.gguf ? readGguf(*source.gguf, source.path, templates) : readFolder(source.path, templates);
    if (!read) return read.error();
    if (templates.all.empty()) templates.source.clear();
    return templates;
}

}  // namespace spanscope
