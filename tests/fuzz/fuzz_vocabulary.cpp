// A tokenizer.model: what this program and libsentencepiece make of it, and typed text under it.
#include "engine/model/tokenizer/sentencepiece_tokenizer.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto spec = readModelProto({reinterpret_cast<const char*>(data), size}, "tokenizer.model");
    if (!spec) {
        fuzz::checkError(spec.error());
        return 0;
    }
    auto vocabulary = sentencePieceVocabulary(*spec, "tokenizer.model");
    if (!vocabulary) {
        fuzz::checkError(vocabulary.error());
        return 0;
    }
    AddedTokens added;
    added.eos = "</s>";
    const auto tokenizer = makeTokenizer({std::move(*vocabulary), std::move(added)}, {}, "tokenizer.model");
    if (!tokenizer) {
        fuzz::checkError(tokenizer.error());
        return 0;
    }
    for (const char* text : {"", "<out>1<:>", "the caf\xC3\xA9 \xE2\x84\xAB\xEF\xAC\x81 <in></s>\n\t 12"}) {
        const auto plain = (*tokenizer)->encode(text);
        const auto trusted = (*tokenizer)->encodeTrusted(text);
        if (!plain) fuzz::checkError(plain.error());
        if (!trusted) fuzz::checkError(trusted.error());
        if (!plain) continue;
        for (const int32_t id : *plain) fuzz::require(!(*tokenizer)->isSpecial(id));
    }
    for (int32_t id = 0; id < (*tokenizer)->vocabSize(); ++id) fuzz::keep((*tokenizer)->pieceBytes(id).size());
    return 0;
}
