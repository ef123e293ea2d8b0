// A GGUF file: metadata, vocabulary, tensors, every byte of the weights.
#include "engine/model/loaded_model.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (const bool headersOnly : {true, false}) {
        auto model = openGgufBytes({data, size}, "fuzz.gguf", headersOnly);
        if (!model) {
            fuzz::checkError(model.error());
            return 0;
        }
        fuzz::require((*model)->m_weightBytes <= size);
        fuzz::keep(fuzz::readAll((*model)->m_weights));
        if (headersOnly) continue;
        if (auto ids = (*model)->tokenizer().encode("<s>a \xC3\xA9<in>")) {
            for (const int32_t id : *ids) fuzz::require(!(*model)->tokenizer().isSpecial(id));
        }
    }
    return 0;
}
