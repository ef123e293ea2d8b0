// Any stream of tokens through the span tracker: lists stay sorted, disjoint and inside the sequence.
#include <algorithm>

#include "engine/span/tracker.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

namespace {

PieceIds pieces() {
    PieceIds p;
    p.in = 0, p.out = 1, p.colon = 2, p.attend = 3, p.attendEnd = 4, p.local = 5, p.global = 6;
    p.bos = 7, p.eos = 8, p.newline = 9;
    for (int i = 0; i < 10; ++i) p.digits[static_cast<size_t>(i)] = 10 + i;
    return p;
}

void check(const TokenView& view) {
    fuzz::require(view.visible != nullptr && !view.visible->empty());
    int32_t last = -1;
    for (const Interval& i : *view.visible) {
        fuzz::require(i.begin > last && i.end > i.begin);  // sorted, disjoint, not touching
        last = i.end;
    }
    fuzz::require(mayRead(*view.visible, view.position, 0));              // the sink
    fuzz::require(mayRead(*view.visible, view.position, view.position));  // itself
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    SpanPolicy policy;
    policy.prefill = data[0] & 1 ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
    policy.heads = data[0] & 2;
    policy.hasProtocol = !(data[0] & 4);
    policy.maxRefs = 1 + data[1] % 8;
    policy.maxSegmentTokens = 1 + data[1];
    SpanTracker tracker(pieces(), policy);
    const size_t nPrompt = std::min<size_t>(1 + data[2], size - 2);
    std::vector<int32_t> tokens;
    for (size_t i = 2; i < size; ++i) tokens.push_back(data[i] % 24);
    for (const TokenView& view : tracker.consumePrompt(std::span(tokens).first(nPrompt))) check(view);
    for (size_t i = nPrompt; i < tokens.size(); ++i) check(tracker.consume(tokens[i]));
    tracker.finish(StopReason::TokenLimit);
    fuzz::require(tracker.nTokens() == static_cast<int32_t>(tokens.size()));
    return 0;
}
