// Reads {"title", "body"} lines from a file or standard input. Everything in them is untrusted.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/result.h"

namespace spanscope::news {

struct RawArticle {
    std::string id, title, body;
    int64_t line = 0;
};

class LineReader {
  public:
    static constexpr size_t kMaxLineBytes = 16u << 20;

    /// path "-": standard input. NotFound if the file cannot be opened; Format for a gzip file (pipe it through zcat).
    static Result<std::unique_ptr<LineReader>> open(const std::string& path);

    /// The next article; nullopt at the end. Format: "PATH: line N: field: ..."; the reader stands behind that line
    /// and may be asked again. Also takes dataset lines, whose article is "typed" and whose title is in "answer".
    Result<std::optional<RawArticle>> next();
    int64_t line() const { return m_line; }

  private:
    LineReader(std::string path, std::FILE* file, bool owned);
    /// One line without its end into m_buffer; false at the end. Longer lines than allowed are skipped and marked.
    bool readLine(bool& tooLong);

    struct Closer {
        bool owned = true;
        void operator()(std::FILE* f) const {
            if (owned) std::fclose(f);
        }
    };
    std::string m_path;
    std::unique_ptr<std::FILE, Closer> m_file;
    std::string m_buffer, m_chunk;
    size_t m_chunkPos = 0;
    int64_t m_line = 0;
};

/// Agency signatures ("REUTER") and trailing space off the end.
std::string_view withoutSignature(std::string_view body);

/// 64-bit FNV-1a: stable across machines, for duplicates and for splitting by id.
uint64_t hashOf(std::string_view text);

}  // namespace spanscope::news
