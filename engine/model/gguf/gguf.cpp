#include "engine/model/gguf/gguf.h"

#include <algorithm>
#include <array>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"
#include "engine/model/gguf/byte_reader.h"
#include "engine/model/gguf/ggml_types.h"
#include "engine/model/what_is_it.h"

namespace spanscope {

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint32_t kMaxDimensions = 4;
constexpr int kMaxArrayDepth = 4;
constexpr uint32_t kNTypes = 13;
constexpr uint64_t kMaxEntries = 65536;  // each becomes several times its bytes in the file

uint64_t scalarBytes(GgufType type) {
    constexpr std::array<uint8_t, kNTypes> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return kBytes[static_cast<uint32_t>(type)];
}

class Parser {
  public:
    Parser(std::span<const uint8_t> file, const std::string& fileName)
        : m_file(file), m_fileName(fileName), m_reader(file) {}

    Result<GgufFile> run() {
        uint64_t nTensors = 0;
        uint64_t nValues = 0;
        if (auto status = readStart(nTensors, nValues); !status) return status.error();
        for (uint64_t i = 0; i < nValues; ++i)
            if (auto status = readMetadata(); !status) return status.error();
        std::vector<uint64_t> offsets;
        for (uint64_t i = 0; i < nTensors; ++i)
            if (auto status = readTensorInfo(offsets); !status) return status.error();
        if (auto status = placeTensors(offsets); !status) return status.error();
        return std::move(m_gguf);
    }

  private:
    Error bad(std::string message, std::string_view field, std::string_view found = {},
              std::string_view expected = {}) const {
        return fileError(ErrorCode::Format, std::move(message), m_fileName, field, found, expected);
    }
    Error cut(std::string_view field) const {
        return bad("file ends in the middle", field, std::to_string(m_file.size()) + " bytes");
    }

    Status readStart(uint64_t& nTensors, uint64_t& nValues) {
        const uint32_t magic = m_reader.u32();
        m_gguf.version = m_reader.u32();
        if (!m_reader.ok() || magic != kMagic) return notAModelFile(m_file, m_fileName);
        if ((m_gguf.version & 0xFFFF) == 0 && m_gguf.version != 0)
            return fileError(ErrorCode::Unsupported, "big-endian GGUF files are not supported", m_fileName);
        if (m_gguf.version != 2 && m_gguf.version != 3)
            return fileError(ErrorCode::Unsupported, "this version of GGUF is not supported", m_fileName, "version",
                             std::to_string(m_gguf.version), "2 or 3");
        nTensors = m_reader.u64();
        nValues = m_reader.u64();
        if (!m_reader.ok()) return cut("header");
        constexpr uint64_t kSmallestEntry = 13;  // empty name, type, one byte
        const uint64_t most = std::min(kMaxEntries, m_reader.left() / kSmallestEntry);
        if (nTensors > most || nValues > most)
            return bad("more entries than the file has room for, or than any Llama model needs",
                       nTensors > most ? "tensor_count" : "metadata_kv_count",
                       std::to_string(std::max(nTensors, nValues)), "at most " + std::to_string(most));
        return {};
    }

    Result<std::string> readName(const char* what, size_t longest) {
        const std::string_view name = m_reader.string();
        if (!m_reader.ok()) return cut(what);
        if (name.empty() || name.size() > longest)
            return bad("name too long or empty", what, std::to_string(name.size()) + " bytes",
                       "1 to " + std::to_string(longest));
        if (firstBadUtf8(name) != std::string_view::npos) return bad("name is not UTF-8", name);
        return std::string(name);
    }

    /// Moves over one value of `type` (arrays may nest). False: it does not fit the file.
    bool skip(GgufType type, int depth) {
        if (type == GgufType::String) {
            m_reader.string();
        } else if (type == GgufType::Array) {
            const uint32_t element = m_reader.u32();
            const uint64_t count = m_reader.u64();
            return m_reader.ok() && skipElements(element, count, depth + 1);
        } else {
            m_reader.bytes(scalarBytes(type));
        }
        return m_reader.ok();
    }
    bool skipElements(uint32_t element, uint64_t count, int depth) {
        m_tooDeep = m_tooDeep || depth > kMaxArrayDepth;
        if (element >= kNTypes || m_tooDeep) return false;
        const auto type = static_cast<GgufType>(element);
        if (const uint64_t size = scalarBytes(type); size > 0) {
            if (count > m_reader.left() / size) return false;
            m_reader.bytes(count * size);
            return m_reader.ok();
        }
        for (uint64_t i = 0; i < count; ++i)
            if (!skip(type, depth)) return false;
        return true;
    }

