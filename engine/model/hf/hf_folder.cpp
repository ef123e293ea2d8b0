// A Hugging Face folder: config.json, *.safetensors (one or with an index), tokenizer.model, spanscope.json.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>

#include "engine/files/file_error.h"
#include "engine/files/hash64.h"
#include "engine/files/json_fields.h"
#include "engine/model/hf/file_names.h"
#include "engine/model/hf/safetensors.h"
#include "engine/model/loaded_model.h"
#include "engine/model/mapped_file.h"
#include "engine/model/model_config.h"
#include "engine/model/what_is_it.h"

namespace spanscope {

using nlohmann::json;

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 4 << 20;
constexpr uint64_t kMaxIndexBytes = 16 << 20;
constexpr size_t kMaxShards = 4096;

bool fileThere(const fs::path& path) {
    std::error_code ignored;  // a broken link is there, and opening it says so
    return fs::exists(fs::symlink_status(path, ignored));
}

}  // namespace

Status addSafetensors(std::span<const uint8_t> bytes, const std::string& path, TensorTable& table, Hash64& hash,
                      const std::function<bool(const std::string&)>& wanted) {
    auto header = parseSafetensors(bytes, path);
    if (!header) return header.error();
    hash.add(header->json);
    for (SafetensorsEntry& entry : header->tensors) {
        if (wanted && !wanted(entry.name)) continue;
        TensorSource source;
        source.bytes = bytes.subspan(entry.begin, entry.end - entry.begin);
        source.file = path;
        source.dtypeName = entry.dtype;
        source.shape = std::move(entry.shape);
        source.supported = entry.dtype == "F32" || entry.dtype == "F16" || entry.dtype == "BF16";
        if (entry.dtype == "F16") source.dtype = DType::F16;
        if (entry.dtype == "BF16") source.dtype = DType::BF16;
        hash.addSample(source.bytes);
        const auto [it, isNew] = table.tensors.emplace(entry.name, std::move(source));
        if (!isNew) return fileError(ErrorCode::Format, "tensor is in two files", path, entry.name, it->second.file);
    }
    return {};
}

namespace {

Status addShard(const std::string& path, TensorTable& table, Hash64& hash,
                const std::function<bool(const std::string&)>& wanted = {}) {
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    table.mappings.push_back(*file);
    return addSafetensors((*file)->bytes(), path, table, hash, wanted);
}

/// name -> file of the index; checks the names.
Result<json> readIndex(const std::string& path) {
    auto text = readSmallFile(path, kMaxIndexBytes);
    if (!text) return text.error();
    auto object = parseJsonObject(*text, path);
    if (!object) return object.error();
    const auto map = object->find("weight_map");
    if (map == object->end() || !map->is_object())
        return fileError(ErrorCode::Format, "missing or not an object", path, "weight_map");
    for (const auto& [name, file] : map->items())
        if (!file.is_string() || !isPlainFileName(file.get_ref<const std::string&>()))
            return fileError(ErrorCode::Format, "not a file name", path, "weight_map." + name, describeJson(file),
                             "the name of a file in the same folder");
    return json(*map);
}

Status addIndexedShards(const fs::path& folder, const std::string& indexPath, TensorTable& table, Hash64& hash) {
    auto map = readIndex(indexPath);
    if (!map) return map.error();
    std::set<std::string> files;
    for (const auto& item : map->items()) files.insert(item.value().get<std::string>());
    if (files.empty() || files.size() > kMaxShards)
        return fileError(ErrorCode::Format, "number of files out of range", indexPath, "weight_map",
                         std::to_string(files.size()), "1 to " + std::to_string(kMaxShards));
    for (const std::string& file : files) {
        // A file may hold more than the index takes from it; what the index does not name at all is kept.
        const auto wanted = [&](const std::string& name) {
            const auto it = map->find(name);
            return it == map->end() || it->get_ref<const std::string&>() == file;
        };
        if (auto status = addShard((folder / file).string(), table, hash, wanted); !status) return status;
    }
    for (const auto& [name, file] : map->items()) {
        const auto it = table.tensors.find(name);
        const std::string expected = (folder / file.get<std::string>()).string();
        if (it == table.tensors.end() || it->second.file != expected)
            return fileError(ErrorCode::Format, "the index names a file that does not have this tensor", indexPath,
                             "weight_map." + name, file.get<std::string>(),
                             it == table.tensors.end() ? "a file with it" : it->second.file);
    }
    return {};
}

/// The index decides where there is one: a single file beside it may be left over from anything.
Status readTensors(const fs::path& folder, TensorTable& table, Hash64& hash, std::vector<std::string>& notes) {
    const fs::path single = folder / "model.safetensors";
    const fs::path index = folder / "model.safetensors.index.json";
    if (fileThere(index)) {
        auto status = addIndexedShards(folder, index.string(), table, hash);
        const auto isSingle = [&](const auto& tensor) { return tensor.second.file == single.string(); };
        if (status && fileThere(single) && std::none_of(table.tensors.begin(), table.tensors.end(), isSingle))
            notes.emplace_back("model.safetensors is not used: model.safetensors.index.json names other files");
        return status;
    }
    if (fileThere(single)) return addShard(single.string(), table, hash);
    if (fileThere(folder / "pytorch_model.bin") || fileThere(folder / "pytorch_model.bin.index.json"))
        return fileError(ErrorCode::Unsupported,
                         "the weights are pickle files, which can run code and are not read; convert them to "
                         "safetensors",
                         folder.string(), "pytorch_model.bin", "pickle", "model.safetensors");
    return fileError(ErrorCode::NotFound, "no weights", folder.string(), "model.safetensors", "nothing",
                     "model.safetensors or model.safetensors.index.json");
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> openHfFolder(const std::string& folderName) {
    const fs::path folder(folderName);
    if (!fileThere(folder / "config.json")) return notAModelFolder(folder);
    const std::string configPath = (folder / "config.json").string();
    auto configText = readSmallFile(configPath, kMaxConfigBytes);
    if (!configText) return configText.error();
    auto config = parseHfConfig(*configText, configPath);
    if (!config) return config.error();

    auto model = std::make_shared<LoadedModel>();
    model->m_path = folderName;
    model->m_name = fs::weakly_canonical(folder).filename().string();
    model->m_vocabulary.path = folderName;
    model->m_cardPath = (folder / "spanscope.json").string();
    Hash64 hash;
    hash.add(*configText);
    TensorTable table;
    if (auto status = readTensors(folder, table, hash, model->m_notes); !status) return status.error();
    if (auto status = assembleWeights(table, *config, folderName, *model); !status) return status.error();
    model->m_mappings = std::move(table.mappings);
    model->m_hash = hash.hex();
    model->m_formatName = "safetensors " + dominantType(model->m_weights);
    return model;
}

}  // namespace spanscope
