#include "engine/types/output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace spanscope {

namespace {

namespace fs = std::filesystem;

/// Where the bytes for a path go.
struct Target {
    std::string path;     ///< behind the links
    bool direct = false;  ///< a device or a pipe, or a link to what this process has open: nothing to rename over
};

Target targetOf(const std::string& path) {
    std::error_code none;
    const auto status = fs::status(path, none);
    if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status)) return {path, true};
    fs::path at = path;
    for (int nLinks = 0; fs::is_symlink(fs::symlink_status(at, none)); ++nLinks) {  // by hand: the last may lead nowhere yet
        const std::string name = at.lexically_normal().string();
        if (name.starts_with("/dev/") || name.starts_with("/proc/")) return {path, true};  // /dev/stdout, sent to a file
        const fs::path next = fs::read_symlink(at, none);
        if (none || nLinks > 40) return {path, true};  // opening it says what is wrong
        at = at.parent_path() / next;
    }
    return {at.string(), false};
}

Status checkNoFolder(const std::string& path) {
    std::error_code none;
    if (fs::is_directory(path, none)) return Error{ErrorCode::Io, "is a folder; name a file", path, {}, {}, {}};
    return {};
}

}  // namespace

Error OutputFile::failure(const char* what) const {
    Error e;
    e.code = ErrorCode::Io;
    e.message = std::string(what) + ": " + std::strerror(m_errno);
    e.file = m_path;
    return e;
}

Result<OutputFile> OutputFile::create(const std::string& path) {
    if (Status ok = checkNoFolder(path); !ok) return ok.error();
    OutputFile file;
    file.m_path = path;
    file.m_direct = targetOf(path).direct;
    file.m_temporary = file.m_direct ? path : temporaryFor(path);
    file.m_file.reset(std::fopen(file.m_temporary.c_str(), "wb"));
    if (!file.m_file) {
        file.m_errno = errno;
        return file.failure("cannot be created");
    }
    return file;
}

OutputFile::~OutputFile() {
    if (!m_file) return;
    m_file.reset();
    if (!m_keep && !m_direct) std::remove(m_temporary.c_str());
}

void OutputFile::write(std::string_view bytes) {
    if (m_errno == 0 && std::fwrite(bytes.data(), 1, bytes.size(), m_file.get()) != bytes.size()) m_errno = errno;
}

void OutputFile::flush() {
    if (m_errno == 0 && std::fflush(m_file.get()) != 0) m_errno = errno;
}

Status OutputFile::commit() {
    flush();
    if (m_errno != 0) return failure("cannot be written");
    if (std::fclose(m_file.release()) != 0) {
        m_errno = errno;
        if (!m_keep && !m_direct) std::remove(m_temporary.c_str());
        return failure("cannot be written");
    }
    return m_direct ? Status() : putInPlace(m_path);
}

std::string temporaryFor(const std::string& path) { return targetOf(path).path + ".part"; }

Status putInPlace(const std::string& path) {
    const Target target = targetOf(path);
    const std::string temporary = target.path + ".part";
    Status ok = checkNoFolder(path);
    if (ok && target.direct) ok = Error{ErrorCode::Io, "is a device or a pipe; this format needs a file", path, {}, {}, {}};
    if (ok && std::rename(temporary.c_str(), target.path.c_str()) != 0)
        ok = Error{ErrorCode::Io, std::string("cannot be put in place: ") + std::strerror(errno), path, {}, {}, {}};
    if (!ok) std::remove(temporary.c_str());
    return ok;
}

Status writeFile(const std::string& path, std::string_view bytes) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(bytes);
    return file->commit();
}

}  // namespace spanscope
