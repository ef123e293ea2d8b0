// A model in several GGUF files, named NAME-00001-of-00003.gguf and so on: each says in its metadata which part it is,
// the first one holds all other metadata. Private to engine/model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model/gguf/gguf.h"
#include "engine/model/mapped_file.h"

namespace spanscope {

struct GgufPart {
    std::string path;
    std::shared_ptr<const GgufFile> gguf;            ///< never null
    std::shared_ptr<const MappedFile> mapping = {};  ///< null for bytes that somebody else keeps
};

/// The file itself, or all parts of the set that it belongs to, the first part first. NotFound names the part that is
/// missing; Format where the parts do not fit together; Unsupported for parts joined byte by byte.
Result<std::vector<GgufPart>> openGgufParts(const std::string& path);

/// One part given as bytes; Unsupported if it belongs to a set.
Result<std::vector<GgufPart>> parseGgufPart(std::span<const uint8_t> bytes, const std::string& path);

/// The path without what names a part: "m.gguf" for "m-00002-of-00003.gguf", other paths as they are.
std::string withoutPartNumber(const std::string& path);

}  // namespace spanscope
