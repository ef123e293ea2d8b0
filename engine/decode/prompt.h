// From what a person asks to the token ids of a prompt, and the visibility policy that goes with it. Shared by
// sessions, batches and the CLI, which must know a prompt's length before it makes room for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/span/tracker.h"
#include "engine/types/records.h"
#include "kernels/result.h"

namespace spanscope {

class ChatFormat;
class Task;
struct ChatMessage;

struct PreparedPrompt {
    const Task* task = nullptr;            ///< never null after preparePrompt()
    SpanPolicy policy;                     ///< of the model's card, else the task's own
    std::vector<PromptChunk> chunks;       ///< that a vocabulary's tags name
    std::vector<int32_t> ids;              ///< not empty
    std::string text;                      ///< protocol text, for display
    std::string warning;                   ///< outside what the model was trained for; empty if inside
    std::string exactAnswer, uncheckable;  ///< as in FormattedPrompt
};

/// settings.task "" means "text"; "chat" is one question, by the model's chat template. With settings.vocabulary a chat
/// teaches it first and cuts the document that stands before the question into chunks; text stays as it is, for a model
/// that knows the vocabulary (Format: its description is wrong; Unsupported: other tasks). settings.promptIds, where
/// not empty, are taken as they are (no bos added). Unsupported: a chat with a model that has no template, a task of
/// the span protocol with a model that was not trained for it. InvalidArgument: unknown task, text that the task
/// refuses (with its column), ids outside the vocabulary, nothing to evaluate, more text than Task::promptBounds()
/// allows for the context. OutOfMemory: too little to take it apart.
Result<PreparedPrompt> preparePrompt(const Model& model, const RunSettings& settings);

/// The same from the messages of a chat. Errors of ChatFormat::render() and encode().
Result<PreparedPrompt> prepareChat(const ChatFormat& format, std::span<const ChatMessage> messages,
                                   std::optional<bool> thinking);

/// That of a recorded run: its own ids, chunks and policy. InvalidArgument: no prompt, a task that is not known;
/// Format: the description of its vocabulary is wrong.
Result<PreparedPrompt> recordedPrompt(const RunData& run);

/// A tracker for prompts under this policy. The model outlives it.
SpanTracker trackerFor(const Model& model, const SpanPolicy& policy);

/// The policy's vocabulary from the text of its description; empty: none. Errors of parseVocabulary().
Status setVocabulary(const std::string& description, SpanPolicy& policy);

/// Tokens of KV cache a run can need: prompt and response, within its context. settings.contextTokens and
/// maxTokens as in RunSettings.
int32_t neededTokens(const Model& model, const RunSettings& settings, int32_t nPrompt);

/// InvalidArgument: the prompt is longer than `context`, the result of neededTokens(). Known before memory is asked
/// for.
Status checkPromptFits(int32_t nPrompt, int32_t context);

}  // namespace spanscope
