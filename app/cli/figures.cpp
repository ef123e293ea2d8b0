#include "app/cli/figures.h"

#include <dlfcn.h>

#include <filesystem>

#include "kernels/program_folder.h"

namespace spanscope::cli {

namespace {

Error noFigures(ErrorCode code, const std::string& message, const std::string& file) {
    Error e;
    e.code = code;
    e.message = "figures need the module that draws them, " + message;
    e.file = file;
    return e;
}

/// Stays open for the life of the process: the drawer's code and Qt's live in it.
Result<const FiguresModule*> openModule() {
    const std::string path = programLibrary(kFiguresModuleFile);
    std::error_code failed;
    if (path.empty())
        return noFigures(ErrorCode::NotFound, "and the system does not say where this program is", kFiguresModuleFile);
    if (!std::filesystem::exists(path, failed))
        return noFigures(ErrorCode::NotFound, "and it is not there; it is built and installed with the window", path);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* why = dlerror();
        return noFigures(ErrorCode::Unsupported,
                         std::string("and it cannot be opened: ") + (why ? why : "no reason given"), path);
    }
    using Entry = const FiguresModule* (*)();
    const Entry entry = reinterpret_cast<Entry>(dlsym(library, kFiguresModuleEntry));
    const FiguresModule* module = entry ? entry() : nullptr;
    if (module && sameBuild(*module, figuresModuleOf(nullptr))) return module;
    dlclose(library);
    return noFigures(ErrorCode::Unsupported, "and this one was built for another version of the program", path);
}

}  // namespace

Status Figures::open() {
    if (m_drawer) return {};
    const Result<const FiguresModule*> module = openModule();
    if (!module) return module.error();
    m_drawer.reset((*module)->create());
    return {};
}

Result<std::string> Figures::draw(FigureKind kind, PictureFormat format, const ExportSource& source,
                                  const FigureOptions& options) {
    if (const Status opened = open(); !opened) return opened.error();
    return m_drawer->draw(kind, format, source, options);
}

std::string Figures::captions(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                              const FigureOptions& options, const std::string& trace, const std::string& folder) {
    return m_drawer->captions(files, format, source, options, trace, folder);
}

}  // namespace spanscope::cli
