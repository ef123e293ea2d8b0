// A folder that opens as a model once its base is there: a tiny adapter by peft (tests/fixtures/adapters) with a card,
// and the GGUF file that it was trained over, whose vocabulary is exchanged for one with
// reserved tokens that carry the protocol.
#pragma once

#include <string>

namespace spanscope::test {

/// The base, as a file's bytes.
std::string tinyAdapterBase();

/// Its card says: base.file is "tiny-base.gguf", of tinyAdapterBase(); tasks expression and news; fetch: what fetches
/// it. False where something cannot be written.
bool writeTinyAdapter(const std::string& folder, const std::string& fetch = {});

}  // namespace spanscope::test
