#include "engine/tasks/chat/chat_prompt.h"

#include <algorithm>

#include "engine/files/utf8.h"
#include "engine/tasks/chat/known_templates.h"
#include "engine/tasks/chat/placeholders.h"
#include "engine/tasks/chat/template_process.h"

namespace spanscope {

namespace {

Error cannotEncode() {
    return {ErrorCode::Unsupported,
            "the vocabulary cannot write this chat without a control token that the template did not ask for"};
}

}  // namespace

Result<std::shared_ptr<const ChatFormat>> ChatFormat::of(const Model& model, std::time_t now) {
    const ChatTemplates& templates = model.chatTemplates();
    if (templates.standard() == nullptr) {
        std::string names;
        for (const ChatTemplate& one : templates.all) names += (names.empty() ? "" : ", ") + one.name;
        return Error{ErrorCode::Unsupported,
                     "this model has no chat template for messages; it was not made for chat, use the task text",
                     model.path(),
                     "chat template",
                     names.empty() ? "none" : names,
                     "one called default"};
    }
    return std::shared_ptr<const ChatFormat>(new ChatFormat(model, now));
}

ChatFormat::ChatFormat(const Model& model, std::time_t now)
    : m_tokenizer(&model.tokenizer()), m_templates(&model.chatTemplates()), m_now(now) {
    for (int32_t id = 0; id < m_tokenizer->vocabSize(); ++id) {
        if (!m_tokenizer->isSpecial(id)) continue;
        std::string name = m_tokenizer->pieceName(id);
        if (!name.empty()) m_special[static_cast<uint8_t>(name[0])].push_back({std::move(name), id});
    }
    for (auto& list : m_special)
        std::stable_sort(list.begin(), list.end(),
                         [](const Special& a, const Special& b) { return a.name.size() > b.name.size(); });
}

std::string ChatFormat::rendererName() const {
    const ChatFrame* frame = knownTemplate(m_templates->standard()->text);
    return frame != nullptr ? std::string(frame->name) : "Jinja2";
}

Status ChatFormat::check(std::span<const ChatMessage> messages) const {
    const size_t first = !messages.empty() && messages[0].role == ChatRole::System ? 1 : 0;
    for (size_t i = 0; i < messages.size(); ++i) {
        const ChatMessage& m = messages[i];
        const ChatRole expected = i < first              ? ChatRole::System
                                  : (i - first) % 2 == 0 ? ChatRole::User
                                                         : ChatRole::Assistant;
        if (m.role != expected)
            return invalidArgument("messages are out of order", chatRoleName(m.role), chatRoleName(expected));
        if (const size_t bad = firstBadUtf8(m.text); bad != std::string::npos)
            return Error{ErrorCode::InvalidArgument, "text is not UTF-8", "", "byte " + std::to_string(bad)};
        if (m.role != ChatRole::Assistant && strip(m.text).empty())
            return invalidArgument("a message is empty", chatRoleName(m.role), "text");
    }
    if ((messages.size() - first) % 2 == 0) return invalidArgument("there is no question to answer");
    return {};
}

Result<RenderedChat> ChatFormat::render(std::span<const ChatMessage> messages, std::optional<bool> thinking) const {
    if (auto ok = check(messages); !ok) return ok.error();
    if (const ChatFrame* frame = knownTemplate(m_templates->standard()->text))
        return renderFrame(*frame, {m_templates->bos, m_templates->eos, m_now, thinking}, messages);
    return renderByJinja(messages, thinking);
}

TemplateRequest ChatFormat::requestFor(std::vector<std::optional<bool>> thinking) const {
    return {m_templates->standard()->text,
            {{"bos_token", m_templates->bos}, {"eos_token", m_templates->eos}},
            m_now,
            std::move(thinking)};
}

std::optional<bool> ChatFormat::thinkingByDefault() const {
    const std::string& text = m_templates->standard()->text;
    if (text.find("enable_thinking") == std::string::npos) return {};
    if (const ChatFrame* frame = knownTemplate(text))
        return frame->askWithoutThinking.empty() ? std::nullopt : std::optional(true);
    const std::vector<std::vector<ChatMessage>> chats(3, {{ChatRole::User, "Hello", {}}});
    const auto rendered = renderTemplate(requestFor({std::nullopt, true, false}), chats);
    if (!rendered || (*rendered)[1] == (*rendered)[2]) return {};
    return (*rendered)[0] == (*rendered)[1];
}

Result<RenderedChat> ChatFormat::renderByJinja(std::span<const ChatMessage> messages,
                                               std::optional<bool> thinking) const {
    const std::string& text = m_templates->standard()->text;
    const Placeholders placeholders(messages, text);
    const std::array<std::vector<ChatMessage>, 2> both{std::vector<ChatMessage>(messages.begin(), messages.end()),
                                                       placeholders.marked()};
    auto rendered = renderTemplate(requestFor({thinking, thinking}), both);
    if (!rendered) {
        Error error = rendered.error();
        if (error.file.empty()) error.file = m_templates->source;
        return error;
    }
    return placeholders.cut((*rendered)[0], (*rendered)[1]);
}

bool ChatFormat::isKnown(const Special& special) const {
    const auto ids = m_tokenizer->encodeTrusted(special.name);
    return ids && ids->size() == 1 && ids->front() == special.id;
}

ChatFormat::Marks ChatFormat::marksOf(std::string_view text, const std::vector<bool>& trusted) const {
    Marks marks;
    // From each byte on: where the next one stands that a message wrote.
    std::vector<size_t> nextTyped(text.size() + 1, text.size());
    for (size_t i = text.size(); i-- > 0;) nextTyped[i] = trusted[i] ? nextTyped[i + 1] : i;
    for (size_t at = 0; at < text.size();) {
        size_t next = at + 1;
        for (const Special& special : m_special[static_cast<uint8_t>(text[at])]) {
            if (!text.substr(at).starts_with(special.name)) continue;
            if (nextTyped[at] >= at + special.name.size()) {
                marks.tokens.push_back({at, &special});
                next = at + special.name.size();
                break;
            }
            const size_t cut = at + nextUtf8(text.substr(at)).nBytes;
            if (marks.cuts.empty() || marks.cuts.back() <= at) marks.cuts.push_back(cut);
        }
        at = next;
    }
    return marks;
}

/// One stretch of plain text behind the control token `before`; nullptr: behind an answer's ids, or at the beginning.
Status ChatFormat::appendRun(std::string_view text, std::span<const size_t> cuts, const Special* before,
                             std::vector<int32_t>& ids) const {
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const std::string_view piece = text.substr(begin, (i < cuts.size() ? cuts[i] : text.size()) - begin);
        const bool first = begin == 0;
        begin += piece.size();
        if (piece.empty()) continue;
        if (first && before != nullptr && isKnown(*before)) {  // which may take white space with it
            const auto more = m_tokenizer->encodeTrusted(before->name + std::string(piece));
            if (!more) return more.error();
            const auto plain = std::span(*more).subspan(1);
            if (std::none_of(plain.begin(), plain.end(), [&](int32_t id) { return m_tokenizer->isSpecial(id); })) {
                ids.insert(ids.end(), plain.begin(), plain.end());
                continue;
            }
        }
        const bool follows = !first || (before == nullptr && !ids.empty());
        const auto more = m_tokenizer->encode(piece, TextTrust::Typed, follows);
        if (!more) return more.error();
        ids.insert(ids.end(), more->begin(), more->end());
    }
    return {};
}

