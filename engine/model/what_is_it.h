// People point a program at what they have: a pointer file, one part of two, a cache's root. Names it, and says what to
// open instead. Private to engine/model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "kernels/result.h"

namespace spanscope {

/// Files that stand in for another one (a Git LFS pointer, a web page, an archive); empty for everything else.
std::optional<Error> standIn(std::span<const uint8_t> bytes, const std::string& path);

/// For a link whose target is not there; empty for everything else.
std::optional<Error> brokenLink(const std::filesystem::path& path);

/// For a file that is no GGUF file: what it is, if that can be said, and what to open.
Error notAModelFile(std::span<const uint8_t> bytes, const std::string& path);

/// For a folder without config.json: a model hub's cache, a folder with GGUF files or shards alone, nothing at all.
Error notAModelFolder(const std::filesystem::path& folder);

}  // namespace spanscope
