// The tiny checkpoints of tests/fixtures/golden/families.json, as folders and as GGUF files.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace spanscope::test {

/// name -> prompt, greedy, vocab, weights, gguf; make_families.py says what they are.
const nlohmann::json& familyCases();
std::vector<std::string> familyNames();

/// Where the case can be opened as it is; a case that shares the weights of another one has to be copied.
bool hasWeights(const std::string& name);

/// Copies the case into `folder`, which is there; with the weights of another case if it shares them.
bool copyGoldenFolder(const std::string& name, const std::string& folder);

/// Writes the case's weights as GGUF, as its plan says.
bool writeFamilyGguf(const std::string& name, const std::string& path);

}  // namespace spanscope::test
