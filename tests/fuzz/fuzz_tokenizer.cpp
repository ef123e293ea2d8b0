// Text that a person types: never a special piece, and the text comes back from the ids.
#include "engine/model/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto tokenizer = *loadSentencePiece(SPANSCOPE_SOURCE_DIR "/resources/models/arith/tokenizer.model");
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto plain = tokenizer->encode(text);
    const auto trusted = tokenizer->encodeTrusted(text);
    fuzz::require(plain.ok() == trusted.ok());
    if (!plain) {
        fuzz::checkError(plain.error());
        return 0;
    }
    StreamDecoder stream(*tokenizer);
    std::string streamed;
    for (const int32_t id : *plain) {
        fuzz::require(!tokenizer->isSpecial(id));
        streamed += stream.feed(id);
    }
    streamed += stream.flush();
    if (text.find("\xE2\x96\x81") == std::string::npos) fuzz::require(streamed == text);
    fuzz::require(streamed == tokenizer->decode(*plain));
    for (const int32_t id : *trusted) fuzz::require(!tokenizer->isControl(id));
    return 0;
}
