#include "engine/model/model.h"

#include <exception>
#include <filesystem>
#include <new>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/model/adapter/adapter.h"
#include "engine/model/base_model.h"
#include "engine/model/card.h"
#include "engine/model/loaded_model.h"
#include "engine/model/stop_ids.h"
#include "engine/model/what_is_it.h"

namespace spanscope {

namespace {

Result<std::shared_ptr<LoadedModel>> openHeaders(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (auto link = brokenLink(path)) return *link;
    if (!fs::exists(status)) return fileError(ErrorCode::NotFound, "there is no such file or folder", path);
    return fs::is_directory(status) ? openHfFolder(path) : openGgufFile(path);
}

/// A model that speaks the protocol needs a vocabulary that can write it, and no id above the embedding's rows.
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

/// The adapter's own card, else the model's.
Status takeCard(LoadedModel& model) {
    if (model.m_adapterCard) {
        model.m_card = std::move(*model.m_adapterCard);
        return {};
    }
    auto card = loadCard(model.m_cardPath);
    if (!card) return card.error();
    model.m_card = std::move(*card);
    if (model.m_adapter && !model.m_card.name.empty()) model.m_card.name += " + " + model.m_adapter->name;
    return {};
}

Status loadRest(LoadedModel& model, const ProgressFn& progress) {
    if (auto status = takeCard(model); !status) return status;
    const int32_t rows = model.m_weights.shape.vocab;
    auto tokenizer = loadTokenizer(model.m_vocabulary, rows, model.m_card.pieces);
    if (!tokenizer) return tokenizer.error();
    model.m_tokenizer = std::move(tokenizer->tokenizer);
    auto stops = readStopIds(model.m_vocabulary, *model.m_tokenizer, rows);
    if (!stops) return stops.error();
    model.m_stopIds = std::move(*stops);
    auto templates = readChatTemplates(model.m_vocabulary, *model.m_tokenizer);
    if (!templates) return templates.error();
    model.m_chatTemplates = std::move(*templates);
    model.m_vocabulary = {};
    if (!model.m_card.name.empty()) model.m_name = model.m_card.name;
    if (auto status = checkVocabulary(model, tokenizer->file); !status) return status;
    if (auto status = loadTensors(model, progress); !status) return status;
    return applyAdapter(model, progress);
}

/// What the libraries below throw becomes an Error.
template <class Read>
auto withoutExceptions(const std::string& path, Read read) -> decltype(read()) {
    try {
        return read();
    } catch (const std::bad_alloc&) {
        return fileError(ErrorCode::OutOfMemory, "not enough memory to open the model", path);
    } catch (const std::exception& e) {  // they may throw what they do not document
        return fileError(ErrorCode::Format, std::string("cannot be read: ") + e.what(), path);
    }
}

}  // namespace

ModelFile::ModelFile(std::shared_ptr<LoadedModel> model) : m_model(std::move(model)) {}
ModelFile::ModelFile(ModelFile&&) noexcept = default;
ModelFile& ModelFile::operator=(ModelFile&&) noexcept = default;
ModelFile::~ModelFile() = default;

Result<ModelFile> ModelFile::open(const std::string& path, const std::string& adapter) {
    if (isAdapterFolder(path)) {
        auto base = withoutExceptions(path, [&] { return findBase(path); });
        if (!base) return base.error();
        if (!base->empty() && !adapter.empty())
            return fileError(ErrorCode::InvalidArgument, "an adapter over its base; another one cannot be laid over it",
                             path, "adapter", adapter, "none");
        if (!base->empty()) return open(*base, path);
    }
    auto model = withoutExceptions(path, [&] { return openHeaders(path); });
    if (!model) return model.error();
    if (!adapter.empty()) {
        const Status laid = withoutExceptions(adapter, [&] { return openAdapter(adapter, **model); });
        if (!laid) return laid.error();
    }
    return ModelFile(std::move(*model));
}

const std::string& ModelFile::path() const { return m_model->path(); }
const std::string& ModelFile::hash() const { return m_model->hash(); }
std::string ModelFile::formatName() const { return m_model->formatName(); }
const ModelShape& ModelFile::shape() const { return m_model->m_weights.shape; }
uint64_t ModelFile::weightBytes() const { return m_model->weightBytes(); }

const AdapterInfo* ModelFile::adapter() const { return m_model->adapter(); }

Result<std::shared_ptr<const Model>> ModelFile::load(const ProgressFn& progress) && {
    const std::shared_ptr<LoadedModel> model = std::move(m_model);
    const Status status = withoutExceptions(model->m_path, [&] { return loadRest(*model, progress); });
    if (!status) return status.error();
    return std::shared_ptr<const Model>(model);
}

Result<std::shared_ptr<const Model>> openModel(const std::string& path, const ProgressFn& progress,
                                               const std::string& adapter) {
    auto file = ModelFile::open(path, adapter);
    if (!file) return file.error();
    return std::move(*file).load(progress);
}

}  // namespace spanscope
