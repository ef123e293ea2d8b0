#include "engine/model/gguf/gguf_parts.h"

#include <cstdio>
#include <optional>

#include "engine/files/file_error.h"

namespace spanscope {

namespace {

constexpr int64_t kMaxParts = 1024;
constexpr std::string_view kEnding = ".gguf";

/// What a name says of a part; both numbers from 1.
struct PartName {
    std::string prefix;
    int32_t part = 0, count = 0;
    std::string path(int32_t other) const {
        char numbers[32];
        std::snprintf(numbers, sizeof numbers, "-%05d-of-%05d", other, count);
        return prefix + numbers + std::string(kEnding);
    }
};

std::optional<int32_t> fiveDigits(std::string_view text) {
    int32_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return {};
        number = number * 10 + (c - '0');
    }
    return number;
}

std::optional<PartName> partName(const std::string& path) {
    constexpr size_t kLength = sizeof "-00001-of-00003.gguf" - 1;
    if (path.size() < kLength || !path.ends_with(kEnding)) return {};
    const std::string_view numbers = std::string_view(path).substr(path.size() - kLength);
    const auto part = fiveDigits(numbers.substr(1, 5)), count = fiveDigits(numbers.substr(10, 5));
    if (numbers[0] != '-' || numbers.substr(6, 4) != "-of-" || !part || !count || *part < 1 || *part > *count)
        return {};
    return PartName{path.substr(0, path.size() - kLength), *part, *count};
}

/// What the metadata says of a part.
struct PartInfo {
    int64_t part = 0;  ///< from 1
    int64_t count = 0;
    int64_t nTensors = 0;  ///< of all parts; 0: not said
};

Result<PartInfo> partInfo(const GgufPart& part) {
    GgufFields fields(*part.gguf, part.path);
    PartInfo info;
    info.count = fields.integer("split.count", 0, 65535, 0);
    info.part = fields.integer("split.no", 0, 65535, 0) + 1;
    info.nTensors = fields.integer("split.tensors.count", 0, INT32_MAX, 0);
    if (!fields.ok()) return fields.error();
    return info;
}

std::string describe(const PartInfo& info) {
    return "part " + std::to_string(info.part) + " of " + std::to_string(info.count);
}

Result<GgufPart> parsePart(std::span<const uint8_t> bytes, const std::string& path) {
    auto parsed = parseGguf(bytes, path);
    if (!parsed) return parsed.error();
    return GgufPart{path, std::make_shared<const GgufFile>(std::move(*parsed))};
}

Result<GgufPart> openPart(const std::string& path) {
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    auto part = parsePart((*file)->bytes(), path);
    if (part) part->mapping = *file;
    return part;
}

Error refused(const GgufPart& part, const PartInfo& info, std::string message, std::string_view expected) {
    return fileError(ErrorCode::Unsupported, std::move(message), part.path, "split.count", describe(info), expected);
}

Status refuseJoined(const GgufPart& part, const PartInfo& info) {
    if (part.gguf->bytesAfterTensors <= 2 * part.gguf->header.size()) return {};
    return refused(part, info,
                   "parts of a split GGUF file joined byte by byte; that is no GGUF file, keep the parts beside each "
                   "other, or merge them with: llama-gguf-split --merge",
                   "a whole file");
}

Result<std::vector<GgufPart>> openSet(GgufPart opened, const PartInfo& openedInfo) {
    const auto name = partName(opened.path);
    if (!name || name->count != openedInfo.count || name->part != openedInfo.part)
        return refused(opened, openedInfo, "one part of a split GGUF file under another name", [&] {
            return PartName{"NAME", 1, static_cast<int32_t>(openedInfo.count)}.path(
                static_cast<int32_t>(openedInfo.part));
        }());
    std::vector<GgufPart> parts;
    size_t nTensors = 0;
    for (int32_t i = 1; i <= name->count; ++i) {
        if (i == name->part) {
            parts.push_back(opened);
        } else {
            auto part = openPart(name->path(i));
            if (!part && part.error().code == ErrorCode::NotFound)
                return fileError(ErrorCode::NotFound, "a part of this split GGUF file is missing", name->path(i),
                                 "split.count", "nothing", describe({i, name->count}));
            if (!part) return part.error();
            parts.push_back(std::move(*part));
        }
        auto info = partInfo(parts.back());
        if (!info) return info.error();
        if (info->part != i || info->count != name->count)
            return fileError(ErrorCode::Format, "this file is another part than its name says", parts.back().path,
                             "split.no", describe(*info), describe({i, name->count}));
        nTensors += parts.back().gguf->tensors.size();
    }
    auto first = partInfo(parts.front());
    if (first->nTensors > 0 && nTensors != static_cast<size_t>(first->nTensors))
        return fileError(ErrorCode::Format, "the parts hold another number of tensors than the first one says",
                         parts.front().path, "split.tensors.count", std::to_string(nTensors) + " tensors",
                         std::to_string(first->nTensors));
    return parts;
}

}  // namespace

Result<std::vector<GgufPart>> openGgufParts(const std::string& path) {
    auto part = openPart(path);
    if (!part) return part.error();
    auto info = partInfo(*part);
    if (!info) return info.error();
    if (info->count < 2) return std::vector<GgufPart>{std::move(*part)};
    if (info->count > kMaxParts)
        return refused(*part, *info, "more parts than this program opens", "at most " + std::to_string(kMaxParts));
    if (auto status = refuseJoined(*part, *info); !status) return status.error();
    return openSet(std::move(*part), *info);
}

Result<std::vector<GgufPart>> parseGgufPart(std::span<const uint8_t> bytes, const std::string& path) {
    auto part = parsePart(bytes, path);
    if (!part) return part.error();
    auto info = partInfo(*part);
    if (!info) return info.error();
    if (info->count >= 2) return refused(*part, *info, "one part of a split GGUF file", "a whole file");
    return std::vector<GgufPart>{std::move(*part)};
}

std::string withoutPartNumber(const std::string& path) {
    const auto name = partName(path);
    return name ? name->prefix + std::string(kEnding) : path;
}

}  // namespace spanscope
