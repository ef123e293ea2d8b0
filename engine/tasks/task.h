// A task turns what a person types into a prompt of the span protocol and reads the answer out of a response. One file
// pair each: expression, sheet, news, chat, text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/model.h"
#include "engine/span/tracker.h"
#include "engine/tasks/response_watch.h"
#include "kernels/result.h"

namespace spanscope {

/// A prompt in the protocol's text form. `text` names special pieces; parts that a person typed are kept apart
/// so that they are encoded as plain text.
struct PromptPart {
    std::string text;
    bool trusted = true;  ///< may name special pieces
};
struct FormattedPrompt {
    std::vector<PromptPart> parts;  ///< without <bos>
    std::string text;               ///< the parts joined, for display
    std::string warning;            ///< outside what the model was trained for, a sentence; empty if inside
    std::string exactAnswer;        ///< by plain arithmetic; empty where nobody can know
    std::string uncheckable;        ///< why not, where the task has exact answers; empty otherwise
};

/// What typed text may cost at most, by its length alone. The defaults are those of prose, which has about four bytes
/// to a token; both leave room for white space.
struct PromptBounds {
    uint32_t bytesPerToken = 64;   ///< text longer than this for each token of the context cannot fit
    uint32_t memoryPerByte = 256;  ///< bytes of memory to take one byte of text apart
};

class Task {
  public:
    virtual ~Task() = default;
    virtual std::string_view name() const = 0;
    virtual std::string_view title() const = 0;    ///< for people, e.g. "Arithmetic expression"
    virtual SpanPolicy defaultPolicy() const = 0;  ///< used where the model's card has none
    virtual PromptBounds promptBounds() const { return {}; }
    virtual std::vector<std::string> samples() const = 0;  ///< at least 6 for the window

    /// InvalidArgument with "column N: ..." where the text is wrong (line and column where there are lines).
    /// card: what the model was trained for; nullptr = unknown.
    virtual Result<FormattedPrompt> format(const std::string& typed, const TaskCard* card) const = 0;

    /// The response's answer, empty if there is none.
    virtual std::string answer(const std::string& responseText) const = 0;

    /// Of one response to `prompt` (the formatted text); nullptr where a response may repeat itself.
    virtual std::unique_ptr<ResponseWatch> watch(const std::string& prompt) const;
};

/// All tasks, in the order in which the window lists them. Static; never freed.
const std::vector<const Task*>& allTasks();
const Task* findTask(std::string_view name);  ///< nullptr if unknown

/// Encodes trusted parts with, typed parts without special pieces; bos first and eos last where the model's files say
/// so.
Result<std::vector<int32_t>> encodePrompt(const FormattedPrompt& prompt, const Tokenizer& tokenizer);

}  // namespace spanscope
