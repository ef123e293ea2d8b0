#include "tests/model/tiny_adapter.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/model/model.h"
#include "tests/model/gguf_writer.h"
#include "tests/model/tiny_model.h"

namespace spanscope::test {

namespace {

const std::string kFixtures = SPANSCOPE_SOURCE_DIR "/tests/fixtures/";

std::string arrayOf(uint32_t type, const std::vector<std::string>& values) {
    std::string bytes = gguf::number(9, 4) + gguf::number(type, 4) + gguf::number(values.size(), 8);
    for (const std::string& value : values) bytes += value;
    return bytes;
}

/// The reserved token that carries a piece of the protocol.
std::string rider(size_t piece) { return "<reserved " + std::to_string(piece) + ">"; }

}  // namespace

std::string tinyAdapterBase() {
    GgufParts parts = GgufParts::read(kFixtures + "golden/Q8_0.gguf");
    constexpr size_t kRows = 96;  // of its embedding
    std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
    for (size_t i = 0; i < kSpecialPieces.size(); ++i) pieces.push_back(rider(i));
    const size_t firstPlain = pieces.size();
    for (const char c :
         std::string_view("\n0123456789+-*/()@=.,:'\"%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        if (pieces.size() < kRows - 1) pieces.emplace_back(1, c);
    pieces.emplace_back("\xE2\x96\x81");  // a space
    std::vector<std::string> tokens, scores, types;
    for (size_t i = 0; i < pieces.size(); ++i) {
        const uint32_t type = i == 0 ? 2 : i < firstPlain ? 3 : 1;  // unknown, control, normal
        tokens.push_back(gguf::text(pieces[i]));
        scores.push_back(gguf::number(0, 4));
        types.push_back(gguf::number(type, 4));
    }
    parts.metadata["tokenizer.ggml.tokens"] = arrayOf(8, tokens);
    parts.metadata["tokenizer.ggml.scores"] = arrayOf(6, scores);
    parts.metadata["tokenizer.ggml.token_type"] = arrayOf(5, types);
    return parts.write();
}

bool writeTinyAdapter(const std::string& folder, const std::string& fetch) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    const ScratchFolder scratch;
    const std::string base = tinyAdapterBase(), path = scratch.file("tiny-base.gguf");
    if (failed || !writeFile(path, base)) return false;
    const auto headers = ModelFile::open(path);
    if (!headers) {
        std::fprintf(stderr, "tiny adapter: %s\n", headers.error().toString().c_str());
        return false;
    }
    nlohmann::json carried;
    for (size_t i = 0; i < kSpecialPieces.size(); ++i) carried[std::string(kSpecialPieces[i])] = rider(i);
    const nlohmann::json card{
        {"protocol_version", 1},
        {"name", "Tiny spans"},
        {"base_hash", headers->hash()},
        {"base",
         {{"name", "Tiny base"},
          {"file", "tiny-base.gguf"},
          {"bytes", base.size()},
          {"sha256", std::string(64, '0')},
          {"license", "MIT"},
          {"fetch", fetch}}},
        {"pieces", carried},
        {"tasks",
         {{{"name", "expression"}, {"heads", true}, {"max_operators", 4}}, {{"name", "news"}, {"max_sentences", 16}}}}};
    for (const char* name : {"adapter_config.json", "adapter_model.safetensors"})
        if (!writeFile(folder + "/" + name, readFile(kFixtures + "adapters/Q8_0.gguf/" + name))) return false;
    return writeFile(folder + "/spanscope.json", card.dump(1));
}

}  // namespace spanscope::test
