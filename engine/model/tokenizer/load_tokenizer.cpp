#include "engine/model/tokenizer/load_tokenizer.h"

#include <array>
#include <filesystem>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/model/gguf/gguf_vocabulary.h"

namespace spanscope {

namespace fs = std::filesystem;

namespace {

/// A kind of vocabulary: where either format keeps it, and who reads it.
struct VocabularyReader {
    const char* folderFile;      ///< of a Hugging Face folder
    std::string_view ggufModel;  ///< tokenizer.ggml.model
    Result<std::shared_ptr<const Tokenizer>> (*fromFile)(const std::string& path, int32_t maxPieces);
    Result<std::shared_ptr<const Tokenizer>> (*fromGguf)(const GgufFile& gguf, int32_t maxPieces,
                                                         const std::string& file);
};
constexpr std::array kReaders{VocabularyReader{"tokenizer.model", "llama", loadSentencePiece, loadGgufSentencePiece}};

/// Vocabularies of kinds without a reader; they tell "not supported" from "not there".
constexpr std::array kOtherFiles{"tokenizer.json", "vocab.json"};

constexpr const char* kUnsupported =
    "this kind of vocabulary is not supported; sentencepiece vocabularies (Llama 2, TinyLlama, Vicuna, Mistral) are";

bool isThere(const fs::path& path) {
    std::error_code ignored;  // a broken link is there, and opening it says so
    return fs::exists(fs::symlink_status(path, ignored));
}

Result<LoadedTokenizer> named(Result<std::shared_ptr<const Tokenizer>> tokenizer, std::string file) {
    if (!tokenizer) return tokenizer.error();
    return LoadedTokenizer{std::move(*tokenizer), std::move(file)};
}

}  // namespace

Result<LoadedTokenizer> loadTokenizer(const VocabularySource& source, int32_t maxPieces) {
    const std::string& path = source.path;
    if (source.gguf) {
        GgufFields fields(*source.gguf, path);
        const std::string kind = fields.string("tokenizer.ggml.model");
        if (!fields.ok()) return fields.error();
        for (const VocabularyReader& reader : kReaders)
            if (kind == reader.ggufModel) return named(reader.fromGguf(*source.gguf, maxPieces, path), path);
        return fileError(ErrorCode::Unsupported, kUnsupported, path, "tokenizer.ggml.model", kind,
                         kReaders[0].ggufModel);
    }
    for (const VocabularyReader& reader : kReaders)
        if (const fs::path file = fs::path(path) / reader.folderFile; isThere(file))
            return named(reader.fromFile(file.string(), maxPieces), file.string());
    for (const char* other : kOtherFiles)
        if (isThere(fs::path(path) / other))
            return fileError(ErrorCode::Unsupported, kUnsupported, path, kReaders[0].folderFile, other,
                             "a sentencepiece model");
    return fileError(ErrorCode::NotFound, "no tokenizer", path, kReaders[0].folderFile, "nothing",
                     "a sentencepiece model");
}

}  // namespace spanscope
