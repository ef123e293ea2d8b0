#include "app/cli/locate.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "engine/model/base_model.h"
#include "kernels/program_folder.h"

namespace spanscope::cli {

namespace fs = std::filesystem;

std::string bundledModel(const std::string& name) {
    std::vector<fs::path> candidates;
    if (const char* models = std::getenv("SPANSCOPE_MODELS")) candidates.push_back(fs::path(models) / name);
    for (const std::string& resources : resourceFolders()) candidates.push_back(fs::path(resources) / "models" / name);
    std::error_code ignored;
    for (const fs::path& path : candidates) {
        if (fs::is_directory(path, ignored)) return fs::weakly_canonical(path, ignored).string();
    }
    return candidates.front().lexically_normal().string();
}

std::string bundledFor(const std::string& task) { return task == "news" ? kSpansAdapter : "arith"; }

}  // namespace spanscope::cli
