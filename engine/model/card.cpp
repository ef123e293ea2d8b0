#include "engine/model/card.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/files/utf8.h"
#include "engine/model/hf/file_names.h"
#include "engine/model/mapped_file.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxCardBytes = 1 << 20;
constexpr size_t kMaxTasks = 64;
constexpr int32_t kMaxCount = 1'000'000'000;
constexpr int64_t kMaxBaseBytes = int64_t{1} << 44;
constexpr size_t kMaxLine = 200;

bool isOf(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

TaskCard readTask(JsonFields& fields) {
    TaskCard task;
    task.name = fields.string("name");
    if (fields.ok() && task.name.empty()) fields.fail(ErrorCode::Format, "empty", "name", "\"\"", "a task's name");
    const std::string prefill = fields.string("prefill", "causal");
    if (fields.ok() && prefill != "causal" && prefill != "segmented")
        fields.fail(ErrorCode::Format, "unknown policy", "prefill", prefill, "causal or segmented");
    task.policy.prefill = prefill == "segmented" ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
    task.policy.heads = fields.boolean("heads", false);
    task.policy.maxRefs = fields.int32("max_refs", 1, 4096, task.policy.maxRefs);
    task.policy.maxSegmentTokens = fields.int32("max_segment_tokens", 1, kMaxCount, task.policy.maxSegmentTokens);
    task.maxOperators = fields.int32("max_operators", 0, kMaxCount, 0);
    task.maxLines = fields.int32("max_lines", 0, kMaxCount, 0);
    task.maxSentences = fields.int32("max_sentences", 0, kMaxCount, 0);
    task.maxValue = fields.int32("max_value", 0, kMaxCount, 0);
    task.maxFactor = fields.int32("max_factor", 0, kMaxCount, 0);
    return task;
}

/// Protocol pieces to the tokens that carry them.
PieceRiders readPieces(const json& pieces, JsonFields& fields) {
    PieceRiders riders;
    if (!pieces.is_object()) {
        fields.fail(ErrorCode::Format, "wrong kind of value", "pieces", describeJson(pieces), "an object");
        return riders;
    }
    for (const auto& [name, token] : pieces.items()) {
        const std::string field = "pieces." + name;
        if (std::find(kSpecialPieces.begin(), kSpecialPieces.end(), name) == kSpecialPieces.end())
            fields.fail(ErrorCode::Format, "no piece of the span protocol", field, name,
                        "<in> <out> <:> <attend> </attend> <local> <global>");
        else if (!token.is_string() || token.get_ref<const std::string&>().empty())
            fields.fail(ErrorCode::Format, "wrong kind of value", field, describeJson(token), "the name of a token");
        else riders.emplace(name, token.get<std::string>());
    }
    for (auto one = riders.begin(); one != riders.end(); ++one)
        for (auto other = std::next(one); other != riders.end(); ++other)
            if (one->second == other->second)
                fields.fail(ErrorCode::Format, "one token for two pieces", "pieces." + other->first, other->second,
                            "a token of its own");
    return riders;
}

/// At most so long, and nothing but what a line of text has.
std::string readLine(JsonFields& fields, const char* key, size_t most, const std::optional<std::string>& fallback) {
    std::string text = fields.string(key, fallback);
    const bool plain = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    if (fields.ok() && (text.size() > most || !plain || (!fallback && text.empty())))
        fields.fail(ErrorCode::Format, "not a line of text", key, text,
                    "1 to " + std::to_string(most) + " bytes without line ends");
    return text;
}

BaseModel readBase(JsonFields& fields) {
    BaseModel base;
    base.name = readLine(fields, "name", kMaxLine, {});
    base.file = fields.string("file");
    if (fields.ok() && (!isPlainFileName(base.file) || !base.file.ends_with(".gguf") || base.file.starts_with('.')))
        fields.fail(ErrorCode::Format, "must be the name of a GGUF file, without a folder", "file", base.file,
                    "a plain file name that ends with .gguf");
    base.bytes = static_cast<uint64_t>(fields.integer("bytes", 1, kMaxBaseBytes));
    base.sha256 = fields.string("sha256");
    if (fields.ok() && (base.sha256.size() != 64 || !isOf(base.sha256, "0123456789abcdef")))
        fields.fail(ErrorCode::Format, "not a SHA-256", "sha256", base.sha256, "64 digits of 0-9 and a-f");
    base.license = readLine(fields, "license", kMaxLine, "");
    base.fetch = fields.string("fetch", "");  // people are told to type it
    if (fields.ok() && (base.fetch.size() > 64 || !isOf(base.fetch, "abcdefghijklmnopqrstuvwxyz0123456789-") ||
                        base.fetch.starts_with('-')))
        fields.fail(ErrorCode::Format, "not a name that fetches a model", "fetch", base.fetch, "a-z, 0-9 and -");
    return base;
}

}  // namespace

