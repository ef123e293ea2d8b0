// The transcript for people: what was asked, what the model wrote, what it named, what that cost.
#include <algorithm>

#include "engine/files/output_file.h"
#include "engine/files/safe_text.h"
#include "engine/reading/answer_check.h"
#include "engine/reading/plain_reading.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/report_figures.h"
#include "engine/trace/exports/segment_sums.h"

namespace spanscope {

namespace {

/// A fence longer than any run of backticks inside.
std::string fenced(const std::string& raw) {
    const std::string text = withoutControls(raw);
    size_t longest = 0, now = 0;
    for (char c : text) {
        now = c == '`' ? now + 1 : 0;
        longest = std::max(longest, now);
    }
    const std::string fence(std::max<size_t>(3, longest + 1), '`');
    return fence + "text\n" + text + (text.empty() || text.back() != '\n' ? "\n" : "") + fence + "\n";
}

/// For table cells and inline use.
std::string inlineText(const std::string& text) {
    std::string out;
    for (char c : withoutControls(text)) {
        if (c == '\n' || c == '\r') {
            out += ' ';
            continue;
        }
        if (std::string_view("\\`*_{}[]<>#|~$&").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

}  // namespace

Status exportTranscriptMarkdown(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    const RunHeader& h = run.header;
    std::string page =
        "# Spanscope run: " + inlineText(h.settings.task) + ", " + h.settings.attention.text() + " attention\n\n";
    if (!h.warning.empty()) page += "> " + inlineText(h.warning) + "\n\n";
    const AnswerCheck answer = checkAnswer(run);
    const RunChecks checks = RunChecks::of(run);
    const std::string shown = shownAnswer(run);
    page += "**Answer:** " + (shown.empty() ? "none, " + inlineText(stopWords(run.stats)) : inlineText(shown)) +
            (answer.verdict == AnswerCheck::Verdict::Right ? " \u2713" : "") +
            (answer.note.empty() ? "" : " \u2717 (" + inlineText(answer.note) + ")") + "\n\n";
    if (const std::string counts = checks.counts().text(); !counts.empty())
        page += "**Checked:** " + inlineText(counts) + "\n\n";
    page += "## Prompt\n\n" + fenced(h.formattedPrompt) + "\n## Response\n\n";
    std::string text;
    for (const StepRecord& s : run.steps) text += s.token.text;
    if (const std::string plain = plainResponse(run, checks); plain != text)
        page += fenced(plain) + "\nAs the model wrote it:\n\n";
    page += fenced(text) + "\n";

    page +=
        "## Segments\n\n| segment | named | tokens | attended | loaded | causal | check |\n"
        "|---|---|--:|--:|--:|--:|---|\n";
    const auto sums = sumBySegment(run);
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        if (s.kind != SegmentKind::Out) continue;
        page += "| out " + std::to_string(s.label) + " | " + inlineText(refsText(s)) +
                (s.fallback ? " (widened to everything)" : "") + " | " + std::to_string(sums[i].end - s.begin) + " | " +
                std::to_string(sums[i].attended) + " | " + std::to_string(sums[i].loaded) + " | " +
                std::to_string(sums[i].causal) + " | " + inlineText(checkText(run, checks, static_cast<int32_t>(i))) +
                " |\n";
    }
    if (!run.violations.empty()) {
        page += "\n## Violations of the protocol\n\n";
        for (const ProtocolViolation& v : run.violations)
            page += "- position " + std::to_string(v.position) + ": " + inlineText(violationName(v.kind)) + "; " +
                    inlineText(v.effect) + "\n";
    }
    page += "\n## Figures\n\n| figure | value | meaning |\n|---|--:|---|\n";
    for (const Figure& f : reportFigures(run)) page += "| " + f.name + " | " + f.value + " | " + f.meaning + " |\n";
    page += "\n## Where this comes from\n\n";
    for (const auto& [name, value] : provenance(run)) page += "- " + name + ": " + inlineText(value) + "\n";
    return writeFile(path, page);
}

}  // namespace spanscope
