#include "engine/model/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "engine/files/file_error.h"
#include "engine/model/mapped_file_guard.h"
#include "engine/model/what_is_it.h"

namespace spanscope {

namespace {

Error systemError(const std::string& path, const char* call, int code) {
    const ErrorCode kind = code == ENOENT || code == ENOTDIR ? ErrorCode::NotFound
                           : code == ENOMEM                  ? ErrorCode::OutOfMemory  // of addresses: ulimit -v
                                                             : ErrorCode::Io;
    return fileError(kind, std::string(call) + ": " + std::generic_category().message(code), path);
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const int code = errno;
        if (const auto link = brokenLink(path); code == ENOENT && link) return *link;
        return systemError(path, "cannot open", code);
    }
    struct stat info = {};
    if (fstat(fd, &info) != 0) {
        const int code = errno;
        close(fd);
        return systemError(path, "cannot stat", code);
    }
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return fileError(ErrorCode::Io, "not a regular file", path);
    }
    std::shared_ptr<MappedFile> file(new MappedFile(path));
    if (info.st_size > 0) {
        const auto size = static_cast<size_t>(info.st_size);
        void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (address == MAP_FAILED) {
            const int code = errno;
            close(fd);
            return systemError(path, "cannot map", code);
        }
        file->m_bytes = {static_cast<const uint8_t*>(address), size};
        mapped_files::add(address, size, path.c_str());
    }
    close(fd);
    if (const auto other = standIn(file->m_bytes, path)) return *other;
    return std::shared_ptr<const MappedFile>(std::move(file));
}

MappedFile::~MappedFile() {
    if (m_bytes.empty()) return;
    mapped_files::remove(m_bytes.data());
    munmap(const_cast<uint8_t*>(m_bytes.data()), m_bytes.size());
}

Result<std::string> readSmallFile(const std::string& path, uint64_t maxBytes) {
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    const auto bytes = (*file)->bytes();
    if (bytes.size() > maxBytes)
        return fileError(ErrorCode::Format, "file too large", path, "size", std::to_string(bytes.size()) + " bytes",
                         "at most " + std::to_string(maxBytes) + " bytes");
    return std::string(bytes.begin(), bytes.end());
}

Result<std::optional<std::string>> readOptionalFile(const std::string& path, uint64_t maxBytes) {
    auto text = readSmallFile(path, maxBytes);
    if (text) return std::optional<std::string>(std::move(*text));
    std::error_code ignored;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
    if (text.error().code == ErrorCode::NotFound && !there) return std::optional<std::string>();
    return text.error();
}

}  // namespace spanscope
