#include "engine/model/tokenizer/load_tokenizer.h"

#include <array>
#include <filesystem>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/model/base_model.h"
#include "engine/model/card.h"
#include "engine/model/gguf/gguf_vocabulary.h"
#include "engine/model/mapped_file.h"
#include "engine/model/shape_limits.h"
#include "engine/model/tokenizer/sentencepiece_tokenizer.h"
#include "engine/model/tokenizer/tokenizer_json.h"

namespace spanscope {

namespace fs = std::filesystem;

namespace {

/// A kind of vocabulary in a folder, by the file that holds it: of several files the first of this list is read.
struct FolderReader {
    const char* name;
    Result<VocabularyFile> (*read)(const std::string& path, int32_t maxPieces);
};
constexpr std::array kFolderReaders{FolderReader{"tokenizer.model", loadTokenizerModel},
                                    FolderReader{"tokenizer.json", loadTokenizerJson}};

/// A kind of vocabulary in a GGUF file, by its tokenizer.ggml.model.
struct GgufReader {
    std::string_view kind;
    Result<VocabularyFile> (*read)(const GgufFile& gguf, int32_t maxPieces, const std::string& file);
};
constexpr std::array kGgufReaders{GgufReader{"llama", readGgufSentencePiece}, GgufReader{"gpt2", readGgufBpe}};

constexpr const char* kUnsupported = "this kind of vocabulary is not supported";

bool isThere(const fs::path& path) {
    std::error_code ignored;  // a broken link is there, and opening it says so
    return fs::exists(fs::symlink_status(path, ignored));
}

Result<LoadedTokenizer> finish(Result<VocabularyFile> read, const PieceRiders& riders, std::string file) {
    if (!read) return read.error();
    auto tokenizer = makeTokenizer(std::move(*read), riders, file);
    if (!tokenizer) return tokenizer.error();
    return LoadedTokenizer{std::move(*tokenizer), std::move(file)};
}

}  // namespace

Result<LoadedTokenizer> loadTokenizer(const VocabularySource& source, int32_t maxPieces, const PieceRiders& riders) {
    const std::string& path = source.path;
    if (source.gguf) {
        GgufFields fields(*source.gguf, path);
        const std::string kind = fields.string("tokenizer.ggml.model");
        if (!fields.ok()) return fields.error();
        for (const GgufReader& reader : kGgufReaders)
            if (kind == reader.kind) return finish(reader.read(*source.gguf, maxPieces, path), riders, path);
        return fileError(ErrorCode::Unsupported, kUnsupported, path, "tokenizer.ggml.model", kind, "llama or gpt2");
    }
    for (const FolderReader& reader : kFolderReaders)
        if (const fs::path file = fs::path(path) / reader.name; isThere(file))
            return finish(reader.read(file.string(), maxPieces), riders, file.string());
    if (isThere(fs::path(path) / "vocab.json"))
        return fileError(ErrorCode::Unsupported, "a vocabulary without what its text is cut with", path,
                         "tokenizer.json", "vocab.json", "tokenizer.json beside it");
    return fileError(ErrorCode::NotFound, "no tokenizer", path, "tokenizer.model", "nothing",
                     "tokenizer.model or tokenizer.json");
}

Result<std::shared_ptr<const Tokenizer>> openTokenizer(const std::string& asked) {
    std::string path = asked;
    fs::path cardPath = fs::path(asked) / "spanscope.json";
    const bool isAdapter = isAdapterFolder(asked);
    if (isAdapter) {  // its card says which tokens carry the pieces
        auto base = findBase(asked);
        if (!base) return base.error();
        if (!base->empty()) path = *base;
    }
    const fs::path given(path);
    std::error_code ignored;
    const bool isFolder = fs::is_directory(given, ignored), isGguf = given.extension() == ".gguf";
    if (!isAdapter && isGguf) cardPath = fs::path(given).replace_extension(".spanscope.json");
    else if (!isAdapter && !isFolder) cardPath = given.parent_path() / "spanscope.json";
    auto card = loadCard(cardPath.string());
    if (!card) return card.error();
    Result<LoadedTokenizer> loaded = Error{};
    if (isGguf) {
        const auto mapped = MappedFile::open(path);
        if (!mapped) return mapped.error();
        auto gguf = parseGguf((*mapped)->bytes(), path);
        if (!gguf) return gguf.error();
        loaded = loadTokenizer({path, std::make_shared<const GgufFile>(std::move(*gguf))}, kMaxVocab, card->pieces);
    } else if (isFolder) {
        loaded = loadTokenizer({path, nullptr}, kMaxVocab, card->pieces);
    } else {
        const bool isJson = given.extension() == ".json";
        loaded = finish(isJson ? loadTokenizerJson(path, kMaxVocab) : loadTokenizerModel(path, kMaxVocab), card->pieces,
                        path);
    }
    if (!loaded) return loaded.error();
    return std::move(loaded->tokenizer);
}

Result<std::shared_ptr<const Tokenizer>> loadSentencePiece(const std::string& tokenizerModelPath, int32_t maxPieces) {
    auto loaded =
        finish(loadTokenizerModel(tokenizerModelPath, maxPieces < 0 ? kMaxVocab : maxPieces), {}, tokenizerModelPath);
    if (!loaded) return loaded.error();
    return std::move(loaded->tokenizer);
}

}  // namespace spanscope
