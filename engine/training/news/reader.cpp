#include "engine/training/news/reader.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "engine/files/json_read.h"
#include "engine/reading/words.h"
#include "engine/tasks/news/sentences.h"

namespace spanscope::news {
namespace {

using nlohmann::json;

Error formatError(const std::string& path, int64_t line, const std::string& field, std::string message,
                  std::string found = {}, std::string expected = {}) {
    return Error{ErrorCode::Format,
                 "line " + std::to_string(line) + ": " + (field.empty() ? "" : field + ": ") + std::move(message),
                 path,
                 "",
                 std::move(found),
                 std::move(expected)};
}

}  // namespace

LineReader::LineReader(std::string path, std::FILE* file, bool owned)
    : m_path(std::move(path)), m_file(file, Closer{owned}) {}

Result<std::unique_ptr<LineReader>> LineReader::open(const std::string& path) {
    if (path == "-") return std::unique_ptr<LineReader>(new LineReader("standard input", stdin, false));
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) return Error{ErrorCode::NotFound, std::strerror(errno), path};
    std::unique_ptr<LineReader> reader(new LineReader(path, file, true));
    const int first = std::fgetc(file);
    if (first == 0x1F)
        return Error{ErrorCode::Format,
                     "this is a gzip file; use: zcat FILE | spanscope-cli dataset --task news --in -",
                     path,
                     "",
                     "gzip",
                     "JSON lines"};
    if (first == EOF && std::ferror(file)) return Error{ErrorCode::Io, std::strerror(errno), path};
    if (first != EOF) std::ungetc(first, file);
    return reader;
}

bool LineReader::readLine(bool& tooLong) {
    m_buffer.clear();
    tooLong = false;
    bool any = false;
    for (bool end = false; !end;) {
        if (m_chunkPos == m_chunk.size()) {
            m_chunk.resize(65536);
            m_chunk.resize(std::fread(m_chunk.data(), 1, m_chunk.size(), m_file.get()));
            m_chunkPos = 0;
            if (m_chunk.empty()) break;
        }
        any = true;
        const size_t newline = m_chunk.find('\n', m_chunkPos);
        end = newline != std::string::npos;
        const size_t stop = end ? newline : m_chunk.size();
        if (!tooLong && m_buffer.size() + (stop - m_chunkPos) > kMaxLineBytes) {
            tooLong = true;
            m_buffer.clear();
        }
        if (!tooLong) m_buffer.append(m_chunk, m_chunkPos, stop - m_chunkPos);
        m_chunkPos = end ? stop + 1 : stop;
    }
    while (!m_buffer.empty() && m_buffer.back() == '\r') m_buffer.pop_back();
    return any;
}

Result<std::optional<RawArticle>> LineReader::next() {
    while (true) {
        bool tooLong = false;
        if (!readLine(tooLong)) {
            if (std::ferror(m_file.get()))
                return Error{ErrorCode::Io, "reading failed after line " + std::to_string(m_line), m_path};
            return std::optional<RawArticle>();
        }
        ++m_line;
        if (tooLong)
            return formatError(m_path, m_line, "", "the line is too long",
                               "more than " + std::to_string(kMaxLineBytes) + " bytes", "an article of at most that");
        if (m_buffer.find_first_not_of(" \t") != std::string::npos) break;
    }
    if (const size_t bad = invalidUtf8(m_buffer); bad != std::string::npos)
        return formatError(m_path, m_line, "", "not UTF-8", "bad byte at column " + std::to_string(bad + 1), "UTF-8");
    JsonProblem problem;
    const auto parsed = readJson(m_buffer, problem);  // a line of a million '[' is refused where the 65th begins
    if (!parsed)
        return formatError(m_path, m_line, problem.key, problem.message, m_buffer.substr(0, 40),
                           "{\"title\": ..., \"body\": ...}");
    const json& object = *parsed;
    if (!object.is_object())
        return formatError(m_path, m_line, "", "wrong kind of value", object.type_name(), "object");

    RawArticle article;
    article.line = m_line;
    auto text = [&](const char* key, std::string& into) -> Status {
        const auto it = object.find(key);
        if (it == object.end()) return formatError(m_path, m_line, key, "missing", "", "a string");
        if (!it->is_string()) return formatError(m_path, m_line, key, "wrong type", it->type_name(), "string");
        into = it->get<std::string>();
        return {};
    };
    const bool datasetLine = object.contains("typed") && !object.contains("body");
    if (const Status s = text(datasetLine ? "typed" : "body", article.body); !s.ok()) return s.error();
    if (datasetLine) {
        std::string answer;
        if (const Status s = text("answer", answer); !s.ok()) return s.error();
        article.title = answer.substr(0, answer.find('\n'));
    } else if (const Status s = text("title", article.title); !s.ok()) {
        return s.error();
    }
    article.id = std::to_string(m_line);
    if (const auto it = object.find("id"); it != object.end()) {
        if (it->is_string()) article.id = it->get<std::string>();
        else if (it->is_number_integer()) article.id = std::to_string(it->get<int64_t>());
        else return formatError(m_path, m_line, "id", "wrong type", it->type_name(), "string or integer");
    }
    return std::optional<RawArticle>(std::move(article));
}

std::string_view withoutSignature(std::string_view body) {
    static constexpr std::array<std::string_view, 6> signatures{"REUTER",  "Reuter", "REUTERS",
                                                                "Reuter.", "\x03",   "&#3;"};
    for (bool again = true; again;) {
        body = trimmed(body);
        again = false;
        for (const std::string_view s : signatures)
            if (body.ends_with(s) &&
                (body.size() == s.size() ||
                 std::string_view(" \n\t.\"'").find(body[body.size() - s.size() - 1]) != std::string_view::npos)) {
                // "told Reuter." is part of a sentence: a signature stands behind a full stop or on its own line.
                const std::string_view before = body.substr(0, body.size() - s.size());
                const std::string_view text = trimmed(before);
                const bool ownLine =
                    before.size() > text.size() && before.find('\n', text.size()) != std::string_view::npos;
                if (!text.empty() && !ownLine &&
                    std::string_view(".!?\"').").find(text.back()) == std::string_view::npos)
                    continue;
                body = before;
                again = true;
                break;
            }
    }
    return body;
}

uint64_t hashOf(std::string_view text) {
    uint64_t h = 0xCBF29CE484222325ull;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
    return h;
}

}  // namespace spanscope::news
