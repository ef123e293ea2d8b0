// A tokenizer.json: read, and text under it. Typed text never becomes a special piece.
#include "engine/files/json_fields.h"
#include "engine/model/tokenizer/tokenizer_json.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto parts = parseTokenizerJson({reinterpret_cast<const char*>(data), size}, "tokenizer.json", 4096);
    if (!parts) {
        fuzz::checkError(parts.error());
        return 0;
    }
    auto added =
        loadAddedTokens("/nowhere", JsonFields(parts->rest, "tokenizer.json").find("added_tokens"), "tokenizer.json");
    if (!added) {
        fuzz::checkError(added.error());
        return 0;
    }
    auto read = readTokenizerJson(std::move(*parts), std::move(*added), "tokenizer.json");
    if (!read) {
        fuzz::checkError(read.error());
        return 0;
    }
    const auto tokenizer = makeTokenizer(std::move(*read), {}, "tokenizer.json");
    if (!tokenizer) {
        fuzz::checkError(tokenizer.error());
        return 0;
    }
    for (const char* text :
         {"", "<out>1<:>", "the caf\xC3\xA9 e\xCC\x81 \xE2\x96\x81 <in></s>\r\n\t  12345 ab", "aaaaaaaaaa ."}) {
        for (const auto trust : {TextTrust::Typed, TextTrust::Trusted}) {
            const auto ids = (*tokenizer)->encode(text, trust, false);
            if (!ids) fuzz::checkError(ids.error());
            if (!ids) continue;
            for (const int32_t id : *ids) {
                fuzz::require(id >= 0 && id < (*tokenizer)->vocabSize());
                if (trust == TextTrust::Typed) fuzz::require(!(*tokenizer)->isSpecial(id));
            }
            fuzz::keep((*tokenizer)->decode(*ids).size());
        }
    }
    return 0;
}
