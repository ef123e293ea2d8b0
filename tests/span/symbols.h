// Token streams as strings, one character a token, so that a test can be read:
// I <in>  O <out>  : <:>  A <attend>  E </attend>  L <local>  G <global>  $ eos  ^ bos, digits, newline, letters text.
#pragma once

#include <string>
#include <vector>

#include "engine/span/tracker.h"

namespace spanscope::test {

inline PieceIds symbolPieces() {
    PieceIds p;
    p.in = 'I';
    p.out = 'O';
    p.colon = ':';
    p.attend = 'A';
    p.attendEnd = 'E';
    p.local = 'L';
    p.global = 'G';
    p.bos = '^';
    p.eos = '$';
    p.newline = '\n';
    for (int i = 0; i < 10; ++i) p.digits[static_cast<size_t>(i)] = '0' + i;
    return p;
}

inline std::vector<int32_t> ids(const std::string& s) { return {s.begin(), s.end()}; }

struct Tracked {
    std::vector<TokenView> views;  ///< prompt and response, by position
    std::vector<Segment> segments;
    std::vector<ProtocolViolation> violations;
};

inline Tracked track(const std::string& prompt, const std::string& response, const SpanPolicy& policy) {
    SpanTracker tracker(symbolPieces(), policy);
    Tracked r;
    r.views = tracker.consumePrompt(ids(prompt));
    for (char c : response) r.views.push_back(tracker.consume(c));
    r.segments = tracker.segments();
    r.violations = tracker.violations();
    return r;
}

/// '1' where the query at `position` may read, one character a key up to the position.
inline std::string reach(const TokenView& v) {
    std::string s;
    for (int32_t k = 0; k <= v.position; ++k) s += mayRead(*v.visible, v.position, k) ? '1' : '0';
    return s;
}

}  // namespace spanscope::test
