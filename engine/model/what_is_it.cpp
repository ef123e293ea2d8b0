#include "engine/model/what_is_it.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/files/file_error.h"

namespace spanscope {

namespace fs = std::filesystem;

namespace {

std::string_view beginning(std::span<const uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), std::min<size_t>(bytes.size(), 64)};
}

/// Names of a folder's entries, sorted; the first few thousand of a folder that has more.
std::vector<std::string> entriesOf(const fs::path& folder) {
    constexpr size_t kMost = 4096;
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end && names.size() < kMost;
         it.increment(failed))
        names.push_back(it->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

bool has(const fs::path& path) {
    std::error_code failed;
    return fs::exists(path, failed);
}

}  // namespace

std::optional<Error> standIn(std::span<const uint8_t> bytes, const std::string& path) {
    const std::string_view text = beginning(bytes);
    if (text.starts_with("version https://git-lfs.github.com/spec/"))
        return fileError(ErrorCode::Format, "a Git LFS pointer, not the file itself; fetch the file with: git lfs pull",
                         path, "beginning", text.substr(0, text.find('\n')), "the file that it stands for");
    for (const std::string_view html : {"<!DOCTYPE html", "<!doctype html", "<html"})
        if (text.starts_with(html))
            return fileError(ErrorCode::Format, "a web page, not the file; the download went to a page about it", path,
                             "beginning", html, "the file itself");
    return {};
}

std::optional<Error> brokenLink(const fs::path& path) {
    std::error_code failed;
    if (!fs::is_symlink(fs::symlink_status(path, failed)) || fs::exists(path, failed)) return {};
    return fileError(ErrorCode::NotFound, "the link is broken", path.string(), "link",
                     "leads to " + fs::read_symlink(path, failed).string(), "a link to a file that is there");
}

Error notAModelFile(std::span<const uint8_t> bytes, const std::string& path) {
    const std::string_view text = beginning(bytes);
    const auto error = [&](std::string message, std::string_view found, std::string_view expected) {
        return fileError(ErrorCode::Format, std::move(message), path, "beginning", found, expected);
    };
    if (text.starts_with("PK"))
        return error("an archive or a pickle file, not a GGUF file", "PK", "the letters GGUF, or open a folder");
    if (text.size() > 9 && text[8] == '{') {
        const fs::path folder = fs::path(path).parent_path();
        return error(
            "a safetensors file alone has no configuration; open the folder that it is in", "a safetensors header",
            has(folder / "config.json") ? (folder.empty() ? "." : folder.string()) : "a folder with config.json");
    }
    const fs::path name = fs::path(path).filename();
    if (name.extension() == ".json" || name == "tokenizer.model")
        return error("one file of a model; open the folder that it is in", name.string(),
                     fs::path(path).has_parent_path() ? fs::path(path).parent_path().string() : ".");
    return error("not a GGUF file and not a folder", {}, "the letters GGUF");
}

Error notAModelFolder(const fs::path& folder) {
    const auto error = [&](std::string message, std::string_view found, std::string_view expected) {
        return fileError(ErrorCode::NotFound, std::move(message), folder.string(), "config.json", found, expected);
    };
    if (has(folder / "snapshots")) {
        const auto snapshots = entriesOf(folder / "snapshots");
        return error("a model hub's cache; the model is in a snapshot inside it",
                     std::to_string(snapshots.size()) + " snapshots",
                     snapshots.empty() ? "a snapshot" : (folder / "snapshots" / snapshots.back()).string());
    }
    if (has(folder / "adapter_config.json"))
        return error("an adapter whose card names no base model; open that model and name this folder as the adapter",
                     "adapter_config.json", "the folder or GGUF file of the base model");
    const auto names = entriesOf(folder);
    const auto first = [&](auto test) {
        const auto at = std::find_if(names.begin(), names.end(), test);
        return at == names.end() ? std::string() : *at;
    };
    if (const auto name = first([](const std::string& n) { return n.starts_with("models--"); }); !name.empty())
        return error("the cache of a model hub; open a snapshot of one of its models", name,
                     (folder / name / "snapshots").string() + "/...");
    if (const auto name = first([](const std::string& n) { return n.ends_with(".gguf"); }); !name.empty())
        return error("a folder with GGUF files; open one of them", name, (folder / name).string());
    if (const auto name = first([](const std::string& n) { return n.ends_with(".safetensors"); }); !name.empty())
        return error("weights without a configuration", name, "config.json beside them");
    return error("there is no model in this folder", std::to_string(names.size()) + " other entries",
                 "config.json, or a GGUF file");
}

}  // namespace spanscope
