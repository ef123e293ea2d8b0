// A file mapped for reading. Private to engine/model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "kernels/result.h"

namespace spanscope {

class MappedFile {
  public:
    /// NotFound or Io; only regular files (a pipe would block, a device has no size).
    static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const std::string& path() const { return m_path; }
    std::span<const uint8_t> bytes() const { return m_bytes; }

  private:
    explicit MappedFile(std::string path) : m_path(std::move(path)) {}
    std::string m_path;
    std::span<const uint8_t> m_bytes;
};

/// A whole small file; Format if it is larger than maxBytes.
Result<std::string> readSmallFile(const std::string& path, uint64_t maxBytes);

/// The same, empty where there is no such file. A link that leads nowhere is an error, not an absent file.
Result<std::optional<std::string>> readOptionalFile(const std::string& path, uint64_t maxBytes);

}  // namespace spanscope
