#include "app/cli/locate.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "kernels/program_folder.h"

namespace spanscope::cli {

namespace fs = std::filesystem;

std::string bundledModel(const std::string& name) {
    std::vector<fs::path> candidates;
    if (const char* models = std::getenv("SPANSCOPE_MODELS")) candidates.push_back(fs::path(models) / name);
    std::error_code ignored;
    if (const fs::path program = programFolder(); !program.empty()) {
        candidates.push_back(program / "../../../resources/models" / name);  // build/<preset>/bin of a checkout
        candidates.push_back(program / "../share/spanscope/models" / name);  // installed
        candidates.push_back(program / "resources/models" / name);           // unpacked archive
    }
    candidates.push_back(fs::path("/usr/share/spanscope/models") / name);  // the package; never the current folder
    for (const fs::path& path : candidates) {
        if (fs::is_directory(path, ignored)) return fs::weakly_canonical(path, ignored).string();
    }
    return candidates.front().lexically_normal().string();
}

std::string bundledFor(const std::string& task) { return task == "news" ? "news" : "arith"; }

}  // namespace spanscope::cli
