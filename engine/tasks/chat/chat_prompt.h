// From messages to the token ids of a prompt, by the chat template that the model's own files carry. Templates that
// many models share are rendered by exact functions here (known_templates.h); all others are code from a stranger,
// which Jinja2 renders in a process of its own (template_process.h).
//
// Control tokens come from the template alone: whatever a message spells is encoded as plain text. Where the template
// and the messages cannot be told apart in what was rendered, the chat is refused.
#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/tasks/chat/chat_message.h"
#include "kernels/result.h"

namespace spanscope {

struct TemplateRequest;

/// Immutable; any thread. The model outlives it.
class ChatFormat {
  public:
    ChatFormat(const ChatFormat&) = delete;
    ChatFormat& operator=(const ChatFormat&) = delete;

    /// Unsupported, with what the model does have, where it has no template for messages. now: what a template that
    /// asks for the date is told.
    static Result<std::shared_ptr<const ChatFormat>> of(const Model& model, std::time_t now = std::time(nullptr));

    /// messages: at most one system message, first; then user and assistant in turn, a user last. The answer's
    /// beginning is part of the prompt. InvalidArgument: messages in another order, or without text, or not UTF-8, or
    /// refused by the template (with its own sentence). Unsupported: Jinja2 is needed and not there, or the template
    /// does something with the messages that does not let its own text be told from theirs.
    /// thinking: what a template that reads enable_thinking is told; absent: nothing.
    Result<RenderedChat> render(std::span<const ChatMessage> messages, std::optional<bool> thinking = {}) const;

    /// Does the template reason where it is not told? Nothing: it does not read enable_thinking, or makes no
    /// difference of it, or cannot be rendered. Asks Jinja2 where the template is not a known one and names it.
    std::optional<bool> thinkingByDefault() const;

    /// The ids of render()'s parts. An answer whose ids are known and whose text stands unchanged in the prompt keeps
    /// them, so that the prompt begins with the very tokens that were read and written before. A beginning-of-text
    /// token that the vocabulary puts before every text stands in front also where the template does not write it.
    /// Unsupported for text that the vocabulary cannot write.
    Result<std::vector<int32_t>> encode(const RenderedChat& parts, std::span<const ChatMessage> messages) const;

    /// "ChatML", or "Jinja2" for templates that it renders.
    std::string rendererName() const;

  private:
    struct Special {
        std::string name;
        int32_t id = -1;
    };
    /// A control token of the template, by its place in the text.
    struct Mark {
        size_t begin = 0;
        const Special* token = nullptr;
    };
    struct Marks {
        std::vector<Mark> tokens;
        std::vector<size_t> cuts;  ///< inside names that a message spells: cut there, they are plain text
    };

    ChatFormat(const Model& model, std::time_t now);
    Status check(std::span<const ChatMessage> messages) const;
    Result<RenderedChat> renderByJinja(std::span<const ChatMessage> messages, std::optional<bool> thinking) const;
    TemplateRequest requestFor(std::vector<std::optional<bool>> thinking) const;
    bool isKnown(const Special& special) const;
    Marks marksOf(std::string_view text, const std::vector<bool>& trusted) const;
    Status appendText(std::string_view text, const std::vector<bool>& trusted, std::vector<int32_t>& ids) const;
    Status appendRun(std::string_view text, std::span<const size_t> cuts, const Special* before,
                     std::vector<int32_t>& ids) const;

    const Tokenizer* m_tokenizer;
    const ChatTemplates* m_templates;
    std::time_t m_now;
    std::array<std::vector<Special>, 256> m_special;  ///< control tokens and markup by first byte, longest first
};

}  // namespace spanscope
