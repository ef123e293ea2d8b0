// A file that appears whole or not at all: written beside its target under a temporary name, renamed by commit(). A device
// or a pipe (/dev/stdout) is written as it is, and nothing is ever renamed over it; a link stays one. Everything that this
// program writes goes through here.
// One thread.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "engine/types/result.h"

namespace spanscope {

class OutputFile {
  public:
    /// Io with the system's reason, or where the path is a folder. Nothing is left behind unless commit() succeeds.
    static Result<OutputFile> create(const std::string& path);
    OutputFile(OutputFile&&) = default;
    OutputFile& operator=(OutputFile&&) = default;
    ~OutputFile();

    /// Errors are remembered and reported by commit().
    void write(std::string_view bytes);
    /// Flushes to the operating system without waiting for the disk.
    void flush();
    Status commit();
    /// Keeps the temporary file instead of removing it with the object (a trace of a run that crashed).
    void keepTemporary() { m_keep = true; }
    const std::string& temporaryPath() const { return m_temporary; }
    const std::string& path() const { return m_path; }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    OutputFile() = default;
    Error failure(const char* what) const;

    std::string m_path;       ///< as it was asked for, for messages
    std::string m_temporary;
    std::unique_ptr<std::FILE, Close> m_file;
    int m_errno = 0;
    bool m_keep = false;
    bool m_direct = false;  ///< no temporary: the target is a device or a pipe
};

/// For libraries that write a file by themselves: they write temporaryFor(path), then putInPlace(path) renames it, or
/// removes it and says why not. Io for a folder, a device, a pipe.
std::string temporaryFor(const std::string& path);
Status putInPlace(const std::string& path);

/// create, write, commit.
Status writeFile(const std::string& path, std::string_view bytes);

}  // namespace spanscope
