// A file that appears whole or not at all: written beside its target under a name of its own that ends in `.part`,
// synced and renamed by commit(). The temporary is made anew and never opened through a link, so nobody else's file is
// touched, and two writers of one target do not meet: the last commit() wins. A device or a pipe (/dev/stdout) is
// written as it is, and nothing is ever renamed over it; a link that the user made stays one. Everything that this
// program writes goes through here. One thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "kernels/result.h"

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
    /// Waits for the disk, so that a file under its own name is whole even after a power cut.
    Status commit();

    /// Io where the disk has less room than that: known before the work, not after it. A stream has all it needs.
    Status checkRoomFor(uint64_t nBytes) const;
    /// For formats that are written with steps back; not where isStream().
    void seek(int64_t position);
    int64_t position() const { return m_file ? std::ftell(m_file.get()) : 0; }
    bool failed() const { return m_errno != 0; }
    /// The target is a device or a pipe.
    bool isStream() const { return m_direct; }

    /// Keeps the temporary file instead of removing it with the object (a trace of a run that crashed).
    void keepTemporary();
    const std::string& temporaryPath() const { return m_temporary; }
    const std::string& path() const { return m_path; }

    /// Removes the temporaries of all files that are being written, but for kept ones. For a signal handler that ends
    /// the process: takes no lock and allocates nothing.
    static void removeUnfinished();

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    struct Forget {
        void operator()(const char* listed) const;
    };
    OutputFile() = default;
    Error failure(const char* what) const;
    void removeTemporary();

    std::string m_path;    ///< as it was asked for, for messages
    std::string m_target;  ///< behind the links
    std::string m_temporary;
    std::unique_ptr<std::FILE, Close> m_file;
    std::unique_ptr<const char, Forget> m_listed;  ///< in the list of removeUnfinished()
    int m_errno = 0;
    bool m_keep = false;
    bool m_direct = false;  ///< no temporary: the target is a device or a pipe
};

/// create, write, commit.
Status writeFile(const std::string& path, std::string_view bytes);

}  // namespace spanscope
