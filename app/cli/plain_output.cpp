#include "app/cli/plain_output.h"

#include <algorithm>

#include "app/cli/terminal.h"
#include "engine/reading/answer_check.h"
#include "engine/reading/plain_reading.h"
#include "engine/reading/plain_words.h"
#include "engine/reading/written_step.h"

namespace spanscope::cli {

namespace {

Style styleOf(const PlainPiece& piece, const TokenInfo* token) {
    switch (piece.role) {
        case PlainRole::Quiet: return Style::Quiet;
        case PlainRole::Source:
        case PlainRole::Mark: return Style::Span;
        case PlainRole::Unsupported: return Style::Doubtful;
        case PlainRole::Right: return Style::Good;
        case PlainRole::Wrong: return Style::Bad;
        default: return token && token->special ? Style::Span : Style::None;
    }
}

/// "Answer: −95 ✓", or why there is none.
bool printAnswer(const RunData& run) {
    const AnswerCheck check = checkAnswer(run);
    const std::string answer = shownAnswer(run);
    if (answer.empty()) return printStyled(Style::Doubtful, "No answer: " + stopWords(run.stats)) && printData("\n");
    bool ok = printData("Answer: ") && printStyled(Style::Strong, plainNumber(answer));
    using Verdict = AnswerCheck::Verdict;
    if (check.verdict == Verdict::Right) ok = ok && printData(" ") && printStyled(Style::Good, "\u2713");
    if (check.verdict == Verdict::Wrong)
        ok = ok && printData(" ") && printStyled(Style::Bad, "\u2717 exact value " + plainNumber(check.exact));
    if (check.verdict == Verdict::Unknown) ok = ok && printData(" ") && printStyled(Style::Doubtful, "(not checked)");
    return ok && printData("\n");
}

}  // namespace

bool hasPlainReading(const RunData& run) {
    const std::string& task = run.header.settings.task;
    return run.header.hasProtocol && (task == "expression" || task == "sheet" || task == "news");
}

bool PlainStream::write(const RunData& run) {
    const StepRecord& last = run.steps.back();
    if (run.segments.size() == m_nSegments && last.phase != Phase::Close && last.segment >= 0) return true;
    m_nSegments = run.segments.size();
    return writeUpTo(run, false);
}

bool PlainStream::writeUpTo(const RunData& run, bool whole) {
    m_checks.update(run, whole);
    PlainReader reader(run, m_checks, Reading::Plain);
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    const auto nContext = static_cast<int32_t>(nPrompt + run.steps.size());
    bool ok = true;
    for (m_next = std::max(m_next, nPrompt); ok && m_next < nContext;) {
        const PlainBlock block = reader.at(m_next);
        if (!block.complete && !whole) break;
        m_next = block.tokens.end;
        if (block.startsLine && m_inLine) ok = printData("\n");
        m_inLine = true;
        bool marks = false;
        const auto textOf = [&](const PlainPiece& p) {
            const bool ofToken = p.role == PlainRole::Token || p.role == PlainRole::Unsupported;
            return p.role == PlainRole::Working ? std::string() : ofToken ? tokenAt(run, p.first).text : p.text;
        };
        size_t end = block.pieces.size();  // of a segment's line, without what is blank at its end
        while (block.segment >= 0 && end > 0 &&
               textOf(block.pieces[end - 1]).find_first_not_of(" \n") == std::string::npos)
            --end;
        for (size_t i = 0; ok && i < end; ++i) {
            const PlainPiece& p = block.pieces[i];
            const bool ofToken = p.role == PlainRole::Token || p.role == PlainRole::Unsupported;
            std::string text = textOf(p);
            if (p.role == PlainRole::Mark) text = (marks ? ", " : " [") + text;
            else if (marks) ok = printData("]");
            marks = p.role == PlainRole::Mark;
            ok = ok && printStyled(styleOf(p, ofToken ? &tokenAt(run, p.first) : nullptr), text);
        }
        if (marks) ok = ok && printData("]");
        if (block.segment < 0) m_inLine = !tokenAt(run, m_next - 1).text.ends_with('\n');
    }
    return ok && flushData();
}

bool PlainStream::finish(const RunData& run) {
    bool ok = writeUpTo(run, true);
    if (m_inLine) ok = ok && printData("\n");
    const std::string& task = run.header.settings.task;
    if (task != "news" || shownAnswer(run).empty()) ok = ok && printAnswer(run);
    return ok && flushData();
}

}  // namespace spanscope::cli
