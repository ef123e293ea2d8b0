#include "engine/model/stop_ids.h"

#include <algorithm>
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/mapped_file.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxConfigBytes = 4 << 20;
constexpr const char* kKey = "eos_token_id";

/// A number, or a list of them. Absent and null: none.
Status addFromJson(const std::string& path, int32_t nRows, std::vector<int32_t>& ids) {
    const auto text = readOptionalFile(path, kMaxConfigBytes);
    if (!text) return text.error();
    if (!*text) return {};
    const auto object = parseJsonObject(**text, path);
    if (!object) return object.error();
    const json* value = JsonFields(*object, path).find(kKey);
    if (value == nullptr) return {};
    const json list = value->is_array() ? *value : json::array({*value});
    for (const json& id : list) {
        if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= nRows)
            return fileError(ErrorCode::Format, "not a token id", path, kKey, describeJson(id),
                             "0 to " + std::to_string(nRows - 1) + ", or a list of such");
        ids.push_back(id.get<int32_t>());
    }
    return {};
}

}  // namespace

Result<std::vector<int32_t>> readStopIds(const VocabularySource& source, const Tokenizer& tokenizer, int32_t nRows) {
    std::vector<int32_t> ids;
    if (tokenizer.eosId() >= 0) ids.push_back(tokenizer.eosId());
    if (source.gguf) {
        GgufFields fields(*source.gguf, source.path);
        for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"})
            if (const int64_t id = fields.integer(std::string("tokenizer.ggml.") + key, -1, nRows - 1, -1); id >= 0)
                ids.push_back(static_cast<int32_t>(id));
        if (!fields.ok()) return fields.error();
    } else {
        for (const char* name : {"config.json", "generation_config.json"})
            if (auto status = addFromJson((std::filesystem::path(source.path) / name).string(), nRows, ids); !status)
                return status.error();
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

}  // namespace spanscope
