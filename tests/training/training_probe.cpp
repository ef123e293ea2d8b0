// What the engine computes, for the trainer's tests to compare with:
//   training_probe masks FOLDER            rows.jsonl and masks.bits, written by the trainer, against the tracker
//   training_probe logits MODEL IN OUT [ADAPTER]   logits (n, vocab) float32 of token ids under the tracker's masks
// Exit code 1: they differ (stderr says where); 2: something could not be read.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/decode/masks.h"
#include "engine/model/model.h"
#include "engine/policy/policies.h"
#include "engine/span/tracker.h"
#include "kernels/backends.h"

using namespace spanscope;
using nlohmann::json;

namespace {

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) {
        std::cerr << path << ": cannot be read\n";
        std::exit(2);
    }
    return text.str();
}

template <class T>
T need(Result<T> result) {
    if (result) return std::move(*result);
    std::cerr << result.error().toString() << "\n";
    std::exit(2);
}

SpanPolicy policyOf(const json& policy) {
    SpanPolicy p;
    p.prefill = policy.at("prefill") == "segmented" ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
    p.heads = policy.at("heads").get<bool>();
    return p;
}

/// The lists that decoding uses: the prompt at once, then token by token.
std::vector<QueryMask> decodingMasks(const std::vector<int32_t>& ids, size_t nPrompt, const PieceIds& pieces,
                                     const SpanPolicy& policy, const std::string& mode, int32_t window) {
    SpanTracker tracker(pieces, policy);
    RunMasks masks(need(makeMaskPolicy(need(parseMaskPolicy(mode)), {})), window, 1);
    std::vector<QueryMask> lists;
    for (const TokenView& view : tracker.consumePrompt({ids.data(), nPrompt})) lists.push_back(masks.forPrompt(view));
    for (size_t i = nPrompt; i < ids.size(); ++i) lists.push_back(masks.forStep(tracker.consume(ids[i])));
    return lists;
}

/// rows.jsonl: {"tokenizer"} first, then {"ids", "n_prompt", "policy", "mode", "window"}; masks.bits: for each row
/// n x n bits, query by query, each query from a whole byte on, highest bit first.
int compareMasks(const std::string& folder) {
    std::ifstream rows(folder + "/rows.jsonl");
    const std::string bits = slurp(folder + "/masks.bits");
    std::string line;
    std::getline(rows, line);
    const auto tokenizer = need(loadSentencePiece(json::parse(line).at("tokenizer").get<std::string>()));
    size_t at = 0, nRows = 0, nTokens = 0, nRead = 0;
    for (; std::getline(rows, line); ++nRows) {
        const json row = json::parse(line);
        const auto ids = row.at("ids").get<std::vector<int32_t>>();
        const auto mode = row.at("mode").get<std::string>();
        const auto lists = decodingMasks(ids, row.at("n_prompt").get<size_t>(), tokenizer->pieceIds(),
                                         policyOf(row.at("policy")), mode, row.at("window").get<int32_t>());
        const size_t bytes = (ids.size() + 7) / 8;
        if (lists.size() != ids.size() || at + bytes * ids.size() > bits.size()) {
            std::cerr << "row " << nRows << ": " << lists.size() << " lists and " << bits.size() - at
                      << " bytes left for " << ids.size() << " tokens\n";
            return 1;
        }
        for (size_t q = 0; q < ids.size(); ++q, at += bytes, ++nTokens) {
            for (size_t k = 0; k < bytes * 8; ++k) {
                const bool trained = (static_cast<uint8_t>(bits[at + k / 8]) >> (7 - k % 8)) & 1;
                const bool decoded =
                    k < ids.size() && mayRead(*lists[q].visible, static_cast<int32_t>(q), static_cast<int32_t>(k));
                nRead += decoded;
                if (trained == decoded) continue;
                std::cerr << "row " << nRows << ": token " << q << " (" << tokenizer->pieceName(ids[q]) << ") "
                          << (trained ? "read" : "did not read") << " token " << k
                          << " in training, decoding differs\n";
                return 1;
            }
        }
    }
    if (at != bits.size()) {
        std::cerr << "masks.bits: " << bits.size() - at << " bytes too many\n";
        return 1;
    }
    std::printf("%s\n", json{{"rows", nRows}, {"tokens", nTokens}, {"read", nRead}}.dump().c_str());
    return 0;
}

/// in: {"ids", "n_prompt", "task", "mode"}; the policy is the model's own.
int writeLogits(const std::string& path, const std::string& in, const std::string& out, const std::string& adapter) {
    const auto model = need(openModel(path, {}, adapter));
    const json row = json::parse(slurp(in));
    const auto ids = row.at("ids").get<std::vector<int32_t>>();
    const TaskCard* card = model->card().task(row.at("task").get<std::string>());
    if (card == nullptr) {
        std::cerr << path << ": spanscope.json has no task " << row.at("task") << "\n";
        return 2;
    }
    const auto& shape = model->weights().shape;
    const auto mode = row.at("mode").get<std::string>();
    const auto nPrompt = row.at("n_prompt").get<size_t>();
    const auto lists =
        decodingMasks(ids, nPrompt, model->tokenizer().pieceIds(), card->policy, mode, shape.slidingWindow);
    BackendOptions options;
    options.kvTokens = static_cast<int64_t>(ids.size()) + 32;
    options.nThreads = 1;
    options.kvType = DType::F32;
    const auto backend = need(makeCpuBackend(model->weights(), options));
    const SequenceId sequence = need(backend->createSequence(static_cast<int32_t>(ids.size())));
    const auto vocab = static_cast<size_t>(shape.vocab);
    std::vector<float> logits(ids.size() * vocab);
    std::vector<QueryRun> runs;
    for (size_t i = 0; i < nPrompt; ++i)
        runs.push_back({static_cast<int32_t>(i), static_cast<int32_t>(i) + 1, *lists[i].visible});
    if (auto ok = backend->prefill(sequence, {ids.data(), nPrompt}, runs, {logits.data(), nPrompt * vocab}); !ok) {
        std::cerr << ok.error().toString() << "\n";
        return 2;
    }
    for (size_t i = nPrompt; i < ids.size(); ++i) {  // as decoding does: one token at a time
        const DecodeItem item{sequence, ids[i], static_cast<int32_t>(i), *lists[i].visible, lists[i].id};
        DecodeOutput output;
        output.maybeLogits = {logits.data() + i * vocab, vocab};
        if (auto ok = backend->decode({&item, 1}, output); !ok) {
            std::cerr << ok.error().toString() << "\n";
            return 2;
        }
    }
    std::ofstream file(out, std::ios::binary);
    file.write(reinterpret_cast<const char*>(logits.data()),
               static_cast<std::streamsize>(logits.size() * sizeof(float)));
    return file.flush() ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "masks") == 0) return compareMasks(argv[2]);
    if ((argc == 5 || argc == 6) && std::strcmp(argv[1], "logits") == 0)
        return writeLogits(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "");
    std::cerr << "usage: training_probe masks FOLDER | logits MODEL IN.json OUT.f32 [ADAPTER]\n";
    return 2;
}
