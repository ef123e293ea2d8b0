// How much of a secret is left where it may not be read. Texts with a digit that nothing later needs (secret.h) go
// through a model under the lists that decoding as declared gives, and under causal ones; how well is the digit
// recovered at later positions, by a linear read-out of the position's logits (a linear image of the last hidden
// state) and by the model itself? docs/leak.md says what is measured and what came out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/leak/readout.h"
#include "engine/model/model.h"
#include "engine/types/records.h"
#include "kernels/backend.h"

namespace spanscope {

struct LeakSettings {
    std::string task = "sheet";  ///< or "expression"
    int32_t nProblems = 400;     ///< at least 80
    int32_t nLater = 4;          ///< as in SecretSource::create()
    int32_t nTwins = 20;         ///< problems that are also evaluated with another secret, to compare bits
    uint64_t seed = 1;
};

/// Positions of one kind: the last token of a phase in a line, one in each problem.
struct LeakRow {
    Phase phase = Phase::Prompt;
    int32_t distance = 0;           ///< lines after the secret's, of the prompt or of the response
    bool reads = false;             ///< a token that depends on the secret is in its list, as declared
    double tokensAfter = 0;         ///< mean, since the last token that depends on the secret
    Hits declared, dense;           ///< of the read-out
    Hits shuffled;                  ///< as declared, of secrets dealt out anew: chance
    int32_t nSame = 0, nTwins = 0;  ///< twins whose logits, as declared, have the same bits whatever the secret
};

/// The model opens the secret's line once more after so many lines and goes on from its first operand: is the digit
/// that it finds likeliest, among the ten, the secret?
struct LeakAnswer {
    int32_t distance = 0;  ///< lines between, the last one read among them; 1: directly after the secret's own
    Hits declared, dense;  ///< with an empty declaration
    Hits declaredNamed, denseNamed;  ///< with one that names the line
};

struct LeakReport {
    int32_t nProblems = 0;
    int32_t nFeatures = 0;            ///< logits that the read-out sees
    double meanTokens = 0;            ///< of a text
    std::vector<LeakRow> rows;        ///< by phase, distance, reads
    std::vector<LeakAnswer> answers;  ///< sheets; an expression's prompt can be read from everywhere
};

/// Problems done and their total.
using LeakProgress = std::function<void(int32_t done, int32_t total)>;

/// Tokens of KV cache that the longest text of these settings can need.
int32_t leakTokens(const LeakSettings& settings);

/// Needs a model of the span protocol. The backend has room for leakTokens(). InvalidArgument: settings out of range;
/// Unsupported: the model does not know the task, or writes different secrets with different numbers of tokens;
/// Cancelled; Device: logits that are not finite; errors of the backend.
Result<LeakReport> probeLeak(const Model& model, Backend& backend, const LeakSettings& settings,
                             const std::atomic<bool>* stop, const LeakProgress& progress);

}  // namespace spanscope