    Status readMetadata() {
        auto key = readName("metadata key", 65535);
        if (!key) return key.error();
        const uint32_t type = m_reader.u32();
        if (!m_reader.ok()) return cut(*key);
        if (type >= kNTypes) return bad("unknown value type", *key, std::to_string(type), "0 to 12");
        GgufValue value;
        value.type = static_cast<GgufType>(type);
        uint32_t element = 0;
        if (value.type == GgufType::Array) {
            element = m_reader.u32();
            value.count = m_reader.u64();
            if (!m_reader.ok()) return cut(*key);
            if (element >= kNTypes) return bad("unknown element type", *key, std::to_string(element), "0 to 12");
            value.elementType = static_cast<GgufType>(element);
        }
        const uint64_t begin = m_reader.position();
        const bool fits = value.type == GgufType::Array ? skipElements(element, value.count, 1) : skip(value.type, 0);
        if (m_tooDeep)
            return bad("arrays nested too deeply", *key, {}, "at most " + std::to_string(kMaxArrayDepth) + " levels");
        if (!fits) return bad("value does not fit the file, or is of no known type", *key);
        value.bytes = m_file.subspan(begin, m_reader.position() - begin);
        if (!m_gguf.metadata.emplace(*key, value).second) return bad("key given twice", *key);
        return {};
    }

    Status readTensorInfo(std::vector<uint64_t>& offsets) {
        auto name = readName("tensor name", 1024);
        if (!name) return name.error();
        GgufTensor tensor;
        tensor.name = *name;
        const uint32_t nDimensions = m_reader.u32();
        if (!m_reader.ok()) return cut(*name);
        if (nDimensions < 1 || nDimensions > kMaxDimensions)
            return bad("number of dimensions out of range", *name, std::to_string(nDimensions), "1 to 4");
        for (uint32_t i = 0; i < nDimensions; ++i) {
            const uint64_t extent = m_reader.u64();
            if (!m_reader.ok()) return cut(*name);
            if (extent < 1 || extent > uint64_t{1} << 40)
                return bad("dimension out of range", *name, std::to_string(extent), "1 to 2^40");
            tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
        }
        tensor.type = m_reader.u32();
        offsets.push_back(m_reader.u64());
        if (!m_reader.ok()) return cut(*name);
        m_gguf.tensors.push_back(std::move(tensor));
        return {};
    }

    Status placeTensors(const std::vector<uint64_t>& offsets) {
        GgufFields fields(m_gguf, m_fileName);
        const auto alignment =
            static_cast<uint64_t>(fields.integer("general.alignment", 8, 1 << 20, int64_t{kDefaultAlignment}));
        if (fields.ok() && alignment % 8 != 0)
            fields.fail(ErrorCode::Format, "not a multiple of 8", "general.alignment", std::to_string(alignment));
        if (!fields.ok()) return fields.error();
        m_gguf.header = m_file.first(m_reader.position());
        const uint64_t dataStart = (m_reader.position() + alignment - 1) / alignment * alignment;
        const uint64_t dataBytes = dataStart < m_file.size() ? m_file.size() - dataStart : 0;

        std::map<std::string_view, uint64_t> names;
        std::map<uint64_t, std::pair<uint64_t, const GgufTensor*>> extents;  // begin -> end
        for (size_t i = 0; i < m_gguf.tensors.size(); ++i) {
            GgufTensor& tensor = m_gguf.tensors[i];
            const uint64_t offset = offsets[i];
            if (!names.emplace(tensor.name, offset).second) return bad("tensor given twice", tensor.name);
            if (offset % alignment != 0 || offset > dataBytes)
                return bad("offset not aligned or past the end", tensor.name + ".offset", std::to_string(offset),
                           "a multiple of " + std::to_string(alignment) + ", at most " + std::to_string(dataBytes));
            const auto size = ggmlTensorBytes(tensor.type, tensor.shape);
            if (!size) continue;  // a type not known here; refused if a weight has it
            if (*size == 0 || *size > dataBytes - offset)
                return bad("tensor reaches past the end of the file, or its rows are not whole blocks", tensor.name,
                           std::to_string(*size) + " bytes at " + std::to_string(offset),
                           "at most " + std::to_string(dataBytes - offset));
            tensor.bytes = m_file.subspan(dataStart + offset, *size);
            const auto [it, isNew] = extents.emplace(offset, std::pair(offset + *size, &tensor));
            if (!isNew) return bad("overlaps another tensor", tensor.name, it->second.second->name);
        }
        uint64_t end = 0;
        for (const auto& [begin, extent] : extents) {
            if (begin < end) return bad("overlaps the tensor before it", extent.second->name);
            end = extent.first;
        }
        m_gguf.bytesAfterTensors = dataBytes - end;
        return {};
    }

    std::span<const uint8_t> m_file;
    const std::string& m_fileName;
    ByteReader m_reader;
    GgufFile m_gguf;
    bool m_tooDeep = false;
};

}  // namespace

Result<GgufFile> parseGguf(std::span<const uint8_t> file, const std::string& fileName) {
    return Parser(file, fileName).run();
}

}  // namespace spanscope
