#include "engine/model/adapter/adapter.h"

#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/hash64.h"
#include "engine/model/adapter/adapter_config.h"
#include "engine/model/adapter/overlay.h"
#include "engine/model/card.h"
#include "engine/model/mapped_file.h"

namespace spanscope {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 1 << 20;

/// The adapter's own card goes before that of its base, and may say which base that is.
Status readCard(const fs::path& folder, LoadedModel& model) {
    const std::string path = (folder / "spanscope.json").string();
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(path, ignored))) return {};
    auto card = loadCard(path);
    if (!card) return card.error();
    if (!card->baseHash.empty() && card->baseHash != model.m_hash)
        return fileError(ErrorCode::InvalidArgument, kOtherBase, path, "base_hash", model.m_hash, card->baseHash);
    model.m_adapterCard = std::move(*card);
    return {};
}

}  // namespace

Status openAdapter(const std::string& folderName, LoadedModel& model) {
    const fs::path folder(folderName);
    const std::string configPath = (folder / "adapter_config.json").string();
    auto text = readSmallFile(configPath, kMaxConfigBytes);
    if (!text) return text.error();
    auto config = parseAdapterConfig(*text, configPath);
    if (!config) return config.error();
    if (auto status = readCard(folder, model); !status) return status;

    const std::string path = (folder / "adapter_model.safetensors").string();
    auto file = MappedFile::open(path);
    if (!file && file.error().code == ErrorCode::NotFound && fs::exists(folder / "adapter_model.bin"))
        return fileError(ErrorCode::Unsupported,
                         "the adapter is a pickle file, which can run code and is not read; convert it to safetensors",
                         folderName, "adapter_model.bin", "pickle", "adapter_model.safetensors");
    if (!file) return file.error();
    Hash64 hash;
    hash.add(*text);
    TensorTable table;
    if (auto status = addSafetensors((*file)->bytes(), path, table, hash); !status) return status;
    if (table.tensors.empty())
        return fileError(ErrorCode::Format, "the adapter is empty", path, "tensors", "none", "at least one");

    AdapterInfo info;
    info.path = folderName;
    info.name = fs::weakly_canonical(folder).filename().string();
    info.hash = hash.hex();
    info.baseHash = model.m_hash;
    model.m_adapter = std::move(info);
    model.m_mappings.push_back(*file);
    Overlay overlay(*config, configPath, table, model);
    if (auto status = overlay.lay(); !status) return status;
    model.m_adapter->rank = overlay.rank();
    Hash64 both;
    both.add(model.m_hash);
    both.add(model.m_adapter->hash);
    model.m_hash = both.hex();
    model.m_name += " + " + model.m_adapter->name;
    return {};
}

}  // namespace spanscope
