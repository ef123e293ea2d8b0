#include "engine/span/mask_rule.h"

#include "engine/types/interval_algebra.h"

namespace spanscope {

namespace {

/// Where tags are text: chunks come and go, the rest of the prompt and the response so far stay.
IntervalList readInSection(const SpanState& state) {
    IntervalList list{{0, 1}, {state.response, kOpenEnd}};
    list.insert(list.end(), state.scaffold.begin(), state.scaffold.end());
    if (state.phase == Phase::Focus)
        for (const SpanRef& ref : state.segments[static_cast<size_t>(state.current)].refs)
            if (ref.segment >= 0) list.push_back(ref.tokens);
    return normalised(std::move(list));
}

IntervalList visibleInVocabulary(const SpanState& state) {
    const bool narrows = state.current >= 0 && (state.phase == Phase::Focus || state.phase == Phase::Local);
    const IntervalList list = narrows ? readInSection(state) : IntervalList{{0, kOpenEnd}};
    return state.hidden.empty() ? list : subtract(list, state.hidden);
}

}  // namespace

IntervalList visibleIntervals(const SpanState& state) {
    if (state.policy.vocabulary) return visibleInVocabulary(state);
    IntervalList everything{{0, kOpenEnd}};
    if (state.current < 0) return everything;

    const Segment& own = state.segments[static_cast<size_t>(state.current)];
    IntervalList list{{0, 1}, {own.begin, kOpenEnd}};  // sink and own segment: always
    const auto add = [&list](const IntervalList& more) { list.insert(list.end(), more.begin(), more.end()); };
    const auto addRefs = [&] {
        for (const SpanRef& ref : own.refs)
            if (ref.segment >= 0) list.push_back(ref.tokens);
    };
    switch (state.phase) {
        case Phase::Global:
        case Phase::Free: return everything;
        case Phase::Prompt:
            if (state.policy.prefill == PrefillPolicy::Causal) return everything;
            add(clip(state.scaffold, 0, own.begin));
            break;
        case Phase::Declare:
            add(state.scaffold);
            if (state.previous >= 0) {
                const Segment& previous = state.segments[static_cast<size_t>(state.previous)];
                list.push_back({previous.begin, previous.end});
            }
            if (state.policy.heads) add(state.heads);
            addRefs();
            break;
        case Phase::Focus:
            add(state.scaffold);
            addRefs();
            break;
        case Phase::Close: add(state.scaffold); break;
        case Phase::Local: break;
    }
    return normalised(std::move(list));
}

}  // namespace spanscope
