#include "engine/files/input_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace spanscope {

Result<std::ifstream> openInput(const std::string& path) {
    std::error_code none;
    if (std::filesystem::is_directory(path, none)) return Error{ErrorCode::Io, "is a folder, not a file", path};
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (file) return file;
    return Error{ErrorCode::NotFound, std::string("cannot be opened: ") + std::strerror(errno), path};
}

}  // namespace spanscope
