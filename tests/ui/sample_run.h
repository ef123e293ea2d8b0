// Runs for tests of the window: shaped as the engine records them (protocol phases, interval lists shared by the
// steps of a phase, segments, references), made up, with a tiny model of time. Never shown to a user.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "engine/types/probe.h"
#include "engine/types/records.h"

namespace spanscope::sample {

/// Grows a run token by token, keeping lists and counts as the engine would.
class Builder {
  public:
    explicit Builder(const MaskPolicySpec& attention, int64_t runId = 1) {
        run.header.runId = runId;
        run.header.settings.attention = attention;
        run.header.settings.task = "sheet";
        run.header.modelName = "sample";
        run.header.backend = "cpu";
        run.header.device = "test";
        run.header.nLayers = 4;
        run.header.nHeads = 4;
        run.header.nKvHeads = 2;
        run.header.kvType = "F32";
        run.header.weightBytesPerStep = 1'024'000;
        run.header.prefill = PrefillPolicy::Segmented;
        run.stats.kvBytesPerToken = 1024;
    }

    int position() const { return int(run.header.prompt.size() + run.steps.size()); }

    void prompt(const std::string& text, bool special = false) {
        run.header.prompt.push_back({int32_t(run.header.prompt.size()), text, special});
        run.header.promptVisible.push_back(nullptr);
    }
    int open(SegmentKind kind, int64_t label) {
        Segment s;
        s.kind = kind;
        s.label = label;
        s.begin = position();
        run.segments.push_back(s);
        return int(run.segments.size()) - 1;
    }
    void close(int segment) { run.segments[size_t(segment)].end = position(); }

    /// One decoded token that reads `parts` (any order, may touch), its own segment open at the end.
    void step(const std::string& text, Phase phase, int segment, std::vector<Interval> parts, bool special = false) {
        StepRecord r;
        r.index = int32_t(run.steps.size());
        r.position = position();
        r.token = {r.index % 100, text, special};
        r.segment = segment;
        r.phase = phase;
        if (run.header.settings.attention == MaskPolicySpec::dense()) parts = {{0, kOpenEnd}};
        std::sort(parts.begin(), parts.end(), [](auto a, auto b) { return a.begin < b.begin; });
        IntervalList list;
        for (const Interval& p : parts) {
            if (p.begin >= p.end) continue;
            if (!list.empty() && p.begin <= list.back().end) list.back().end = std::max(list.back().end, p.end);
            else list.push_back(p);
        }
        if (!m_last || *m_last != list) m_last = std::make_shared<const IntervalList>(list);
        r.visible = m_last;
        r.attended = attendedTokens(list, r.position);
        r.loaded = loadedTokens(list, r.position);
        r.causal = r.position + 1;
        r.deviceNs = 400'000 + 300 * r.loaded + (r.index * 7919 % 13) * 9'000;
        r.wallNs = r.deviceNs + 40'000;
        m_clock += r.wallNs;
        r.atNs = m_clock;
        r.logprob = -0.01f * float(r.index % 7);
        run.stats.attendedTokens += r.attended;
        run.stats.loadedTokens += r.loaded;
        run.stats.causalTokens += r.causal;
        run.steps.push_back(r);
        run.stats.responseTokens = int(run.steps.size());
        run.stats.decodeNs = m_clock;
    }

    RunData run;

