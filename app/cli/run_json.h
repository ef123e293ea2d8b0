// A run's figures under the names that llama-server's users know, plus ours. Units are in the names.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/model/model.h"
#include "engine/types/json_version.h"
#include "engine/types/records.h"

namespace spanscope::cli {

nlohmann::ordered_json runJson(const RunData& run, const Model& model, int64_t loadNs);

/// "drafted", "accepted", "rejected", "acceptance", "verify_passes", "tokens_per_pass"; nothing without a pass.
void addDrafts(nlohmann::ordered_json& object, const DraftStats& drafts);

/// "adapter": name, hash, rank and what is copied or stays beside the weights; nothing where the model has none.
void addAdapter(nlohmann::ordered_json& object, const Model& model);

/// One line on stdout; text that is not UTF-8 gets U+FFFD.
void printJson(const nlohmann::ordered_json& object);

/// For people, one line: "declared: 120 tokens, 830 t/s, ...".
std::string runSummary(const RunData& run);

/// The response's ids; the end-of-text id last where the model wrote it.
std::vector<int32_t> responseIds(const RunData& run, const Tokenizer& tokenizer);

}  // namespace spanscope::cli
