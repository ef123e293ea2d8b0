// spanscope.json: what a model says of itself and the tasks it was trained for. Private to engine/model.
//
//   {"protocol_version": 1, "name": "...", "description": "...", "license": "...", "trained_on": "...",
//    "card": "MODEL_CARD.md", "base_hash": "0123456789abcdef",
//    "base": {"name": "...", "file": "x.gguf", "bytes": 98362432, "sha256": "64 digits", "license": "...",
//             "fetch": "smollm2"},   of an adapter: the file that it stands on (base_model.h); with base_hash
//    "pieces": {"<attend>": "<repo_name>", ...},   reserved tokens of the vocabulary that carry the protocol's pieces
//    "tasks": [{"name": "expression", "prefill": "causal" | "segmented", "heads": true, "max_refs": 64,
//               "max_segment_tokens": 4096, "max_operators": 16, "max_lines": 0, "max_sentences": 0,
//               "max_value": 9999, "max_factor": 99}]}
#pragma once

#include <string>
#include <string_view>

#include "engine/model/model.h"

namespace spanscope {

/// cardFile: plain name of the model card beside it, empty if none. Keys nobody knows are ignored.
Result<SpanscopeCard> parseCard(std::string_view text, const std::string& file, std::string& cardFile);

/// The file and the model card it names; an empty card if there is no such file. Beside a GGUF file x.gguf it is
/// called x.spanscope.json, since one folder may hold many.
Result<SpanscopeCard> loadCard(const std::string& path);

}  // namespace spanscope
