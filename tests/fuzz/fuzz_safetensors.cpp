// A safetensors file under a fixed tiny configuration: header, tensor table, weights, every byte of them.
#include "engine/files/hash64.h"
#include "engine/model/loaded_model.h"
#include "engine/model/model_config.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const ModelConfig config = *parseHfConfig(
        R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 4, "intermediate_size": 2, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 3})",
        "config.json");
    TensorTable table;
    Hash64 hash;
    LoadedModel model;
    Status status = addSafetensors({data, size}, "fuzz.safetensors", table, hash);
    if (status) status = assembleWeights(table, config, "fuzz", model);
    if (status) status = loadTensors(model, {});
    if (!status) {
        fuzz::checkError(status.error());
        return 0;
    }
    fuzz::require(model.m_weightBytes <= size);
    fuzz::keep(fuzz::readAll(model.m_weights));
    return 0;
}
