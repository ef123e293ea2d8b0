#include "engine/reading/run_checks.h"

#include <algorithm>

#include "engine/reading/faithfulness.h"
#include "engine/reading/plain_words.h"
#include "engine/reading/written_step.h"

namespace spanscope {

namespace {

constexpr int32_t kMostProseTokens = 4096;  // of one point, or of one of its sources

std::string equation(const std::string& left, char op, const std::string& right, const std::string& value) {
    return plainOperation(left, op, right) + " = " + plainNumber(value);
}

/// Text of tokens [begin, end) without special pieces, and the token of each byte.
std::string prose(const RunData& run, int32_t begin, int32_t end, std::vector<int32_t>* tokens) {
    std::string text;
    for (int32_t t = begin; t < std::min(end, begin + kMostProseTokens); ++t) {
        const TokenInfo& token = tokenAt(run, t);
        if (token.special) continue;
        text += token.text;
        if (tokens) tokens->resize(text.size(), t);
    }
    for (char& c : text)
        if (c == '\n' || c == '\t' || c == '\r') c = ' ';
    return text;
}

}  // namespace

const char* verdictName(SegmentCheck::Verdict verdict) {
    using Verdict = SegmentCheck::Verdict;
    switch (verdict) {
        case Verdict::Right: return "right";
        case Verdict::WrongValue: return "wrong value";
        case Verdict::WrongOperands: return "wrong operands";
        case Verdict::Carried: return "carried";
        case Verdict::None: break;
    }
    return "";
}

std::string CheckCounts::text() const {
    if (nLines > 0)
        return std::to_string(nRight) + " of " + std::to_string(nLines) +
               (nLines == 1 ? " line right" : " lines right");
    if (nWords > 0)
        return std::to_string(nUnsupported) + " of " + std::to_string(nWords) + " names and numbers not in the sources";
    return {};
}

void RunChecks::clear() { *this = RunChecks(); }

RunChecks RunChecks::of(const RunData& run) {
    RunChecks checks;
    checks.update(run, true);
    return checks;
}

const SegmentCheck* RunChecks::ofSegment(int32_t segment) const {
    const auto it = std::lower_bound(m_segments.begin(), m_segments.end(), segment,
                                     [](const SegmentCheck& c, int32_t s) { return c.segment < s; });
    return it != m_segments.end() && it->segment == segment ? &*it : nullptr;
}

int RunChecks::update(const RunData& run, bool whole) {
    const std::string& task = run.header.settings.task;
    if (!m_begun) {
        m_problem = ArithmeticProblem::read(task, run.header.formattedPrompt);
        m_begun = true;
    }
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    const auto nContext = static_cast<int32_t>(nPrompt + run.steps.size());
    const size_t before = m_segments.size();
    for (; m_next < static_cast<int32_t>(run.segments.size()); ++m_next) {
        const Segment& segment = run.segments[static_cast<size_t>(m_next)];
        const bool closed = segment.end != kOpenEnd && segment.end <= nContext;
        if (!closed && !whole) break;
        if (segment.kind != SegmentKind::Out || segment.begin < nPrompt) continue;
        SegmentCheck check = checkStep(run, m_next);
        if (task == "news" && closed) checkWords(run, check);
        m_segments.push_back(std::move(check));
    }
    return m_segments.size() > before ? static_cast<int>(before) : -1;
}

SegmentCheck RunChecks::checkStep(const RunData& run, int32_t index) {
    using Verdict = SegmentCheck::Verdict;
    SegmentCheck check;
    check.segment = index;
    const Segment& segment = run.segments[static_cast<size_t>(index)];
    const auto step = readWrittenStep(run, index);
    if (!step) return check;
    const auto left = WholeNumber::parse(step->left.text), right = WholeNumber::parse(step->right.text);
    const char op = step->op.text[0];
    const auto exact = left && right ? apply(*left, op, *right) : std::nullopt;
    if (!exact) return check;

    const auto written = [&](const ProblemOperand& operand) -> std::string {
        if (operand.step > 0)
            if (const auto it = m_values.find(operand.step); it != m_values.end()) return it->second;
        return operand.value ? operand.value->text() : std::string();
    };
    const std::string& value = step->value.text;
    ++m_counts.nLines;
    const ProblemStep* wanted = m_problem ? m_problem->step(segment.label) : nullptr;
    const std::string truth = equation(step->left.text, op, step->right.text, exact->text());
    if (m_problem && !wanted) {
        check.verdict = Verdict::WrongOperands;
        check.note = "the problem has no line " + std::to_string(segment.label);
    } else if (wanted && (step->left.text != written(wanted->left) || op != wanted->op ||
                          step->right.text != written(wanted->right))) {
        check.verdict = Verdict::WrongOperands;
        check.note = "should be " + plainOperation(written(wanted->left), wanted->op, written(wanted->right));
        if (value != exact->text()) check.note += "; " + truth;
    } else if (value != exact->text()) {
        check.verdict = Verdict::WrongValue;
        check.note = truth;
    } else if (wanted && wanted->value && value != wanted->value->text()) {
        check.verdict = Verdict::Carried;
        check.note = "true value " + plainNumber(wanted->value->text()) + "; a line that it uses is wrong";
        ++m_counts.nCarried;
    } else {
        check.verdict = Verdict::Right;
        ++m_counts.nRight;
    }
    if (wanted) m_values[segment.label] = value;
    return check;
}

void RunChecks::checkWords(const RunData& run, SegmentCheck& check) {
    const Segment& segment = run.segments[static_cast<size_t>(check.segment)];
    if (segment.bodyBegin < 0 || segment.refs.empty()) return;
    std::vector<std::string> sources;
    for (const SpanRef& ref : segment.refs) {
        if (ref.kind != SegmentKind::In || ref.segment < 0) continue;
        const Segment& source = run.segments[static_cast<size_t>(ref.segment)];
        if (source.bodyBegin < 0) continue;
        sources.push_back(prose(run, source.bodyBegin, writtenTokens(run, source).end, nullptr));
    }
    std::vector<int32_t> tokens;
    const std::string text = prose(run, segment.bodyBegin, writtenTokens(run, segment).end, &tokens);
    const Faithfulness faith = faithfulness(text, sources);
    for (const auto& [begin, end] : faith.places)
        if (begin < end) check.unsupported.push_back({tokens[begin], tokens[end - 1] + 1});
    m_counts.nWords += faith.items;
    m_counts.nUnsupported += faith.items - faith.supported;
}

}  // namespace spanscope
