#include "engine/trace/output_file.h"

#include <cerrno>
#include <cstring>

namespace spanscope {

Error OutputFile::failure(const char* what) const {
    Error e;
    e.code = ErrorCode::Io;
    e.message = std::string(what) + ": " + std::strerror(m_errno);
    e.file = m_path;
    return e;
}

Result<OutputFile> OutputFile::create(const std::string& path) {
    OutputFile file;
    file.m_path = path;
    file.m_temporary = path + ".part";
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
    if (!m_keep) std::remove(m_temporary.c_str());
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
        std::remove(m_temporary.c_str());
        return failure("cannot be written");
    }
    return putInPlace(m_temporary, m_path);
}

Status putInPlace(const std::string& temporary, const std::string& path) {
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