  private:
    SharedIntervals m_last;
    int64_t m_clock = 0;
};

inline std::string digits(int n) { return std::to_string(n); }

/// A sheet of nLines; line k uses one or two earlier lines. bodyTokens: local digits after each value.
inline RunData sheet(int nLines, const MaskPolicySpec& attention = MaskPolicySpec::declared(), int bodyTokens = 10,
                     unsigned seed = 7) {
    std::mt19937 random(seed);
    Builder b(attention);
    b.prompt("<bos>", true);
    const int scaffold = b.open(SegmentKind::Scaffold, -1);
    b.run.segments[size_t(scaffold)].begin = 0;
    for (const char* t : {"sheet", " "}) b.prompt(t);
    for (const char c : digits(nLines)) b.prompt(std::string(1, c));
    b.prompt("\n");
    b.close(scaffold);
    const Interval scaffoldTokens{0, b.position()};
    std::map<int, Interval> lines;
    std::map<int, std::vector<int>> uses;
    std::vector<int> in(size_t(nLines) + 1);
    for (int k = 1; k <= nLines; ++k) {
        const int s = b.open(SegmentKind::In, k);
        in[size_t(k)] = s;
        b.prompt("<in>", true);
        for (const char c : digits(k)) b.prompt(std::string(1, c));
        b.prompt("<:>", true);
        b.run.segments[size_t(s)].bodyBegin = b.position();
        if (k > 1) uses[k].push_back(1 + int(random() % unsigned(k - 1)));
        if (k > 3 && random() % 2) uses[k].push_back(k - 1 - int(random() % 2));
        std::sort(uses[k].begin(), uses[k].end());
        uses[k].erase(std::unique(uses[k].begin(), uses[k].end()), uses[k].end());
        for (const int u : uses[k]) {
            b.prompt("$");
            for (const char c : digits(u)) b.prompt(std::string(1, c));
            b.prompt("+");
        }
        for (const char c : digits(11 + int(random() % 80))) b.prompt(std::string(1, c));
        b.prompt("\n");
        b.close(s);
        lines[k] = {b.run.segments[size_t(s)].begin, b.position()};
    }
    b.run.stats.promptTokens = b.position();
    b.run.stats.prefillNs = 1'000'000LL * b.position();
    b.run.stats.ttftNs = b.run.stats.prefillNs + 2'000'000;
    std::map<int, std::pair<int, Interval>> outs;
    Interval previous{0, 0};
    for (int k = 1; k <= nLines; ++k) {
        const int s = b.open(SegmentKind::Out, k);
        const Interval own{b.position(), kOpenEnd}, sink{0, 1};
        std::vector<Interval> seen{sink, scaffoldTokens, previous, own};
        const auto say = [&](const std::string& t, Phase p, const std::vector<Interval>& v, bool special = false) {
            b.step(t, p, s, v, special);
        };
        const auto markup = [&](const std::string& t) {
            say(t, Phase::Declare, seen, true);
            ++b.run.stats.markupTokens;
        };
        markup("<out>");
        for (const char c : digits(k)) say(std::string(1, c), Phase::Declare, seen);
        markup("<:>");
        markup("<attend>");
        std::vector<Interval> refs;
        const auto ref = [&](SegmentKind kind, int label, int target, Interval tokens) {
            markup(kind == SegmentKind::In ? "<in>" : "<out>");
            for (const char c : digits(label)) say(std::string(1, c), Phase::Declare, seen);
            seen.push_back(tokens);
            refs.push_back(tokens);
            b.run.segments[size_t(s)].refs.push_back({kind, label, target, b.position(), tokens});
            markup("<:>");
        };
        ref(SegmentKind::In, k, in[size_t(k)], lines[k]);
        for (const int u : uses[k]) ref(SegmentKind::Out, u, outs[u].first, outs[u].second);
        markup("</attend>");
        std::vector<Interval> focus = refs;
        focus.insert(focus.end(), {sink, scaffoldTokens, own});
        b.run.segments[size_t(s)].bodyBegin = b.position();
        for (int i = 0; i < 5; ++i) say(std::string(1, "12+34"[i]), Phase::Focus, focus);
        say("<local>", Phase::Focus, focus, true);
        for (int i = 0; i < bodyTokens; ++i)
            say(i + 3 == bodyTokens ? "=" : digits(int(random() % 10)), Phase::Local, {sink, own});
        say("\n", Phase::Close, {sink, scaffoldTokens, own});
        b.close(s);
        previous = {own.begin, b.position()};
        outs[k] = {s, previous};
    }
    b.run.stats.stop = StopReason::EndOfText;
    b.run.answer = "42";
    return b.run;
}

/// Steps and context of any size at little cost: a long causal prompt, segments of `segment` tokens.
inline RunData large(int nSteps, int nPrompt, int segment = 64) {
    std::mt19937 random(3);
    Builder b(MaskPolicySpec::declared());
    const int scaffold = b.open(SegmentKind::Scaffold, -1);
    for (int i = 0; i < 16; ++i) b.prompt("s");
    b.close(scaffold);
    int label = 1;
    std::vector<int> ins;
    while (b.position() < nPrompt) {
        ins.push_back(b.open(SegmentKind::In, label++));
        for (int i = 0; i < 40 && b.position() < nPrompt; ++i) b.prompt("w");
        b.close(ins.back());
    }
    b.run.stats.promptTokens = b.position();
    label = 1;
    while (int(b.run.steps.size()) < nSteps) {
        const int s = b.open(SegmentKind::Out, label++);
        const Interval own{b.position(), kOpenEnd};
        std::vector<Interval> focus{{0, 16}, own};
        for (int i = 0; i < 3; ++i) {
            const int target = ins[random() % ins.size()];
            const Segment& t = b.run.segments[size_t(target)];
            focus.push_back({t.begin, t.end});
            b.run.segments[size_t(s)].refs.push_back(
                {SegmentKind::In, t.label, target, b.position(), {t.begin, t.end}});
        }
        for (int i = 0; i < segment && int(b.run.steps.size()) < nSteps; ++i) {
            const Phase phase = i < 10 ? Phase::Declare : i < 30 ? Phase::Focus : Phase::Local;
            if (phase == Phase::Declare) b.step("d", phase, s, {{0, 16}, own});
            else if (phase == Phase::Focus) b.step("f", phase, s, focus);
            else b.step("l", phase, s, {{0, 1}, own});
        }
        b.close(s);
    }
    b.run.stats.stop = StopReason::EndOfText;
    return b.run;
}

/// A made-up probe of a step: a flat dense attention.
inline StepProbe probeOf(const RunData& run, int step) {
    const StepRecord& s = run.steps[size_t(step)];
    StepProbe p;
    p.runId = run.header.runId;
    p.step = step;
    p.position = s.position;
    p.nLayers = 2;
    p.nHeads = 3;
    p.visible = s.visible;
    p.massKept.assign(6, 0.75f);
    p.massKeptNoSink.assign(6, 0.5f);
    p.dense.assign(size_t(s.position) + 1, 1.0f / float(s.position + 1));
    p.restricted.assign(size_t(s.position) + 1, 0);
    for (int k = 0; k <= s.position; ++k)
        if (mayRead(*s.visible, s.position, k)) p.restricted[size_t(k)] = 1.0f / float(s.attended);
    p.missed = {{5, 0.2f}, {9, 0.1f}};
    p.topDense = {{1, "4", -0.1f}, {2, "7", -2.0f}};
    p.topRestricted = {{2, "7", -0.2f}};
    p.divergence = {0.3, false, 1};
    return p;
}

inline DivergenceCurve curveOf(const RunData& run) {
    DivergenceCurve c;
    c.runId = run.header.runId;
    for (size_t i = 0; i < run.steps.size(); ++i) {
        c.klNats.push_back(float((i * 37) % 101) / 1000);
        c.sameTop.push_back(i % 29 != 7);
        c.topDense.push_back(int32_t(i));
        c.topRestricted.push_back(int32_t(i % 29 != 7 ? i : i + 1));
    }
    c.firstDifferent = 7;
    return c;
}

}  // namespace spanscope::sample
