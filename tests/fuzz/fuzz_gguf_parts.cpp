// A model in two GGUF files, of which one is the input: the parts fit together or one of them is named.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/model/loaded_model.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

namespace {

namespace fs = std::filesystem;

/// A folder of this process, removed at its end.
struct Folder {
    fs::path path = fs::temp_directory_path() / ("spanscope-parts-" + std::to_string(getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    std::string part(int number) const {
        return (path / ("m-0000" + std::to_string(number) + "-of-00002.gguf")).string();
    }
    void write(int number, std::string_view bytes) const {
        std::ofstream file(part(number), std::ios::binary);
        if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) std::abort();
    }
};

std::string seed(const char* name) {
    std::ifstream file(std::string(SPANSCOPE_SOURCE_DIR "/tests/fuzz/corpus/gguf_parts/") + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Folder folder;
    static const std::string parts[2] = {seed("first"), seed("second")};
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    for (const int own : {1, 2}) {
        folder.write(own, input);
        folder.write(3 - own, parts[2 - own]);
        for (const int opened : {1, 2}) {
            const auto model = openGgufFile(folder.part(opened));
            if (!model) {
                fuzz::checkError(model.error());
                continue;
            }
            fuzz::require((*model)->m_weightBytes <= size + parts[2 - own].size());
            fuzz::keep(fuzz::readAll((*model)->m_weights));
        }
    }
    return 0;
}
