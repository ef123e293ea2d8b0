// Recorded runs on disk: *.spantrace, JSON Lines. First line a header (format version, minimum reader version,
// program, model hashes, settings, seed, machine), then one line per step, segments and violations as they
// happen, statistics last. Append-safe: a crash leaves a readable file. Format: engine/trace/FORMAT.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/types/records.h"
#include "kernels/result.h"

namespace spanscope {

inline constexpr int kTraceVersion = 2;

/// Appends one or more runs to a file as they happen. One thread.
class TraceWriter {
  public:
    /// Creates or replaces `path`: written beside it under a temporary name, renamed by close(). What a crash leaves
    /// is the temporary file, which readTrace() opens. keepPart: so does an error, or an end without close().
    static Result<std::unique_ptr<TraceWriter>> create(const std::string& path, bool keepPart = true);
    ~TraceWriter();
    Status begin(const RunHeader& header);
    /// Writes what is new in `data` since the last call for that runId.
    Status append(const RunData& data);
    Status end(const RunData& data);
    Status close();
    const std::string& temporaryPath() const;

  private:
    TraceWriter();
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

struct TraceFile {
    std::string path;
    std::vector<std::shared_ptr<RunData>> runs;
    std::string damage;  ///< empty, or a sentence: where reading stopped and why; runs hold what came before
};

/// Fails only where nothing can be shown (no file, no readable header, newer minimum reader version).
Result<TraceFile> readTrace(const std::string& path);
/// label: of the first run, in the place of its own.
Status writeTrace(const std::string& path, const std::vector<const RunData*>& runs, const RunLabel* label = nullptr);

}  // namespace spanscope
