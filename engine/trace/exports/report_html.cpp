// The report: one page that works from a mail attachment. Everything is inside it; without scripts the transcript,
// the tables and the mask image still stand.
#include <algorithm>

#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/files/safe_text.h"
#include "engine/reading/answer_check.h"
#include "engine/reading/plain_reading.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/report_figures.h"
#include "engine/trace/exports/report_page.h"
#include "engine/trace/exports/segment_sums.h"
#include "engine/trace/exports/step_time_svg.h"
#include "engine/trace/trace_json.h"
#include "engine/types/segment_name.h"
#include "engine/types/speed_up.h"

namespace spanscope {

namespace {

using trace::OutJson;

std::string escaped(const std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (char c : withoutControls(text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string base64(const std::string& bytes) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        const size_t n = std::min<size_t>(3, bytes.size() - i);
        for (size_t k = 0; k < 3; ++k) group = (group << 8) | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[(group >> (18 - 6 * k)) & 63U] : '=';
    }
    return out;
}

/// What the script needs, with "<" written so that no text can end the script element.
std::string embedded(const RunData& run) {
    OutJson masks = OutJson::array(), steps = OutJson::array(), segments = OutJson::array();
    const IntervalList* last = nullptr;
    int64_t maskId = -1;
    for (const StepRecord& s : run.steps) {
        if (s.visible.get() != last) {
            OutJson list = OutJson::array();
            for (const Interval& i : *s.visible) list.push_back({i.begin, i.end == kOpenEnd ? -1 : i.end});
            masks.push_back(std::move(list));
            ++maskId;
            last = s.visible.get();
        }
        steps.push_back({maskId, phaseName(s.phase), s.segment, s.attended, s.loaded, s.wallNs});
    }
    for (const Segment& s : run.segments)
        segments.push_back({segmentName(s), static_cast<int>(s.kind), s.begin, s.end == kOpenEnd ? -1 : s.end});
    const std::string json = trace::toLine({{"nPrompt", run.header.prompt.size()},
                                            {"masks", std::move(masks)},
                                            {"steps", std::move(steps)},
                                            {"segments", std::move(segments)}});
    std::string out;
    for (char c : json) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
    return out;
}

std::string tokenSpan(const TokenInfo& token, bool isStep) {
    const std::string classes = std::string("t") + (isStep ? " s" : "") + (token.special ? " chip" : "");
    return "<span class=\"" + classes + "\">" + escaped(token.text) + "</span>";
}

std::string transcript(const RunData& run) {
    std::string out = "<div class=\"text\" id=\"text\"><h3>Prompt</h3>";
    for (const TokenInfo& t : run.header.prompt) out += tokenSpan(t, false);
    out += "<h3>Response</h3>";
    for (const StepRecord& s : run.steps) out += tokenSpan(s.token, true);
    return out + "</div>\n<p id=\"state\"></p>\n";
}

/// The response in plain words; empty where it is that already.
std::string plainWords(const RunData& run, const RunChecks& checks) {
    std::string raw;
    for (const StepRecord& s : run.steps) raw += s.token.text;
    if (plainResponse(run, checks) == raw) return {};
    const std::string text = plainResponse(run, checks, [](const PlainPiece& piece, const std::string& words) {
        const char* kind = nullptr;
        switch (piece.role) {
            case PlainRole::Quiet: kind = "quiet"; break;
            case PlainRole::Right: kind = "right"; break;
            case PlainRole::Wrong: kind = "wrong"; break;
            case PlainRole::Unsupported: kind = "unsupported"; break;
            case PlainRole::Source:
            case PlainRole::Mark: kind = "source"; break;
            default: break;
        }
        std::string title;
        if (piece.role == PlainRole::Unsupported) title = " title=\"" + escaped(piece.tip) + "\"";
        return kind ? "<span class=\"" + std::string(kind) + "\"" + title + ">" + escaped(words) + "</span>"
                    : escaped(words);
    });
    return "<h2>In plain words</h2>\n<div class=\"text plain\">" + text + "</div>\n";
}

std::string answerLine(const RunData& run) {
    const AnswerCheck check = checkAnswer(run);
    const std::string answer = shownAnswer(run);
    const bool right = check.verdict == AnswerCheck::Verdict::Right,
               wrong = check.verdict == AnswerCheck::Verdict::Wrong;
    return "<p class=\"answer\">" +
           (answer.empty() ? "No answer: " + escaped(stopWords(run.stats)) : "Answer: <b>" + escaped(answer) + "</b>") +
           (right ? " <span class=\"right\">\u2713</span>" : "") +
           (check.note.empty()
                ? ""
                : " <span class=\"wrong\">" + std::string(wrong ? "\u2717 " : "") + escaped(check.note) + "</span>") +
           "</p>\n";
}

std::string cards(const RunData& run, const RunData* dense) {
    std::string out = "<div class=\"cards\">";
    auto card = [&](const std::string& name, const std::string& value, const std::string& note) {
        out += "<div class=\"card\"><span>" + escaped(name) + "</span><b>" + escaped(value) + "</b><small>" +
               escaped(note) + "</small></div>";
    };
    const RunStats& s = run.stats;
    const std::string rate = decimal(s.decodeTokensPerS(), 0) + " t/s";
    card("Decode", rate,
         dense ? "dense: " + decimal(dense->stats.decodeTokensPerS(), 0) + " t/s" : "first to last token");
    if (const SpeedUp up = dense ? speedUp(run, *dense) : SpeedUp{}; up.factor > 0)
        card("Speed-up", decimal(up.factor, 2) + "x",
             up.sameLength() ? "against dense, same engine" : "against dense, " + up.note());
    card("Attended", decimal(100 * s.attendedFraction(), 1) + " %", "of what causal attention allows");
    card("Loaded", decimal(100 * s.loadedFraction(), 1) + " %", "in whole pages of 16 tokens, mean over layers");
    card("First token", decimal(static_cast<double>(s.ttftNs) * 1e-6, 1) + " ms", "loading excluded");
    card("Response", std::to_string(run.steps.size()) + " tokens",
         std::to_string(s.markupTokens) + " of them span markup");
    return out + "</div>\n";
}

std::string segmentTable(const RunData& run, const RunChecks& checks) {
    std::string rows;
    const auto sums = sumBySegment(run);
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        if (s.kind != SegmentKind::Out) continue;
        std::string text;
        for (int32_t p = std::max(s.begin, nPrompt); p < sums[i].end; ++p) {
            const size_t step = static_cast<size_t>(p - nPrompt);
            if (step >= run.steps.size() || s.bodyBegin < 0 || p < s.bodyBegin) continue;
            text += run.steps[step].token.special ? " \u00b7 " : run.steps[step].token.text;
        }
        rows += "<tr data-step=\"" + std::to_string(std::max(0, s.begin - nPrompt)) + "\"><td>" +
                escaped(segmentName(s)) + "</td><td>" + escaped(refsText(s)) +
                (s.fallback ? " <em>widened to everything</em>" : "") + "</td><td>" + escaped(text) + "</td>";
        for (int64_t n : {int64_t{sums[i].end - s.begin}, sums[i].attended, sums[i].loaded, sums[i].causal})
            rows += "<td class=\"n\">" + std::to_string(n) + "</td>";
        rows += "<td class=\"n\">" + std::to_string(sums[i].nViolations) + "</td><td>" +
                escaped(checkText(run, checks, static_cast<int32_t>(i))) + "</td></tr>\n";
    }
    if (rows.empty()) return {};
    return "<h2>Segments</h2>\n<div class=\"wrap\"><table><thead><tr><th>segment</th><th>named</th><th>text</th>"
           "<th class=\"n\">tokens</th><th class=\"n\">attended</th><th class=\"n\">loaded</th><th "
           "class=\"n\">causal</th>"
           "<th class=\"n\">violations</th><th>check</th></tr></thead><tbody>\n" +
           rows + "</tbody></table></div>\n";
}

std::string violations(const RunData& run) {
    if (run.violations.empty()) return {};
    std::string out =
        "<h2>Violations of the protocol</h2>\n<div class=\"wrap\"><table><thead><tr><th class=\"n\">position"
        "</th><th>what</th><th>effect</th></tr></thead><tbody>\n";
    for (const ProtocolViolation& v : run.violations)
        out += "<tr><td class=\"n\">" + std::to_string(v.position) + "</td><td>" + escaped(violationName(v.kind)) +
               "</td><td>" + escaped(v.effect) + "</td></tr>\n";
    return out + "</tbody></table></div>\n";
}

std::string figures(const RunData& run, const RunData* dense) {
    const auto mine = reportFigures(run);
    const auto other = dense ? reportFigures(*dense) : std::vector<Figure>();
    std::string out = "<h2>Figures</h2>\n<div class=\"wrap\"><table><thead><tr><th>figure</th><th class=\"n\">" +
                      escaped(run.header.settings.attention.text()) + "</th>" +
                      (dense ? "<th class=\"n\">dense</th>" : "") + "<th>meaning</th></tr></thead><tbody>\n";
    for (size_t i = 0; i < mine.size(); ++i) {
        out += "<tr><td>" + escaped(mine[i].name) + "</td><td class=\"n\">" + escaped(mine[i].value) + "</td>";
        if (dense) out += "<td class=\"n\">" + escaped(other[i].value) + "</td>";
        out += "<td>" + escaped(mine[i].meaning) + "</td></tr>\n";
    }
    out += "</tbody></table></div>\n<h2>Where this comes from</h2>\n<div class=\"wrap\"><table><tbody>\n";
    for (const auto& [name, value] : provenance(run))
        out += "<tr><td>" + escaped(name) + "</td><td>" + escaped(value) + "</td></tr>\n";
    return out + "</tbody></table></div>\n";
}

std::string maskFigure(const RunData& run, const std::string& maskPng) {
    std::string out =
        "<h2>What each step attended to</h2>\n<figure><canvas id=\"mask\" role=\"img\" aria-label=\"Mask: one row "
        "for each step, one column for each context position; the figures of each step are in the line "
        "above\"></canvas>";
    if (!maskPng.empty())
        out +=
            "<noscript><img alt=\"Mask of the run\" src=\"data:image/png;base64," + base64(maskPng) + "\"></noscript>";
    out += "<figcaption>";
    const auto key = [&out](const std::string& name, const std::string& words) {
        out += "<span class=\"key\"><i class=\"k-" + name + "\"></i>" + words + "</span>";
    };
    for (const Phase phase : {Phase::Declare, Phase::Global, Phase::Focus, Phase::Local, Phase::Close, Phase::Free})
        if (std::any_of(run.steps.begin(), run.steps.end(), [phase](const auto& s) { return s.phase == phase; }))
            key(phaseName(phase), std::string("attended: ") + phaseName(phase));
    key("loaded", "loaded with its page");
    key("notread", "not read");
    key("future", "future");
    return out +
           "Rows: query (this step), downward. "
           "Columns: key (what it may attend to), position 0 at the left. Zoomed out, an attended position is never "
           "hidden."
           "</figcaption></figure>\n";
}

}  // namespace

Status exportReportHtml(const ExportSource& source, const std::string& path, const ExportTools& tools) {
    const RunData& run = *source.run;
    const RunData* maybeDense = source.other;
    const std::string maskPng = tools.maskPng ? tools.maskPng(run) : std::string();
    const RunHeader& h = run.header;
    const std::string mode = h.settings.attention.text();
    std::string title = h.settings.promptText.empty() ? h.settings.task : h.settings.promptText;
    if (const size_t newline = title.find('\n'); newline != std::string::npos)
        title = title.substr(0, newline) + " ...";
    if (title.size() > 120) {
        size_t cut = 117;
        while (cut > 0 && (static_cast<unsigned char>(title[cut]) & 0xC0U) == 0x80U) --cut;  // not inside a character
        title = title.substr(0, cut) + "...";
    }

    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
        "<meta name=\"generator\" content=\"Spanscope\"><title>" +
        escaped(title) + " - Spanscope</title>\n<style>");
    file->write(trace::kReportStyle);
    file->write("</style></head><body><main>\n<header><h1>" + escaped(title) + "</h1><p>" + escaped(h.modelName) +
                ", task " + escaped(h.settings.task) + ", " + escaped(mode) + " attention, " + escaped(h.device) +
                "</p></header>\n");
    if (!h.warning.empty()) file->write("<p class=\"warning\">" + escaped(h.warning) + "</p>\n");
    const RunChecks checks = RunChecks::of(run);
    file->write(answerLine(run));
    if (const std::string counts = checks.counts().text(); !counts.empty())
        file->write("<p class=\"hint\">Checked: " + escaped(counts) + "</p>\n");
    file->write(cards(run, maybeDense));
    file->write(plainWords(run, checks));
    file->write("<h2>Transcript</h2>\n" + transcript(run));
    file->write(maskFigure(run, maskPng));
    if (const std::string svg = stepTimeSvg(run, maybeDense); !svg.empty())
        file->write("<h2>Time of a step against context length</h2>\n<figure>" + svg +
                    "<figcaption>Wall time of a decode step, mean of 16 neighbours. " +
                    (maybeDense ? "Both runs are the same engine and weights, timed in slices of their own." : "") +
                    "</figcaption></figure>\n");
    file->write(segmentTable(run, checks));
    file->write(violations(run));
    file->write(figures(run, maybeDense));
    file->write("<script type=\"application/json\" id=\"run\">" + embedded(run) + "</script>\n<script>");
    file->write(trace::kReportScript);
    file->write("</script></main></body></html>\n");
    return file->commit();
}

}  // namespace spanscope
