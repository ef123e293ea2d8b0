#include "engine/trace/output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace spanscope {

namespace {

/// A folder cannot become a file; a device or a pipe can be written, but nothing may be renamed over it.
Status checkTarget(const std::string& path, bool deviceToo) {
    std::error_code ignored;
    const auto target = std::filesystem::status(path, ignored);
    if (std::filesystem::is_directory(target)) return Error{ErrorCode::Io, "is a folder; name a file", path, {}, {}, {}};
    if (!deviceToo && std::filesystem::exists(target) && !std::filesystem::is_regular_file(target))
        return Error{ErrorCode::Io, "is a device or a pipe; this format needs a file", path, {}, {}, {}};
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
    if (Status ok = checkTarget(path, true); !ok) return ok.error();
    OutputFile file;
    file.m_path = path;
    std::error_code ignored;
    const auto target = std::filesystem::status(path, ignored);
    file.m_direct = std::filesystem::exists(target) && !std::filesystem::is_regular_file(target);
    file.m_temporary = file.m_direct ? path : path + ".part";
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
    return m_direct ? Status() : putInPlace(m_temporary, m_path);
}

Status putInPlace(const std::string& temporary, const std::string& path) {
    if (Status ok = checkTarget(path, false); !ok) {
        std::remove(temporary.c_str());
        return ok;
    }
    if (std::rename(temporary.c_str(), path.c_str()) == 0) return {};
    const std::string reason = std::strerror(errno);
    std::remove(temporary.c_str());
    return Error{ErrorCode::Io, "cannot be put in place: " + reason, path, {}, {}, {}};
}

Status writeFile(const std::string& path, std::string_view bytes) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(bytes);
    return file->commit();
}

}  // namespace spanscope
