// Runs a fuzz target over the files of a folder, each whole and cut at a few places, without libFuzzer.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    if (argc != 2 || !fs::is_directory(argv[1])) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    int nFiles = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(argv[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        for (size_t eighth = 0; eighth <= 8; ++eighth) {
            const std::vector<uint8_t> part(bytes.begin(),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() * eighth / 8));
            LLVMFuzzerTestOneInput(part.data(), part.size());
        }
        ++nFiles;
    }
    std::printf("%d files\n", nFiles);
    return nFiles > 0 ? 0 : 1;
}
