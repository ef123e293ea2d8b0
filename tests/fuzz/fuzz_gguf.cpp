// A GGUF file: metadata, vocabulary, tensors, every byte of the weights.
#include "engine/model/loaded_model.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto model = openGgufBytes({data, size}, "fuzz.gguf");
    if (!model) {
        fuzz::checkError(model.error());
        return 0;
    }
    fuzz::require((*model)->m_weightBytes <= size);
    fuzz::keep(fuzz::readAll((*model)->m_weights));
    const auto loaded = loadTokenizer((*model)->m_vocabulary, (*model)->m_weights.shape.vocab);
    if (!loaded) {
        fuzz::checkError(loaded.error());
        return 0;
    }
    if (auto ids = loaded->tokenizer->encode("<s>a \xC3\xA9<in>")) {
        for (const int32_t id : *ids) fuzz::require(!loaded->tokenizer->isSpecial(id));
    }
    return 0;
}
