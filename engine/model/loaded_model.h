// What the two formats have in common when they become a Model. Private to engine/model.
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model/architecture.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/load_tokenizer.h"

namespace spanscope {

/// A tensor as its file describes it, every number already checked against the file.
struct TensorSource {
    std::span<const uint8_t> bytes;  ///< inside a mapping that the model keeps
    DType dtype = DType::F32;
    bool supported = true;       ///< false: of a type that no weight may have
    std::string dtypeName;       ///< as written in the file
    std::vector<int64_t> shape;  ///< slowest dimension first
    std::string file;
};

struct TensorTable {
    std::map<std::string, TensorSource, std::less<>> tensors;
    std::vector<std::shared_ptr<const void>> mappings;
};

class LoadedModel final : public Model {
  public:
    const std::string& path() const override { return m_path; }
    const std::string& name() const override { return m_name; }
    const std::string& hash() const override { return m_hash; }
    const ModelWeights& weights() const override { return m_weights; }
    const Tokenizer& tokenizer() const override { return *m_tokenizer; }
    const SpanscopeCard& card() const override { return m_card; }
    std::span<const int32_t> stopIds() const override { return m_stopIds; }
    const ChatTemplates& chatTemplates() const override { return m_chatTemplates; }
    uint64_t weightBytes() const override { return m_weightBytes; }
    std::string formatName() const override { return m_formatName; }
    const std::vector<std::string>& notes() const override { return m_notes; }
    const AdapterInfo* adapter() const override { return m_adapter ? &*m_adapter : nullptr; }

    std::string m_path, m_name, m_hash, m_formatName;
    VocabularySource m_vocabulary;  ///< until it has been read
    std::string m_cardPath;         ///< spanscope.json, which need not be there
    ModelWeights m_weights;
    std::shared_ptr<const Tokenizer> m_tokenizer;
    SpanscopeCard m_card;
    std::vector<int32_t> m_stopIds;
    std::optional<AdapterInfo> m_adapter;
    std::optional<SpanscopeCard> m_adapterCard;  ///< goes before the model's own
    std::vector<std::pair<TensorView ModelWeights::*, DType>>
        m_toRound;  ///< whole matrices of an adapter, to its base's type
    const Architecture* m_architecture = nullptr;
    FileFormat m_fileFormat = FileFormat::HuggingFace;
    ChatTemplates m_chatTemplates;
    uint64_t m_weightBytes = 0;
    std::vector<std::string> m_notes;
    bool m_normsBelowOne = false;  ///< gains of RMSNorm still lack the 1 that loadTensors() adds
    std::vector<std::shared_ptr<const void>> m_mappings;
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    std::vector<std::unique_ptr<void, Free>> m_copies;  ///< of tensors that cannot stay as they lie in their file
};

class Hash64;
struct ModelConfig;

/// Sets the shape, fills model.m_weights and m_weightBytes. NotFound for a missing tensor, Format for a wrong shape,
/// Unsupported for a wrong type and for tensors that the architecture does not have. Views point into the mappings,
/// aligned or not: loadTensors() comes next. file: named where a tensor is missing.
Status assembleWeights(const TensorTable& table, const ModelConfig& config, const std::string& file,
                       LoadedModel& model);

/// Copies the tensors that are not aligned for their type, and gains that lack 1, as F32. Format, naming the tensor, if
/// a sample of the weights (all gains and biases, some rows of each matrix) holds a value that is not finite. With a
/// progress function it also reads every page of every weight once, so that the first run does not wait for the disk
/// (not where the weights exceed the free memory). Cancelled if progress says so; asked every 16 MiB and after every
/// tensor.
Status loadTensors(LoadedModel& model, const ProgressFn& progress);

/// nBytes that the model keeps, on a cache line. nullptr: no memory.
void* makeCopy(size_t nBytes, LoadedModel& model);
Error noMemoryForCopy(const LoadedModel& model, size_t nBytes);

/// "F32", or the types by share of bytes: "BF16", "Q4_K".
std::string dominantType(ModelWeights& weights);

/// Every tensor view of the model, absent ones left out.
std::vector<TensorView*> allTensors(ModelWeights& weights);

/// Adds the tensors of one safetensors file, given as bytes that outlive the table: those that are wanted, or all.
Status addSafetensors(std::span<const uint8_t> bytes, const std::string& path, TensorTable& table, Hash64& hash,
                      const std::function<bool(const std::string&)>& wanted = {});

/// A GGUF file given as bytes that outlive the model.
Result<std::shared_ptr<LoadedModel>> openGgufBytes(std::span<const uint8_t> bytes, const std::string& path);

/// The two formats: headers read, weights mapped and assembled, m_vocabulary and m_cardPath set; no tokenizer, no card,
/// nothing copied.
Result<std::shared_ptr<LoadedModel>> openHfFolder(const std::string& folder);
Result<std::shared_ptr<LoadedModel>> openGgufFile(const std::string& path);

}  // namespace spanscope