const TaskCard* SpanscopeCard::task(const std::string& taskName) const {
    for (const TaskCard& task : tasks)
        if (task.name == taskName) return &task;
    return nullptr;
}

Result<SpanscopeCard> parseCard(std::string_view text, const std::string& file, std::string& cardFile) {
    auto object = parseJsonObject(text, file);
    if (!object) return object.error();
    JsonFields fields(*object, file);
    SpanscopeCard card;
    card.protocolVersion = fields.int32("protocol_version", 1, kMaxCount);
    if (fields.ok() && card.protocolVersion != kProtocolVersion)
        fields.fail(ErrorCode::Unsupported, "this program does not speak this version of the span protocol",
                    "protocol_version", std::to_string(card.protocolVersion), std::to_string(kProtocolVersion));
    card.name = fields.string("name", "");
    card.description = fields.string("description", "");
    card.license = fields.string("license", "");
    card.trainedOn = fields.string("trained_on", "");
    card.baseHash = fields.string("base_hash", "");
    cardFile = fields.string("card", "");
    if (fields.ok() && !cardFile.empty() && !isPlainFileName(cardFile))
        fields.fail(ErrorCode::Format, "must be the name of a file in the same folder", "card", cardFile,
                    "a plain file name");
    if (const json* base = fields.find("base")) {
        if (!base->is_object())
            fields.fail(ErrorCode::Format, "wrong kind of value", "base", describeJson(*base), "an object");
        else if (card.baseHash.empty())
            fields.fail(ErrorCode::Format, "a card that names a base says its hash", "base_hash", "nothing",
                        "16 digits");
        if (!fields.ok()) return fields.error();
        JsonFields baseFields(*base, file, "base.");
        card.base = readBase(baseFields);
        if (!baseFields.ok()) return baseFields.error();
    }
    if (const json* pieces = fields.find("pieces")) card.pieces = readPieces(*pieces, fields);
    if (const json* tasks = fields.find("tasks")) {
        if (!tasks->is_array() || tasks->size() > kMaxTasks) {
            fields.fail(ErrorCode::Format, "wrong kind of value", "tasks", describeJson(*tasks),
                        "a list of at most 64");
            return fields.error();
        }
        for (size_t i = 0; i < tasks->size() && fields.ok(); ++i) {
            const std::string prefix = "tasks[" + std::to_string(i) + "]";
            if (!(*tasks)[i].is_object()) {
                fields.fail(ErrorCode::Format, "wrong kind of value", prefix, describeJson((*tasks)[i]), "an object");
                break;
            }
            JsonFields taskFields((*tasks)[i], file, prefix + ".");
            TaskCard task = readTask(taskFields);
            if (!taskFields.ok()) return taskFields.error();
            if (card.task(task.name) != nullptr)
                fields.fail(ErrorCode::Format, "task listed twice", prefix + ".name", task.name, "a new name");
            card.tasks.push_back(std::move(task));
        }
    }
    if (!fields.ok()) return fields.error();
    return card;
}

Result<SpanscopeCard> loadCard(const std::string& path) {
    auto text = readOptionalFile(path, kMaxCardBytes);
    if (!text) return text.error();
    if (!*text) return SpanscopeCard{};
    std::string cardFile;
    auto card = parseCard(**text, path, cardFile);
    if (!card || cardFile.empty()) return card;
    auto cardText = readSmallFile(std::filesystem::path(path).replace_filename(cardFile).string(), kMaxCardBytes);
    if (!cardText) return cardText.error();
    card->cardText = replaceBadUtf8(*cardText);
    return card;
}

}  // namespace spanscope
