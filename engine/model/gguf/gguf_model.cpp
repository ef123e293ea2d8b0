// A GGUF file: quantised blocks stay as they are in the mapped file.
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/hash64.h"
#include "engine/model/gguf/ggml_types.h"
#include "engine/model/gguf/gguf.h"
#include "engine/model/gguf/gguf_config.h"
#include "engine/model/loaded_model.h"
#include "engine/model/mapped_file.h"

namespace spanscope {

namespace {

/// A model in several files says so in each of them; one part alone has some of the tensors.
Status refuseSplit(const GgufFile& gguf, GgufFields& fields, const std::string& path) {
    const int64_t parts = fields.integer("split.count", 0, 65535, 0);
    const int64_t part = fields.integer("split.no", 0, 65535, 0);
    if (!fields.ok()) return fields.error();
    if (parts < 2) return {};
    const bool joined = gguf.bytesAfterTensors > 2 * gguf.header.size();
    return fileError(ErrorCode::Unsupported,
                     joined ? "parts of a split GGUF file joined byte by byte; that is no GGUF file, merge them with: "
                              "llama-gguf-split --merge"
                            : "one part of a split GGUF file; merge the parts with: llama-gguf-split --merge",
                     path, "split.count", "part " + std::to_string(part + 1) + " of " + std::to_string(parts),
                     "a whole file");
}

TensorTable makeTable(const GgufFile& gguf, const std::string& path, Hash64& hash) {
    TensorTable table;
    for (const GgufTensor& tensor : gguf.tensors) {
        TensorSource source;
        const auto dtype = ggmlDType(tensor.type);
        source.bytes = tensor.bytes;
        source.dtype = dtype.value_or(DType::F32);
        source.supported = dtype.has_value();
        source.dtypeName = ggmlTypeName(tensor.type);
        source.shape = tensor.shape;
        source.file = path;
        hash.addSample(source.bytes);
        table.tensors.emplace(tensor.name, std::move(source));
    }
    return table;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> openGgufBytes(std::span<const uint8_t> bytes, const std::string& path) {
    auto parsed = parseGguf(bytes, path);
    if (!parsed) return parsed.error();
    const auto gguf = std::make_shared<const GgufFile>(std::move(*parsed));
    GgufFields fields(*gguf, path);
    if (auto status = refuseSplit(*gguf, fields, path); !status) return status.error();
    Hash64 hash;
    hash.add(gguf->header);
    const TensorTable table = makeTable(*gguf, path, hash);
    auto config = readGgufConfig(fields, table, path);
    if (!config) return config.error();

    auto model = std::make_shared<LoadedModel>();
    model->m_path = path;
    model->m_name = fields.string("general.name", "");
    if (!fields.ok()) return fields.error();
    if (model->m_name.empty()) model->m_name = std::filesystem::path(path).stem().string();
    model->m_vocabulary = {path, gguf};
    model->m_cardPath = std::filesystem::path(path).replace_extension(".spanscope.json").string();
    if (auto status = assembleWeights(table, *config, path, *model); !status) return status.error();
    model->m_hash = hash.hex();
    model->m_formatName = "GGUF " + dominantType(model->m_weights);
    return model;
}

Result<std::shared_ptr<LoadedModel>> openGgufFile(const std::string& path) {
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    auto opened = openGgufBytes((*file)->bytes(), path);
    if (opened) (*opened)->m_mappings.push_back(*file);
    return opened;
}

}  // namespace spanscope
