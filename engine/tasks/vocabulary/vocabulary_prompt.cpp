#include "engine/tasks/vocabulary/vocabulary_prompt.h"

#include <algorithm>

#include "engine/tasks/vocabulary/segmenter.h"

namespace spanscope {

namespace {

constexpr std::string_view kDocument = "{document}", kQuestion = "{question}", kNumber = "{number}";

std::string filled(std::string_view text, std::string_view place, const std::string& value) {
    const size_t at = text.find(place);
    if (at == std::string_view::npos) return std::string(text);
    return std::string(text.substr(0, at)) + value + std::string(text.substr(at + place.size()));
}

/// Appends the chunks with their headings; says where each stands in `text`.
void appendChunks(const ChunkRules& rules, std::span<const std::string_view> chunks, std::string& text,
                  std::vector<ChunkText>* places) {
    for (size_t i = 0; i < chunks.size(); ++i) {
        const std::string number = std::to_string(i + 1);
        const size_t begin = text.size();
        text += filled(rules.heading, kNumber, number);
        text += chunks[i];
        text += filled(rules.ending, kNumber, number);
        if (places) places->push_back({static_cast<int64_t>(i) + 1, begin, text.size()});
    }
}

/// The question's text with document and question filled in, in whichever order they stand there.
std::string message(const TaughtVocabulary& v, std::span<const std::string_view> chunks, const std::string& question,
                    std::vector<ChunkText>* places) {
    std::string text;
    for (size_t at = 0; at < v.question.size();) {
        const std::string_view rest = std::string_view(v.question).substr(at);
        if (rest.starts_with(kDocument)) {
            appendChunks(v.chunks, chunks, text, places);
            at += kDocument.size();
        } else if (rest.starts_with(kQuestion)) {
            text += question;
            at += kQuestion.size();
        } else {
            text += v.question[at++];
        }
    }
    return text;
}

}  // namespace

Result<TaughtQuestion> teach(const TaughtVocabulary& v, const std::string& typed, const std::string& system,
                             const Tokenizer& tokenizer) {
    std::string_view document, question = strip(typed);
    if (v.hasChunks) {
        if (const size_t blank = question.rfind("\n\n"); blank != std::string_view::npos) {
            document = question.substr(0, blank + 2);
            question = strip(question.substr(blank + 2));
        }
    }
    if (question.empty()) return invalidArgument("there is no question", "empty text", "a question");
    if (v.question.empty())
        return invalidArgument("this vocabulary has no prompt that teaches it; use the task text", v.tags->name,
                               "\"prompt\" in its file");

    TaughtQuestion taught;
    const std::string& told = system.empty() ? v.system : system;
    if (!told.empty()) taught.messages.push_back({ChatRole::System, told, {}});
    for (const TaughtExample& example : v.examples) {
        const std::vector<std::string_view> chunks(example.document.begin(), example.document.end());
        taught.messages.push_back({ChatRole::User, message(v, chunks, example.question, nullptr), {}});
        taught.messages.push_back({ChatRole::Assistant, example.answer, {}});
    }
    std::vector<std::string_view> chunks;
    if (!strip(document).empty()) {
        const auto ends = TokenEnds::of(document, tokenizer);
        if (!ends) return ends.error();
        chunks = cutIntoChunks(document, *ends, v.chunks.targetTokens, v.chunks.mostTokens);
    }
    std::string text = message(v, chunks, std::string(question), &taught.chunks);
    // A template may strip a message, which would move the chunks.
    const size_t before = text.size() - stripStart(text).size();
    text = std::string(strip(text));
    for (ChunkText& chunk : taught.chunks) {
        chunk.begin = std::min(text.size(), chunk.begin - std::min(chunk.begin, before));
        chunk.end = std::min(text.size(), chunk.end - std::min(chunk.end, before));
    }
    taught.messages.push_back({ChatRole::User, std::move(text), {}});
    return taught;
}

Result<std::vector<PromptChunk>> chunksAmong(std::span<const int32_t> ids, std::string_view text,
                                             std::span<const ChunkText> chunks, const Tokenizer& tokenizer) {
    std::vector<PromptChunk> found;
    for (const ChunkText& chunk : chunks) found.push_back({chunk.number, -1, -1});
    size_t at = 0, current = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
        const std::string name = tokenizer.pieceName(ids[i]), bytes = tokenizer.pieceBytes(ids[i]);
        const std::string_view rest = text.substr(at);
        size_t n = 0;
        if (rest.starts_with(bytes)) n = bytes.size();
        else if (at == 0 && bytes.starts_with(' ') && rest.starts_with(std::string_view(bytes).substr(1)))
            n = bytes.size() - 1;  // the space that some vocabularies put before every text
        else
            return Error{ErrorCode::Unsupported,
                         "the tokens of the prompt do not spell it, so that no chunk can be found"};
        // A control token that the template wrote; one put before every text is not part of it.
        if (n == 0 && tokenizer.isControl(ids[i]) && rest.starts_with(name)) n = name.size();
        const size_t end = at + n;
        while (current < chunks.size() && chunks[current].end < end) ++current;
        if (n > 0 && current < chunks.size() && at >= chunks[current].begin && end <= chunks[current].end) {
            if (found[current].begin < 0) found[current].begin = static_cast<int32_t>(i);
            found[current].end = static_cast<int32_t>(i) + 1;
        }
        at = end;
    }
    if (at != text.size())
        return Error{ErrorCode::Unsupported, "the tokens of the prompt do not spell it, so that no chunk can be found"};
    int32_t last = 0;  // a chunk whose every token is shared has none
    for (PromptChunk& chunk : found) {
        if (chunk.begin < 0) chunk.begin = chunk.end = last;
        last = chunk.end;
    }
    return found;
}

}  // namespace spanscope
