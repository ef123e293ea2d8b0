// Lines of a dataset back to examples. Outside input: sizes, types and values are checked before they are used.
#include <fstream>

#include "engine/files/input_file.h"
#include "engine/files/json_fields.h"
#include "engine/tasks/task.h"
#include "engine/training/example.h"

namespace spanscope {

namespace {

constexpr size_t kMaxLineBytes = size_t{16} << 20;

SpanPolicy readPolicy(JsonFields& fields) {
    SpanPolicy policy;
    const std::string prefill = fields.string("prefill");
    if (fields.ok() && prefill != "causal" && prefill != "segmented")
        fields.fail(ErrorCode::Format, "unknown policy", "prefill", prefill, "causal or segmented");
    policy.prefill = prefill == "segmented" ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
    policy.heads = fields.boolean("heads");
    return policy;
}

Result<TaskExample> readExample(const std::string& line, const std::string& path, int64_t number) {
    const std::string prefix = "line " + std::to_string(number) + ": ";
    auto object = parseJsonObject(line, path + ": line " + std::to_string(number));
    if (!object) return object.error();
    JsonFields fields(*object, path, prefix);
    TaskExample e;
    e.task = fields.string("task");
    if (fields.ok() && findTask(e.task) == nullptr)
        fields.fail(ErrorCode::Format, "unknown task", "task", e.task, "expression, sheet or news");
    e.id = fields.string("id", "");
    e.typed = fields.string("typed", "");
    e.prompt = fields.string("prompt");
    e.response = fields.string("response");
    e.answer = fields.string("answer", "");
    e.declared = fields.boolean("declared", true);
    e.complete = fields.boolean("complete", true);
    e.noLossBytes =
        static_cast<size_t>(fields.integer("no_loss_bytes", 0, static_cast<int64_t>(e.response.size()), int64_t{0}));
    if (fields.ok() && (e.prompt.empty() || e.response.empty()))
        fields.fail(ErrorCode::Format, "empty", e.prompt.empty() ? "prompt" : "response", "\"\"", "protocol text");
    if (const nlohmann::json* policy = fields.find("policy"); policy != nullptr && fields.ok()) {
        if (!policy->is_object()) {
            fields.fail(ErrorCode::Format, "wrong kind of value", "policy", describeJson(*policy), "an object");
            return fields.error();
        }
        JsonFields inner(*policy, path, prefix + "policy.");
        e.policy = readPolicy(inner);
        if (!inner.ok()) return inner.error();
    }
    if (!fields.ok()) return fields.error();
    return e;
}

class RecordedExamples final : public ExampleSource {
  public:
    RecordedExamples(std::ifstream file, std::string path) : m_file(std::move(file)), m_path(std::move(path)) {}

    Result<std::optional<TaskExample>> next() override {
        while (true) {
            m_buffer.resize(kMaxLineBytes);
            m_file.getline(m_buffer.data(), static_cast<std::streamsize>(m_buffer.size()));
            if (m_file.bad())
                return Error{ErrorCode::Io, "reading failed after line " + std::to_string(m_line), m_path};
            if (m_file.fail() && m_file.gcount() == 0) return std::optional<TaskExample>();
            ++m_line;
            if (m_file.fail())
                return Error{ErrorCode::Format,
                             "the line is too long",
                             m_path,
                             "line " + std::to_string(m_line),
                             "more than " + std::to_string(kMaxLineBytes) + " bytes",
                             "an example of at most that"};
            const auto n = static_cast<size_t>(m_file.gcount()) - (m_file.eof() ? 0 : 1);  // without the newline
            const std::string line(m_buffer, 0, n);
            if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
            if (line.find('\0') != std::string::npos)  // to the JSON parser it would be the end
                return Error{ErrorCode::Format, "a zero byte", m_path, "line " + std::to_string(m_line), {}, "JSON"};
            auto example = readExample(line, m_path, m_line);
            if (!example) return example.error();
            return std::optional<TaskExample>(std::move(*example));
        }
    }

  private:
    std::ifstream m_file;
    std::string m_path, m_buffer;
    int64_t m_line = 0;
};

}  // namespace

Result<std::unique_ptr<ExampleSource>> openRecordedExamples(const std::string& path) {
    auto file = openInput(path);
    if (!file) return file.error();
    return std::unique_ptr<ExampleSource>(std::make_unique<RecordedExamples>(std::move(*file), path));
}

}  // namespace spanscope
