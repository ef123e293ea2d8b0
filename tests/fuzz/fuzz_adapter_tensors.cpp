// The tensors of an adapter, over a tiny model: each has its place or is refused, and what is laid over the model lies
// in its file.
#include <fstream>
#include <iterator>

#include "engine/files/hash64.h"
#include "engine/model/adapter/adapter.h"
#include "engine/model/adapter/adapter_config.h"
#include "engine/model/adapter/overlay.h"
#include "engine/model/loaded_model.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

namespace {

std::string base() {
    std::ifstream file(SPANSCOPE_SOURCE_DIR "/tests/fuzz/corpus/gguf/small", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const AdapterConfig config = *parseAdapterConfig(
        R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ".*", "trainable_token_indices": [2, 0]})",
        "adapter_config.json");
    static const std::string configFile = "adapter_config.json";
    static const std::string bytes = base();
    const auto model = openGgufBytes({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "base.gguf");
    fuzz::require(model.ok());
    (*model)->m_adapter = AdapterInfo{};
    TensorTable table;
    Hash64 hash;
    Status status = addSafetensors({data, size}, "adapter_model.safetensors", table, hash);
    if (status) status = Overlay(config, configFile, table, **model).lay();
    if (status) status = loadTensors(**model, {});
    if (status) status = applyAdapter(**model, {});
    if (!status) {
        fuzz::checkError(status.error());
        return 0;
    }
    fuzz::keep(fuzz::readAll((*model)->m_weights));
    for (const ReplacedRows* own : {&(*model)->m_weights.embeddingRows, &(*model)->m_weights.headRows}) {
        fuzz::require(own->ids.empty() || own->rows.rows == static_cast<int64_t>(own->ids.size()));
        const auto* row = static_cast<const uint8_t*>(own->rows.data);
        for (size_t i = 0; !own->ids.empty() && i < own->rows.nBytes(); ++i) fuzz::keep(row[i]);
    }
    return 0;
}
