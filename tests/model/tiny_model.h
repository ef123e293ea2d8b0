// Seeded random models small enough for any test, written as Hugging Face folders that openModel() reads like any
// other. The vocabulary is that of the bundled arithmetic model, so the span protocol can be spoken (the weights
// are noise, of course: what comes out is nonsense, which is what the tracker's tests want).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/model/model.h"

namespace spanscope::test {

struct TinyModelOptions {
    uint64_t seed = 1;
    int32_t nLayers = 2, nHeads = 4, nKvHeads = 2, headDim = 8, hidden = 32, ffn = 48;
    int32_t maxSeqLen = 4096;
    DType dtype = DType::F32;  ///< F32, F16 or BF16
    bool tiedHead = false;
    bool attentionBias = false, mlpBias = false;
    int32_t slidingWindow = 0;   ///< not 0: MistralForCausalLM
    bool card = true;            ///< writes a spanscope.json with the tasks expression, sheet and news
    int32_t spareRows = 0;       ///< of embedding and head, behind those of the vocabulary
    int32_t nShards = 1;         ///< more than 1: with an index
    int32_t headerPadding = -1;  ///< bytes of white space after a header; -1: what aligns the data to 8
};

/// Writes config.json, the weights, tokenizer.model and spanscope.json into `folder` (made if missing).
/// False, with a line on stderr, if something cannot be written.
bool writeTinyModel(const std::string& folder, const TinyModelOptions& options = {});

/// The same in a temporary folder, opened. Ends the process with a message if that fails: a broken fixture is not a
/// test result.
std::shared_ptr<const Model> tinyModel(const TinyModelOptions& options = {});

/// A folder under the system's temporary one, removed with all that is in it when this object goes.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const std::string& path() const { return m_path; }
    std::string file(const std::string& name) const { return m_path + "/" + name; }

  private:
    std::string m_path;
};

bool writeFile(const std::string& path, const std::string& bytes);
std::string readFile(const std::string& path);

/// The vocabulary used above.
std::string tinyTokenizerPath();

}  // namespace spanscope::test
