// A model on disk, opened: shape, weights (mapped, not copied), tokenizer, and what spanscope.json says of it.
// Immutable once loaded; share by shared_ptr. Keep it alive while a backend uses its weights.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/model/chat_templates.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/span/tracker.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

/// What spanscope.json says of one task the model was trained for.
struct TaskCard {
    std::string name;  ///< "expression", "sheet", "news"
    SpanPolicy policy;
    int32_t maxOperators = 0;  ///< expression: trained up to; 0 = not stated
    int32_t maxLines = 0;      ///< sheet
    int32_t maxValue = 0;      ///< absolute value at every step
    int32_t maxFactor = 0;     ///< absolute value of factors
    int32_t maxSentences = 0;  ///< news
};

/// The file that an adapter was trained over, so that the adapter's folder opens as a model (base_model.h).
struct BaseModel {
    std::string name;     ///< for people
    std::string file;     ///< plain name of a GGUF file
    std::string sha256;   ///< of all of it, 64 hexadecimal digits: checked where it is fetched, not at every start
    std::string license;  ///< may be empty
    std::string fetch;    ///< what fetches it, as `./run model NAME` knows it; empty: nothing does
    uint64_t bytes = 0;
};

/// Absent file: protocolVersion 0, no tasks; the model then runs as plain text.
struct SpanscopeCard {
    int32_t protocolVersion = 0;
    std::vector<TaskCard> tasks;
    PieceRiders pieces;  ///< of the vocabulary's own tokens
    std::string name, description, license, trainedOn, cardText;
    std::string baseHash;  ///< of an adapter: Model::hash() of the model that it was trained over; empty: not said
    std::optional<BaseModel> base;  ///< likewise: the file that holds it
    const TaskCard* task(const std::string& name) const;
};

/// A LoRA adapter over a model.
struct AdapterInfo {
    std::string path, name;    ///< its folder, and the folder's name
    std::string hash;          ///< as Model::hash(), of the adapter alone
    std::string baseHash;      ///< of the model without it
    int32_t rank = 0;          ///< the largest of its matrices; 0: it has whole tensors and rows only
    uint64_t copiedBytes = 0;  ///< of plain matrices, copied with the adapter merged into them
    uint64_t besideBytes = 0;  ///< of the adapter, that stay by themselves beside quantised weights
};

/// Bytes; computed from headers alone, before anything is loaded.
struct MemoryForecast {
    uint64_t weightBytes = 0;
    uint64_t kvBytes = 0;  ///< for nSequences of contextTokens each
    uint64_t workspaceBytes = 0;
    uint64_t freeBytes = 0;     ///< on this machine now
    int32_t contextTokens = 0;  ///< of one sequence
    int32_t nSequences = 1;
    int32_t modelContext = 0;    ///< what the model was trained for
    int32_t largestContext = 0;  ///< of one sequence, that fits into freeBytes, at most modelContext; 0 = none does
    uint64_t neededBytes() const { return weightBytes + kvBytes + workspaceBytes; }
    bool fits() const { return neededBytes() <= freeBytes; }
};

/// contextTokens 0 = the model's own; nSequences of that length are held at the same time.
MemoryForecast forecastMemory(const ModelShape& shape, uint64_t weightBytes, int32_t contextTokens, DType kvType,
                              int32_t nSequences = 1);

class Model {
  public:
    virtual ~Model() = default;
    virtual const std::string& path() const = 0;
    virtual const std::string& name() const = 0;
    /// Hexadecimal; of config, tensor headers and a sample of the data, cheap enough for every start. With an adapter:
    /// of both.
    virtual const std::string& hash() const = 0;
    virtual const ModelWeights& weights() const = 0;
    virtual const Tokenizer& tokenizer() const = 0;
    virtual const SpanscopeCard& card() const = 0;
    /// Ids that end a response, in order: what the configuration, generation_config.json, the tokenizer and GGUF's
    /// metadata name, together.
    virtual std::span<const int32_t> stopIds() const = 0;
    virtual const ChatTemplates& chatTemplates() const = 0;  ///< empty for a base model
    virtual uint64_t weightBytes() const = 0;
    virtual std::string formatName() const = 0;  ///< "safetensors BF16", "GGUF Q4_K", for people
    /// Where the files left a choice: what was taken. Sentences for people, mostly none.
    virtual const std::vector<std::string>& notes() const = 0;
    virtual const AdapterInfo* adapter() const = 0;  ///< nullptr: there is none

    MemoryForecast forecast(int32_t contextTokens, DType kvType, int32_t nSequences = 1) const {
        return forecastMemory(weights().shape, weightBytes(), contextTokens, kvType, nSequences);
    }
};

class LoadedModel;

/// A model on disk whose headers have been read, checked and hashed, once: what it is and will need is known, nothing
/// is loaded yet. Keeps its files mapped. One thread at a time; may move to another one.
class ModelFile {
  public:
    /// path: a Hugging Face folder or a .gguf file. adapter: folder of a PEFT LoRA adapter over it; empty: none. A path
    /// that is such a folder, with a card that names its base, means that base under this adapter; NotFound, saying
    /// where it was looked for and how to fetch it, where the base is not there. Every error names file, field, found,
    /// expected.
    static Result<ModelFile> open(const std::string& path, const std::string& adapter = {});
    ModelFile(ModelFile&&) noexcept;
    ModelFile& operator=(ModelFile&&) noexcept;
    ~ModelFile();

    const std::string& path() const;
    const std::string& hash() const;  ///< as Model::hash()
    std::string formatName() const;
    const ModelShape& shape() const;
    uint64_t weightBytes() const;
    const AdapterInfo* adapter() const;  ///< as Model::adapter()
    MemoryForecast forecast(int32_t contextTokens, DType kvType, int32_t nSequences = 1) const {
        return forecastMemory(shape(), weightBytes(), contextTokens, kvType, nSequences);
    }

    /// Reads tokenizer, card and, with a progress function, the weights; this object is spent. Errors as open();
    /// cancelling gives ErrorCode::Cancelled and leaves nothing mapped.
    Result<std::shared_ptr<const Model>> load(const ProgressFn& progress = {}) &&;

  private:
    explicit ModelFile(std::shared_ptr<LoadedModel> model);
    std::shared_ptr<LoadedModel> m_model;
};

/// ModelFile::open() and load().
Result<std::shared_ptr<const Model>> openModel(const std::string& path, const ProgressFn& progress = {},
                                               const std::string& adapter = {});

}  // namespace spanscope
