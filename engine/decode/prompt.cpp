#include "engine/decode/prompt.h"

#include <algorithm>

#include "engine/span/piece_reader.h"
#include "engine/span/tag_reader.h"
#include "engine/tasks/chat/chat_prompt.h"
#include "engine/tasks/chat_task.h"
#include "engine/tasks/task.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "engine/tasks/vocabulary/vocabulary_prompt.h"
#include "kernels/process_limits.h"

namespace spanscope {

namespace {

int32_t contextOf(const Model& model, const RunSettings& settings) {
    return settings.contextTokens > 0 ? settings.contextTokens : std::max(1, model.weights().shape.maxSeqLen);
}

/// What is too long for the context at any rate is refused from its length: taking it apart first would cost hundreds
/// of times its size.
Status checkLength(const Task& task, const std::string& text, int32_t context) {
    const PromptBounds bounds = task.promptBounds();
    const uint64_t most = std::max<uint64_t>(4096, uint64_t{bounds.bytesPerToken} * static_cast<uint64_t>(context));
    if (text.size() > most)
        return invalidArgument("the prompt is longer than the context", std::to_string(text.size()) + " bytes",
                               "at most " + std::to_string(most) + " bytes for " + std::to_string(context) + " tokens");
    const uint64_t needed = uint64_t{bounds.memoryPerByte} * text.size(), left = freeMemoryBytes();
    if (needed <= left || left == 0) return {};
    return Error{ErrorCode::OutOfMemory,
                 "there is not enough memory to take the prompt apart",
                 {},
                 {},
                 std::to_string(left) + " bytes free",
                 std::to_string(needed) + " bytes"};
}

/// A chat that teaches the vocabulary, and where its chunks are.
Result<PreparedPrompt> prepareTaught(const Model& model, const RunSettings& settings, const SpanPolicy& policy) {
    auto vocabulary = parseVocabulary(settings.vocabulary, "vocabulary");
    if (!vocabulary) return vocabulary.error();
    auto taught = teach(*vocabulary, settings.promptText, settings.systemText, model.tokenizer());
    if (!taught) return taught.error();
    const auto format = ChatFormat::of(model);
    if (!format) return format.error();
    const auto parts = (*format)->render(taught->messages, settings.thinking);
    if (!parts) return parts.error();
    auto ids = (*format)->encode(*parts, taught->messages);
    if (!ids) return ids.error();
    PreparedPrompt prompt;
    prompt.task = &chatTask();
    prompt.policy = policy;
    prompt.ids = std::move(*ids);
    prompt.text = joined(*parts);
    if (taught->chunks.empty()) return prompt;
    const size_t at = prompt.text.rfind(taught->messages.back().text);
    if (at == std::string::npos)
        return Error{ErrorCode::Unsupported,
                     "the chat template changes the text of the question, so that its chunks "
                     "cannot be found",
                     model.path()};
    for (ChunkText& chunk : taught->chunks) {
        chunk.begin += at;
        chunk.end += at;
    }
    auto chunks = chunksAmong(prompt.ids, prompt.text, taught->chunks, model.tokenizer());
    if (!chunks) return chunks.error();
    prompt.chunks = std::move(*chunks);
    return prompt;
}

}  // namespace

SpanTracker trackerFor(const Model& model, const SpanPolicy& policy) {
    const Tokenizer& tokenizer = model.tokenizer();
    if (!policy.vocabulary) return {tokenizer.pieceIds(), policy};
    // A model that was trained on the vocabulary may have a piece for each tag.
    const auto bytes = [&tokenizer](int32_t id) {
        std::string text = tokenizer.pieceBytes(id);
        return text.empty() && tokenizer.isControl(id) ? tokenizer.pieceName(id) : text;
    };
    return {std::make_unique<TagReader>(policy.vocabulary, bytes), policy};
}

Status setVocabulary(const std::string& description, SpanPolicy& policy) {
    if (description.empty()) return {};
    auto vocabulary = parseVocabulary(description, "vocabulary");
    if (!vocabulary) return vocabulary.error();
    policy.vocabulary = vocabulary->tags;
    policy.hasProtocol = false;
    return {};
}

Result<PreparedPrompt> recordedPrompt(const RunData& run) {
    const RunHeader& h = run.header;
    PreparedPrompt prompt;
    prompt.task = findTask(h.settings.task.empty() ? "text" : h.settings.task);
    if (!prompt.task) return invalidArgument("unknown task", h.settings.task);
    if (h.prompt.empty()) return invalidArgument("the run has no prompt");
    prompt.policy.hasProtocol = h.hasProtocol;
    prompt.policy.prefill = h.prefill;
    prompt.policy.heads = h.heads;
    if (auto ok = setVocabulary(h.settings.vocabulary, prompt.policy); !ok) return ok.error();
    const auto nPrompt = static_cast<int32_t>(h.prompt.size());
    for (const Segment& s : run.segments) {
        const int32_t end = prompt.chunks.empty() ? 0 : prompt.chunks.back().end;
        if (prompt.policy.vocabulary && s.kind == SegmentKind::In && s.begin >= end && s.end <= nPrompt)
            prompt.chunks.push_back({s.label, s.begin, s.end});
    }
    for (const TokenInfo& token : h.prompt) prompt.ids.push_back(token.id);
    prompt.text = h.formattedPrompt;
    prompt.warning = h.warning;
    prompt.exactAnswer = h.exactAnswer;
    prompt.uncheckable = h.uncheckable;
    return prompt;
}

Result<PreparedPrompt> preparePrompt(const Model& model, const RunSettings& settings) {
    const std::string name = settings.task.empty() ? "text" : settings.task;
    PreparedPrompt prompt;
    prompt.task = findTask(name);
    if (!prompt.task) {
        std::string known;
        for (const Task* task : allTasks()) known += (known.empty() ? "" : ", ") + std::string(task->name());
        return invalidArgument("unknown task", name, "one of " + known);
    }
    const TaskCard* card = model.card().task(name);
    if (prompt.task->defaultPolicy().hasProtocol && model.card().protocolVersion == 0)
        return Error{ErrorCode::Unsupported,
                     "this model was not trained for the span protocol, which the task needs",
                     model.path(),
                     "task",
                     name,
                     model.chatTemplates().standard() != nullptr ? "chat or text" : "text"};
    prompt.policy = card ? card->policy : prompt.task->defaultPolicy();
    const Tokenizer& tokenizer = model.tokenizer();
    if (!tokenizer.pieceIds().complete()) prompt.policy.hasProtocol = false;
    if (!settings.vocabulary.empty() && prompt.task->defaultPolicy().hasProtocol)
        return Error{ErrorCode::Unsupported, "a vocabulary of tags is for other tasks", {}, "task", name,
                     "chat or text"};
    if (auto ok = setVocabulary(settings.vocabulary, prompt.policy); !ok) return ok.error();

    if (!settings.promptIds.empty()) {
        const int32_t vocab = model.weights().shape.vocab;
        for (int32_t id : settings.promptIds) {
            if (id < 0 || id >= vocab)
                return invalidArgument("prompt token is not in the vocabulary", std::to_string(id),
                                       "0 to " + std::to_string(vocab - 1));
        }
        prompt.ids = settings.promptIds;
        prompt.text = tokenizer.decode(prompt.ids);
        return prompt;
    }
    if (Status ok = checkLength(*prompt.task, settings.promptText, contextOf(model, settings)); !ok) return ok.error();
    if (prompt.task == &chatTask() && prompt.policy.vocabulary) return prepareTaught(model, settings, prompt.policy);
    if (prompt.task == &chatTask()) {
        const auto format = ChatFormat::of(model);
        if (!format) return format.error();
        std::vector<ChatMessage> messages;
        if (!settings.systemText.empty()) messages.push_back({ChatRole::System, settings.systemText, {}});
        messages.push_back({ChatRole::User, settings.promptText, {}});
        return prepareChat(**format, messages, settings.thinking);
    }
    auto formatted = prompt.task->format(settings.promptText, card);
    if (!formatted) return formatted.error();
    auto ids = encodePrompt(*formatted, tokenizer);
    if (!ids) return ids.error();
    if (ids->empty()) return invalidArgument("the prompt has no tokens", "empty text", "text or prompt ids");
    prompt.ids = std::move(*ids);
    prompt.text = std::move(formatted->text);
    prompt.warning = std::move(formatted->warning);
    prompt.exactAnswer = std::move(formatted->exactAnswer);
    prompt.uncheckable = std::move(formatted->uncheckable);
    return prompt;
}

Result<PreparedPrompt> prepareChat(const ChatFormat& format, std::span<const ChatMessage> messages,
                                   std::optional<bool> thinking) {
    const auto parts = format.render(messages, thinking);
    if (!parts) return parts.error();
    auto ids = format.encode(*parts, messages);
    if (!ids) return ids.error();
    PreparedPrompt prompt;
    prompt.task = &chatTask();
    prompt.policy = chatTask().defaultPolicy();
    prompt.ids = std::move(*ids);
    prompt.text = joined(*parts);
    return prompt;
}

int32_t neededTokens(const Model& model, const RunSettings& settings, int32_t nPrompt) {
    const int32_t context = contextOf(model, settings);
    if (settings.maxTokens < 0) return context;
    const int64_t wanted = static_cast<int64_t>(nPrompt) + settings.maxTokens;
    return static_cast<int32_t>(std::min<int64_t>(wanted, context));
}

Status checkPromptFits(int32_t nPrompt, int32_t context) {
    if (nPrompt <= context) return {};
    return invalidArgument("the prompt is longer than the context", std::to_string(nPrompt) + " tokens",
                           "at most " + std::to_string(context));
}

}  // namespace spanscope
