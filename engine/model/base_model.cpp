#include "engine/model/base_model.h"

#include <cstdlib>
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/card.h"
#include "engine/model/mapped_file.h"
#include "kernels/program_folder.h"

namespace spanscope {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr uint64_t kMaxListBytes = 1 << 20;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// The person's own, whatever SPANSCOPE_MODELS says. The XDG specification has relative paths ignored.
fs::path dataFolder() {
    if (const fs::path data = variable("XDG_DATA_HOME"); data.is_absolute()) return data / "spanscope/models";
    if (const fs::path home = variable("HOME"); home.is_absolute()) return home / ".local/share/spanscope/models";
    return {};
}

std::vector<fs::path> placesFor(const std::string& adapterFolder) {
    std::error_code failed;
    fs::path folder = fs::weakly_canonical(adapterFolder, failed);
    if (!folder.has_filename()) folder = folder.parent_path();  // "folder/"
    std::vector<fs::path> places{folder.parent_path()};
    for (const fs::path& other : {fs::path(variable("SPANSCOPE_MODELS")), dataFolder()})
        if (!other.empty() && other != places.back()) places.push_back(other);
    return places;
}

struct Search {
    std::string path;      ///< empty: nowhere
    std::string lookedIn;  ///< "x.gguf in A, B (of 12 bytes)"
};

Search search(const BaseModel& base, const std::string& adapterFolder) {
    Search found;
    for (const fs::path& place : placesFor(adapterFolder)) {
        std::error_code failed;
        const fs::path path = place / base.file;
        found.lookedIn += (found.lookedIn.empty() ? "" : ", ") + place.string();
        if (!fs::is_regular_file(path, failed)) continue;
        const uintmax_t bytes = fs::file_size(path, failed);
        if (!failed && bytes == base.bytes) {
            found.path = path.string();
            return found;
        }
        found.lookedIn += " (of " + std::to_string(bytes) + " bytes)";
    }
    return found;
}

/// The script that fetches, and its list beside it; empty where the program came without.
fs::path fetchFolder() {
    std::error_code failed;
    for (const std::string& resources : resourceFolders()) {
        const fs::path folder = fs::path(resources) / "fetch";
        if (fs::is_regular_file(folder / "fetch.py", failed)) return fs::weakly_canonical(folder, failed);
    }
    return {};
}

/// The entry of the program's own list that is this very file.
std::optional<BaseModel> listed(const BaseModel& base, const fs::path& folder) {
    const std::string path = (folder / "models.json").string();
    const auto text = readSmallFile(path, kMaxListBytes);
    if (!text) return {};
    const auto list = parseJsonObject(*text, path);
    if (!list || !list->contains(base.fetch) || !(*list)[base.fetch].is_object()) return {};
    JsonFields fields((*list)[base.fetch], path);
    BaseModel entry;
    entry.fetch = base.fetch;
    entry.name = fields.string("name");
    entry.file = fields.string("file");
    entry.license = fields.string("license");
    entry.sha256 = fields.string("sha256");
    entry.bytes = static_cast<uint64_t>(fields.integer("bytes", 1, INT64_MAX));
    if (!fields.ok() || entry.file != base.file || entry.sha256 != base.sha256 || entry.bytes != base.bytes) return {};
    return entry;
}

std::optional<FetchableBase> fetchable(const BaseModel& base) {
    const fs::path script = fetchFolder();
    const std::string folder = fetchedModelFolder();
    if (base.fetch.empty() || script.empty() || folder.empty()) return {};
    auto entry = listed(base, script);
    if (!entry) return {};
    const std::string program = (script / "fetch.py").string();
    std::error_code failed;
    const bool checkout = fs::exists(script / "../../run", failed);
    return FetchableBase{*entry,
                         folder,
                         {"/usr/bin/python3", "-I", program, base.fetch, "--to", folder, "--progress"},
                         (checkout ? "./run model " : "python3 " + program + " ") + base.fetch};
}

Result<std::optional<BaseModel>> baseOf(const std::string& adapterFolder) {
    const std::string path = (fs::path(adapterFolder) / "spanscope.json").string();
    auto card = loadCard(path);
    if (!card) return card.error();
    return std::move(card->base);
}

}  // namespace

std::string fetchedModelFolder() {
    const std::string chosen = variable("SPANSCOPE_MODELS");
    return chosen.empty() ? dataFolder().string() : chosen;
}

bool isAdapterFolder(const std::string& path) {
    std::error_code failed;
    return fs::is_directory(path, failed) && fs::exists(fs::path(path) / "adapter_config.json", failed) &&
           !fs::exists(fs::path(path) / "config.json", failed);
}

Result<std::string> findBase(const std::string& adapterFolder) {
    auto base = baseOf(adapterFolder);
    if (!base) return base.error();
    if (!*base) return std::string();
    const BaseModel& model = **base;
    const Search found = search(model, adapterFolder);
    if (!found.path.empty()) return found.path;
    const std::string what = "the adapter needs its base model, " + model.name + ", which is not on this machine; ";
    const auto fetch = fetchable(model);
    const std::string todo = fetch ? "fetch it (" + std::to_string(fetch->model.bytes >> 20) + " MiB, " +
                                         fetch->model.license + ") with: " + fetch->typed
                                   : "put " + model.file + " (SHA-256 " + model.sha256 + ") into " +
                                         (fetchedModelFolder().empty() ? "one of these" : fetchedModelFolder());
    Error error = fileError(ErrorCode::NotFound, what + todo, adapterFolder, "base");
    error.found = "no " + model.file + " in " + found.lookedIn;  // all of it, however long
    error.expected = "a file of " + std::to_string(model.bytes) + " bytes";
    return error;
}

std::optional<FetchableBase> missingBase(const std::string& path) {
    if (!isAdapterFolder(path)) return {};
    const auto base = baseOf(path);
    if (!base || !*base || !search(**base, path).path.empty()) return {};
    return fetchable(**base);
}

}  // namespace spanscope
