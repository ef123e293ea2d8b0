#include "app/cli/eval_scores.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "engine/files/decimal.h"
#include "engine/tasks/task.h"
#include "engine/training/news_score.h"

namespace spanscope::cli {
namespace {

double share(int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}
double mean(double sum, int64_t n) { return n > 0 ? sum / static_cast<double>(n) : 0; }

/// Where a file gives only the answer: one line a segment, sources unknown.
std::string responseOfAnswer(const std::string& answer) {
    std::string out;
    size_t label = 0;
    for (size_t i = 0; i < answer.size();) {
        const size_t end = std::min(answer.find('\n', i), answer.size());
        if (end > i)
            out += "<out>" + std::to_string(++label) + "<:><attend></attend>" + answer.substr(i, end - i) + '\n';
        i = end + 1;
    }
    return out;
}

std::optional<NewsScores> scoreProblem(const Problem& problem, const std::string& text) {
    TaskExample reference;
    const auto prompt = findTask("news")->format(problem.typed, nullptr);
    if (!prompt) return std::nullopt;
    reference.prompt = prompt->text;
    reference.response = problem.response.empty() ? responseOfAnswer(problem.answer) : problem.response;
    auto scored = scoreNews(reference, text);
    return scored ? std::optional(std::move(*scored)) : std::nullopt;
}

}  // namespace

nlohmann::ordered_json linesJson(const Problem& problem, const std::string& text) {
    if (problem.task != "news") return nullptr;
    const auto scored = scoreProblem(problem, text);
    if (!scored) return nullptr;
    auto lines = nlohmann::ordered_json::array();
    for (const NewsPointScore& p : scored->perPoint)
        lines.push_back({{"label", p.label},
                         {"text", p.body},
                         {"declared", p.declared},
                         {"valid", p.valid},
                         {"items", p.faith.items},
                         {"supported", p.faith.supported},
                         {"missing", p.faith.missing},
                         {"kept", p.keptShare}});
    return lines;
}

void EvalScores::add(const Problem& problem, const RunData& run, const std::string& text) {
    if (!problem.response.empty()) {
        m_spans += scoreSpans(problem.response, text);
        ++m_withWorked;
    }
    std::set<int32_t> broken;
    for (const ProtocolViolation& v : run.violations) broken.insert(v.segment);
    int64_t article = 0;
    for (const Segment& s : run.segments)
        if (s.kind == SegmentKind::In) article += s.end - s.begin;
    bool headline = problem.task == "news";
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        if (s.kind != SegmentKind::Out) continue;
        ++m_segments;
        m_segmentsValid += broken.contains(static_cast<int32_t>(i)) ? 0 : 1;
        std::set<int32_t> sources;
        int64_t kept = 0;
        for (const SpanRef& ref : s.refs)
            if (ref.kind == SegmentKind::In && ref.segment >= 0 && sources.insert(ref.segment).second)
                kept += ref.tokens.end - ref.tokens.begin;
        if (!headline && article > 0 && !sources.empty()) {
            m_keptSum += share(kept, article);
            ++m_keptN;
        }
        headline = false;
    }
    if (problem.task == "news") addNews(problem, text);
}

void EvalScores::addNews(const Problem& problem, const std::string& text) {
    const auto scored = scoreProblem(problem, text);
    if (!scored) return;
    ++m_news;
    auto addTo = [](Quality& q, const RougeScores& s) {
        q.rouge1 += s.rouge1.f1;
        q.rouge2 += s.rouge2.f1;
        q.rougeL += s.rougeL.f1;
    };
    addTo(m_headline, scored->headline);
    addTo(m_points, scored->points);
    addTo(m_lead, scored->lead);
    for (size_t place = 0; place + 1 < scored->perPoint.size(); ++place) {
        const Faithfulness& faith = scored->perPoint[place + 1].faith;
        if (m_places.size() <= place) m_places.resize(place + 1);
        PlaceScore& sum = m_places[place];
        ++sum.points;
        sum.faithful += faith.supported == faith.items ? 1 : 0;
        sum.items += faith.items;
        sum.supported += faith.supported;
    }
    m_items += scored->items;
    m_supported += scored->itemsSupported;
    m_headlineItems += scored->headlineItems;
    m_headlineSupported += scored->headlineItemsSupported;
    m_sourcesDeclared += scored->sourcesDeclared;
    m_sourcesExpected += scored->sourcesExpected;
    m_sourcesRight += scored->sourcesRight;
}

void EvalScores::toJson(nlohmann::ordered_json& row) const {
    row["segments"] = m_segments;
    row["valid_segments"] = m_segmentsValid;
    row["valid_declarations"] = share(m_segmentsValid, m_segments);
    if (m_keptN > 0) row["kept_fraction"] = mean(m_keptSum, m_keptN);
    if (m_withWorked > 0) {
        row["spans_declared"] = m_spans.declared;
        row["spans_expected"] = m_spans.expected;
        row["spans_right"] = m_spans.right;
        row["span_precision"] = m_spans.precision();
        row["span_recall"] = m_spans.recall();
    }
    if (m_news == 0) return;
    auto quality = [this](const Quality& q) {
        return nlohmann::ordered_json{
            {"rouge1", mean(q.rouge1, m_news)}, {"rouge2", mean(q.rouge2, m_news)}, {"rougeL", mean(q.rougeL, m_news)}};
    };
    row["headline"] = quality(m_headline);
    row["points"] = quality(m_points);
    row["lead_3_same_length"] = quality(m_lead);
    row["items"] = m_items;
    row["items_supported"] = m_supported;
    row["faithfulness"] = share(m_supported, m_items);
    auto places = nlohmann::ordered_json::array();
    for (const PlaceScore& p : m_places)
        places.push_back(
            {{"points", p.points}, {"faithful", p.faithful}, {"items", p.items}, {"supported", p.supported}});
    row["faithfulness_by_place"] = std::move(places);
    row["headline_faithfulness"] = share(m_headlineSupported, m_headlineItems);
    if (m_sourcesExpected > 0) {
        row["source_precision"] = share(m_sourcesRight, m_sourcesDeclared);
        row["source_recall"] = share(m_sourcesRight, m_sourcesExpected);
    }
}

std::string EvalScores::toText(const std::string& attention) const {
    if (m_segments == 0) return {};
    auto percent = [](double x) { return decimal(100 * x, 1) + "%"; };
    std::string out = attention + ": " + std::to_string(m_segments) + " segments, " +
                      percent(share(m_segmentsValid, m_segments)) + " of them valid declarations";
    if (m_withWorked > 0)
        out += "; spans: precision " + percent(m_spans.precision()) + ", recall " + percent(m_spans.recall());
    if (m_keptN > 0) out += "; declared " + percent(mean(m_keptSum, m_keptN)) + " of the context's segments";
    out += '\n';
    if (m_news == 0) return out;
    auto rouge = [this](const Quality& q) {
        return decimal(100 * mean(q.rouge1, m_news), 1) + " / " + decimal(100 * mean(q.rouge2, m_news), 1) + " / " +
               decimal(100 * mean(q.rougeL, m_news), 1);
    };
    out += "  ROUGE-1 / 2 / L: headline " + rouge(m_headline) + ", key points " + rouge(m_points) +
           ", lead-3 of the same length " + rouge(m_lead) + '\n';
    out += "  numbers and names found in the declared sentences: key points " + percent(share(m_supported, m_items)) +
           ", headline " + percent(share(m_headlineSupported, m_headlineItems)) + '\n';
    return out;
}

}  // namespace spanscope::cli
