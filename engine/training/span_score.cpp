#include "engine/training/span_score.h"

#include <map>
#include <set>
#include <utility>

#include "engine/tasks/news/news_text.h"

namespace spanscope {
namespace {

using Refs = std::set<std::pair<bool, int64_t>>;

std::map<int64_t, Refs> declarations(std::string_view response, int64_t& lines) {
    std::map<int64_t, Refs> byLabel;
    for (const NewsLine& line : parseNewsResponse(response, INT64_MAX)) {
        if (line.label < 0) continue;
        ++lines;
        Refs& refs = byLabel[line.label];
        refs.clear();  // a label used again: the newer segment wins, as in the protocol
        for (const NewsRef& ref : line.refs) refs.emplace(ref.in, ref.label);
    }
    return byLabel;
}

}  // namespace

SpanScores& SpanScores::operator+=(const SpanScores& other) {
    lines += other.lines;
    expectedLines += other.expectedLines;
    declared += other.declared;
    expected += other.expected;
    right += other.right;
    return *this;
}

SpanScores scoreSpans(std::string_view workedResponse, std::string_view response) {
    SpanScores s;
    const auto wanted = declarations(workedResponse, s.expectedLines), found = declarations(response, s.lines);
    for (const auto& [label, refs] : wanted) s.expected += static_cast<int64_t>(refs.size());
    for (const auto& [label, refs] : found) {
        s.declared += static_cast<int64_t>(refs.size());
        const auto it = wanted.find(label);
        if (it == wanted.end()) continue;
        for (const auto& ref : refs) s.right += it->second.contains(ref) ? 1 : 0;
    }
    return s;
}

}  // namespace spanscope