Status ChatFormat::appendText(std::string_view text, const std::vector<bool>& trusted,
                              std::vector<int32_t>& ids) const {
    const Marks marks = marksOf(text, trusted);
    const bool allKnown =
        std::all_of(marks.tokens.begin(), marks.tokens.end(), [&](const Mark& mark) { return isKnown(*mark.token); });
    if (allKnown && marks.cuts.empty()) {  // nothing to be careful about
        const auto more = m_tokenizer->encode(text, TextTrust::Trusted, !ids.empty());
        if (!more) return more.error();
        size_t next = 0;
        for (const int32_t id : *more) {
            if (!m_tokenizer->isSpecial(id)) continue;
            if (next == marks.tokens.size() || marks.tokens[next++].token->id != id) return cannotEncode();
        }
        if (next != marks.tokens.size()) return cannotEncode();
        ids.insert(ids.end(), more->begin(), more->end());
        return {};
    }
    size_t begin = 0, cut = 0;
    const Special* before = nullptr;
    for (size_t i = 0; i <= marks.tokens.size(); ++i) {
        const size_t end = i < marks.tokens.size() ? marks.tokens[i].begin : text.size();
        std::vector<size_t> cuts;
        for (; cut < marks.cuts.size() && marks.cuts[cut] < end; ++cut)
            if (marks.cuts[cut] > begin) cuts.push_back(marks.cuts[cut] - begin);
        if (auto ok = appendRun(text.substr(begin, end - begin), cuts, before, ids); !ok) return ok;
        if (i == marks.tokens.size()) break;
        before = marks.tokens[i].token;
        ids.push_back(before->id);
        begin = end + before->name.size();
    }
    return {};
}

Result<std::vector<int32_t>> ChatFormat::encode(const RenderedChat& parts,
                                                std::span<const ChatMessage> messages) const {
    std::vector<int32_t> ids;
    std::string text;
    std::vector<bool> trusted;
    for (size_t i = 0; i <= parts.size(); ++i) {
        const int32_t message = i < parts.size() ? parts[i].message : -1;
        const bool asWritten = message >= 0 && !messages[static_cast<size_t>(message)].ids.empty();
        if (i == parts.size() || asWritten) {
            if (auto ok = appendText(text, trusted, ids); !ok) return ok.error();
            text.clear();
            trusted.clear();
        }
        if (i == parts.size()) break;
        if (asWritten) {
            const std::vector<int32_t>& written = messages[static_cast<size_t>(message)].ids;
            ids.insert(ids.end(), written.begin(), written.end());
        } else {
            text += parts[i].text;
            trusted.resize(text.size(), parts[i].trusted);
        }
    }
    const int32_t bos = m_tokenizer->addsBos() ? m_tokenizer->bosId() : -1;
    if (bos >= 0 && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);
    return ids;
}

}  // namespace spanscope
