#include "app/cli/locate.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace spanscope::cli {

namespace fs = std::filesystem;

std::string bundledModel(const std::string& name) {
    std::vector<fs::path> candidates;
    if (const char* models = std::getenv("SPANSCOPE_MODELS")) candidates.push_back(fs::path(models) / name);
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    candidates.push_back(program / "../../../resources/models" / name);           // build/<preset>/bin of a checkout
    candidates.push_back(program / "../share/spanscope/models" / name);           // installed
    candidates.push_back(program / "resources/models" / name);                    // unpacked archive
    for (const fs::path& path : candidates) {
        if (fs::is_directory(path, ignored)) return fs::weakly_canonical(path, ignored).string();
    }
    return candidates.front().lexically_normal().string();
}

std::string bundledFor(const std::string& task) { return task == "news" ? "news" : "arith"; }

}  // namespace spanscope::cli
