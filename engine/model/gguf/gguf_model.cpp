// A GGUF file: quantised blocks stay as they are in the mapped file.
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/hash64.h"
#include "engine/model/gguf/ggml_types.h"
#include "engine/model/gguf/gguf.h"
#include "engine/model/gguf/gguf_config.h"
#include "engine/model/gguf/gguf_parts.h"
#include "engine/model/loaded_model.h"

namespace spanscope {

namespace {

Result<TensorTable> makeTable(const std::vector<GgufPart>& parts, Hash64& hash) {
    TensorTable table;
    for (const GgufPart& part : parts) {
        hash.add(part.gguf->header);
        for (const GgufTensor& tensor : part.gguf->tensors) {
            TensorSource source;
            const auto dtype = ggmlDType(tensor.type);
            source.bytes = tensor.bytes;
            source.dtype = dtype.value_or(DType::F32);
            source.supported = dtype.has_value();
            source.dtypeName = ggmlTypeName(tensor.type);
            source.shape = tensor.shape;
            source.file = part.path;
            hash.addSample(source.bytes);
            const auto [it, isNew] = table.tensors.emplace(tensor.name, std::move(source));
            if (!isNew)
                return fileError(ErrorCode::Format, "tensor is in two files", part.path, tensor.name, it->second.file);
        }
        if (part.mapping) table.mappings.push_back(part.mapping);
    }
    return table;
}

/// path: what was asked for, one of the parts.
Result<std::shared_ptr<LoadedModel>> openParts(const std::vector<GgufPart>& parts, const std::string& path) {
    const GgufPart& first = parts.front();
    GgufFields fields(*first.gguf, first.path);
    Hash64 hash;
    auto table = makeTable(parts, hash);
    if (!table) return table.error();
    auto config = readGgufConfig(fields, *table, first.path);
    if (!config) return config.error();

    const std::filesystem::path whole = withoutPartNumber(path);
    auto model = std::make_shared<LoadedModel>();
    model->m_path = path;
    model->m_name = fields.string("general.name", "");
    if (!fields.ok()) return fields.error();
    if (model->m_name.empty()) model->m_name = whole.stem().string();
    model->m_vocabulary = {first.path, first.gguf};
    model->m_cardPath = std::filesystem::path(whole).replace_extension(".spanscope.json").string();
    if (auto status = assembleWeights(*table, *config, first.path, *model); !status) return status.error();
    model->m_mappings = std::move(table->mappings);
    model->m_hash = hash.hex();
    model->m_formatName = "GGUF " + dominantType(model->m_weights);
    return model;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> openGgufBytes(std::span<const uint8_t> bytes, const std::string& path) {
    auto parts = parseGgufPart(bytes, path);
    if (!parts) return parts.error();
    return openParts(*parts, path);
}

Result<std::shared_ptr<LoadedModel>> openGgufFile(const std::string& path) {
    auto parts = openGgufParts(path);
    if (!parts) return parts.error();
    return openParts(*parts, path);
}

}  // namespace spanscope
