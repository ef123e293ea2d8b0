// Training data and yardsticks: worked problems, where they come from, and how they are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/span/tracker.h"
#include "kernels/result.h"

namespace spanscope {

/// A problem with its worked response.
struct TaskExample {
    std::string task;
    std::string id;        ///< of the source document where there is one
    std::string typed;     ///< what a person would type
    std::string prompt;    ///< protocol text, without <bos>
    std::string response;  ///< protocol text, without <eos>
    std::string answer;
    bool declared = true;              ///< false: a plain example, its response without declarations
    bool complete = true;              ///< false: a window cut out of a longer response; no <eos> follows
    size_t noLossBytes = 0;            ///< leading bytes of `response` that cannot be derived from what is visible
    std::optional<SpanPolicy> policy;  ///< as recorded with it; absent: its task's own
};

/// An endless or finite stream of examples; deterministic for its options and seed. One thread.
class ExampleSource {
  public:
    virtual ~ExampleSource() = default;
    /// nullopt: no more.
    virtual Result<std::optional<TaskExample>> next() = 0;
};

struct IntRange {
    int32_t min = 0;
    int32_t max = 0;
};

/// What kind of arithmetic problem to draw.
struct ProblemShape {
    std::string name = "any";  ///< of expressionShapes() or sheetShapes(); "any" draws one for each problem
    IntRange digits{1, 4};     ///< most digits of the literals, drawn for each problem
    int32_t maxValue = 9999;   ///< absolute value of every literal and every result on the way
};

/// Names for ProblemShape: structure (flat, left, right, balanced, comb, random) or content in any structure.
const std::vector<std::string>& expressionShapes();
const std::vector<std::string>& sheetShapes();

/// Random expressions with min..max operators. nullptr: there is no such shape.
std::unique_ptr<ExampleSource> makeExpressionSource(IntRange operators, uint64_t seed, const ProblemShape& shape = {});

/// Random sheets of min..max lines. windowLines.max > 0: training windows of that many lines instead, cut out of a
/// sheet whose header names up to lines.max, starting at any line; labels then are seen without long rows. nullptr:
/// there is no such shape, or none in windows.
std::unique_ptr<ExampleSource> makeSheetSource(IntRange lines, IntRange windowLines, uint64_t seed,
                                               const ProblemShape& shape = {});

/// The same example without declarations: `<attend>...</attend>`, `<global>` and `<local>` are gone from the response,
/// the labels stay (the text refers to them), and everything is read under causal attention. What a model learns that
/// writes no tags: the yardstick for the cost of writing them.
TaskExample plainExample(TaskExample example);

/// The examples of a file that exampleToJson() wrote, token ids and views left out: to write them for another
/// vocabulary. NotFound if it cannot be opened; Format: names file, line and field. Everything in it is untrusted.
Result<std::unique_ptr<ExampleSource>> openRecordedExamples(const std::string& path);

/// One JSON object (no newline at the end): task, id, typed, prompt, response, answer, policy; "complete": false for a
/// window; no_loss_bytes where there are some; with a tokenizer also
///   ids       all token ids: bos, prompt, response, eos (where complete)
///   n_prompt  how many of them are prompt
///   loss_begin  first index whose token is a training target
///   views     [[first_index, [[begin, end], ...]], ...]: what queries from first_index on may read, half open,
///             end -1 = open; causality holds on top. Made by SpanTracker, the rule that decoding uses.
///             "declared": false in a plain example, whose views are causal
///   breaks    indices at which an in- or out-segment begins
/// policy is {"prefill": "causal"|"segmented", "heads": bool}.
Result<std::string> exampleToJson(const TaskExample& example, const SpanPolicy& policy,
                                  const Tokenizer* maybeTokenizer);

}  // namespace spanscope
