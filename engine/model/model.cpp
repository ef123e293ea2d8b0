#include "engine/model/model.h"

#include <exception>
#include <filesystem>
#include <new>

#include "engine/files/file_error.h"
#include "engine/model/loaded_model.h"
#include "engine/model/what_is_it.h"

namespace spanscope {

namespace {

Result<std::shared_ptr<LoadedModel>> openAny(const std::string& path, bool headersOnly, const ProgressFn& progress) {
    namespace fs = std::filesystem;
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (auto link = brokenLink(path)) return *link;
    if (!fs::exists(status)) return fileError(ErrorCode::NotFound, "there is no such file or folder", path);
    try {
        if (fs::is_directory(status)) return openHfFolder(path, headersOnly, progress);
        return openGgufFile(path, headersOnly, progress);
    } catch (const std::bad_alloc&) {
        return fileError(ErrorCode::OutOfMemory, "not enough memory to open the model", path);
    } catch (const std::exception& e) {  // of the libraries below, which may throw what they do not document
        return fileError(ErrorCode::Format, std::string("cannot be read: ") + e.what(), path);
    }
}

}  // namespace

Result<std::shared_ptr<const Model>> openModel(const std::string& path, const ProgressFn& progress) {
    auto model = openAny(path, false, progress);
    if (!model) return model.error();
    return std::shared_ptr<const Model>(std::move(*model));
}

Result<MemoryForecast> forecastMemory(const std::string& path, int32_t contextTokens, DType kvType,
                                      int32_t nSequences) {
    if (contextTokens < 0)
        return Error{ErrorCode::InvalidArgument,
                     "the context cannot be negative",
                     path,
                     "context",
                     std::to_string(contextTokens),
                     "0 or more"};
    auto model = openAny(path, true, {});
    if (!model) return model.error();
    return forecastFor((*model)->m_weights.shape, (*model)->m_weightBytes, contextTokens, kvType, nSequences);
}

Status checkVocabulary(const LoadedModel& model, const std::string& tokenizerFile) {
    const int32_t rows = model.m_weights.shape.vocab;
    if (model.m_tokenizer->vocabSize() > rows)
        return fileError(ErrorCode::Format, "the vocabulary has more pieces than the model", tokenizerFile,
                         "vocabulary", std::to_string(model.m_tokenizer->vocabSize()),
                         "at most " + std::to_string(rows));
    if (model.m_card.protocolVersion > 0 && !model.m_tokenizer->pieceIds().complete())
        return fileError(ErrorCode::Format,
                         "spanscope.json promises the span protocol, but the vocabulary lacks pieces", tokenizerFile,
                         "vocabulary", "",
                         "<in> <out> <:> <attend> </attend> <local> <global>, digits, "
                         "newline, eos");
    return {};
}

}  // namespace spanscope
