#include "kernels/program_folder.h"

#include <sys/auxv.h>

#include <filesystem>

namespace spanscope {

std::string programFolder() {
    namespace fs = std::filesystem;
    std::error_code failed;
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
    if (!failed && program.is_absolute()) return program.parent_path().string();
    const auto* started = reinterpret_cast<const char*>(getauxval(AT_EXECFN));  // the path that was given to execve()
    if (!started || !fs::path(started).is_absolute()) return {};
    const fs::path behindLinks = fs::canonical(started, failed);
    return failed ? std::string() : behindLinks.parent_path().string();
}

std::vector<std::string> resourceFolders() {
    std::vector<std::string> folders;
    if (const std::filesystem::path here = programFolder(); !here.empty())
        for (const char* where : {"../share/spanscope", "../../../resources", "resources"})
            folders.push_back((here / where).string());
    folders.emplace_back("/usr/share/spanscope");
    return folders;
}

std::string programLibrary(const std::string& fileName) {
    const std::filesystem::path here = programFolder();
    if (here.empty()) return {};
    std::error_code failed;
    for (const std::filesystem::path& candidate :
         {here / fileName, here / "../bin" / fileName, here / "../lib/spanscope" / fileName}) {
        if (std::filesystem::exists(candidate, failed)) return candidate.string();
    }
    return (here / fileName).string();
}

}  // namespace spanscope
