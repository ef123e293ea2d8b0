// Problems with a secret: a digit, each as often as any other, in a line of arithmetic that no later line of the text
// needs. All else is drawn by the generators of the training data.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/training/example.h"
#include "engine/training/random.h"

namespace spanscope {

inline constexpr int32_t kSecrets = 10;  ///< the digits 0 to 9; guessing is right once in so many

/// One problem, written with each of the secrets; the texts differ in nothing that does not follow from it.
struct SecretProblem {
    int32_t secret = 0;  ///< the one that was drawn
    /// [secret]: prompt, and the response up to before the first line that needs the secret's, if there is one.
    std::array<TaskExample, kSecrets> with;
    std::string operand;  ///< what stands before the secret in its line, e.g. "40+"
};

/// Each of them once, in a drawn order.
std::vector<int32_t> shuffledSecrets(Random& random);

/// Draws problems. The secret is the second operand of line (operation) 1, whose first is 10, 20, ... 90: work and
/// value then have one length for all secrets, so that no position tells it. Of ten problems in a row each has another
/// secret, in a drawn order. One thread.
class SecretSource {
  public:
    /// task: "sheet" or "expression" (InvalidArgument otherwise). nLater: lines, or operations, that follow the
    /// secret's and do not need it; at least 1.
    static Result<SecretSource> create(const std::string& task, int32_t nLater, uint64_t seed);
    /// Errors of the generators.
    Result<SecretProblem> next();

  private:
    SecretSource(std::string task, std::unique_ptr<ExampleSource> others, uint64_t seed);

    std::string m_task;
    std::unique_ptr<ExampleSource> m_others;
    Random m_random;
    std::vector<int32_t> m_dealt;  // digits that are still to come in this block of ten
};

}  // namespace spanscope
