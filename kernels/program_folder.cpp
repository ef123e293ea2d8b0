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

}  // namespace spanscope
