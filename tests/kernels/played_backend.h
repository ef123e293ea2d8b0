// A prompt and some steps played on a backend under given lists, and the comparison of two such plays: for tests that
// hold a backend against the reference.
#pragma once

#include <QtTest>

#include "kernels/backends.h"
#include "random_model.h"

namespace spanscope::test {

using List = std::vector<Interval>;

inline const List kEverything{{0, kOpenEnd}};

/// Queries of a prompt with their lists.
struct Prompt {
    std::vector<int32_t> tokens;
    std::vector<List> lists;
    std::vector<QueryRun> runs;
    void add(int32_t n, List list) { lists.push_back(std::move(list)), lengths.push_back(n); }
    void finish(RandomModel& m) {
        int32_t at = 0;
        for (size_t i = 0; i < lists.size(); ++i) {
            runs.push_back({at, at + lengths[i], lists[i]});
            at += lengths[i];
        }
        tokens = m.tokens(at);
    }
    std::vector<int32_t> lengths;
};

inline std::unique_ptr<Backend> make(const RandomModel& m, const BackendOptions& o, bool reference) {
    BackendOptions exact = o;
    if (!exact.kvType) exact.kvType = DType::F32;  // the default rounds, and would hide what is compared here
    auto b = reference ? makeReferenceBackend(m.weights, exact, true) : makeCpuBackend(m.weights, exact);
    if (!b) qFatal("%s", b.error().toString().c_str());
    return std::move(*b);
}

struct Trace {
    std::vector<float> prefillLogits;  // (n, vocab)
    std::vector<std::vector<float>> stepLogits;
    std::vector<int32_t> best;
    std::vector<float> logprob;
};

/// Prefills, then decodes one given token for each list.
inline Trace play(Backend& b, const Prompt& p, const std::vector<int32_t>& next, const std::vector<List>& lists) {
    Trace t;
    const auto vocab = size_t(b.shape().vocab);
    const SequenceId seq = *b.createSequence(int32_t(p.tokens.size() + next.size()));
    t.prefillLogits.resize(vocab * p.tokens.size());
    const Status st = b.prefill(seq, p.tokens, p.runs, t.prefillLogits);
    if (!st) qFatal("%s", st.error().toString().c_str());
    for (size_t i = 0; i < next.size(); ++i) {
        const DecodeItem item{seq, next[i], int32_t(p.tokens.size() + i), lists[i % lists.size()], 0};
        t.stepLogits.emplace_back(vocab);
        t.best.push_back(-1);
        t.logprob.push_back(0);
        const Status ds = b.decode({&item, 1}, {{&t.best.back(), 1}, {&t.logprob.back(), 1}, t.stepLogits.back()});
        if (!ds) qFatal("%s", ds.error().toString().c_str());
    }
    b.freeSequence(seq);
    return t;
}

inline void compare(const Trace& got, const Trace& want, double tolerance) {
    QVERIFY2(relativeError(got.prefillLogits, want.prefillLogits) < tolerance,
             qPrintable(QString("prefill: %1").arg(relativeError(got.prefillLogits, want.prefillLogits))));
    for (size_t i = 0; i < want.stepLogits.size(); ++i) {
        const double e = relativeError(got.stepLogits[i], want.stepLogits[i]);
        QVERIFY2(e < tolerance, qPrintable(QString("step %1: %2").arg(i).arg(e)));
        QVERIFY(std::abs(got.logprob[i] - want.logprob[i]) < 100 * tolerance);
    }
}

/// For a query at the end of n tokens: the shapes that break kernels.
inline std::vector<List> hardLists(int32_t n) {
    List scattered, fence;
    for (int32_t i = 0; i < n; i += 1 + (i * 7) % 53) scattered.push_back({i, i + 1});
    for (int32_t i = 0; i + 15 <= n; i += 16) fence.push_back({i + 1, i + 15});  // every page partly kept
    if (fence.empty()) fence.push_back({0, 1});
    const int32_t middle = 1 + n / 2;
    return {kEverything,         {}, {{0, 1}}, scattered, fence, {{0, 1}, {middle, middle + 20}, {n + 22, kOpenEnd}},
            {{n + 100, n + 101}}};
}

}  // namespace spanscope::test
