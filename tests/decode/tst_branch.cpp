// Runs that go on from recorded ones, against the plainest loop there is: every token by itself through the reference
// backend, with the prefix forced and the lists from the tracker.
#include <QtTest>
#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/policy/policies.h"
#include "engine/types/interval_algebra.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

constexpr int32_t kMost = 40;  // tokens of a run

std::unique_ptr<RecordingBackend> backendFor(const Model& model) {
    BackendOptions o;
    o.kvTokens = 4096;
    auto made = makeReferenceBackend(model.weights(), o, true);
    if (!made) qFatal("backend");
    return std::make_unique<RecordingBackend>(std::move(*made));
}

RunSettings settingsOf(const MaskPolicySpec& attention, float temperature = 0) {
    RunSettings s;
    s.task = "sheet";
    s.promptText = "64-71\n$1*3\n$1+$2";
    s.attention = attention;
    s.maxTokens = kMost;
    s.sampler.temperature = temperature;
    s.sampler.repeatPenalty = temperature > 0 ? 1.2F : 1;
    s.sampler.seed = 5;
    return s;
}

RunData finished(Session& session) {
    if (!session.prefill(nullptr, {})) qFatal("prefill");
    while (!session.finished())
        if (!session.step()) qFatal("step");
    return session.data();
}

RunData recorded(const std::shared_ptr<const Model>& model, Backend& backend, const RunSettings& settings) {
    auto session = Session::create(model, backend, settings, 7);
    if (!session) qFatal("session");
    return finished(**session);
}

Result<std::unique_ptr<Session>> branchOf(const std::shared_ptr<const Model>& model, Backend& backend,
                                          const RunData& from, const BranchPoint& point, OpenSequence kept = {}) {
    return Session::branch(model, backend, from, point, std::move(kept), 8);
}

using Edit = std::function<IntervalList(const TokenView& view, const IntervalList& list)>;

/// The ids of steps that begin with `forced` and go on with the arg max; the list of each in `lists`.
std::vector<int32_t> byHand(const Model& model, const RunData& like, const std::vector<int32_t>& forced,
                            std::vector<IntervalList>& lists, const Edit& edit = {}) {
    auto backend = backendFor(model);
    const SequenceId sequence = backend->createSequence(2048).value();
    SpanPolicy policy;
    policy.hasProtocol = like.header.hasProtocol;
    policy.prefill = like.header.prefill;
    policy.heads = like.header.heads;
    SpanTracker tracker(model.tokenizer().pieceIds(), policy);
    std::vector<int32_t> prompt, out;
    for (const TokenInfo& token : like.header.prompt) prompt.push_back(token.id);
    const std::vector<TokenView> views = tracker.consumePrompt(prompt);
    const IntervalList everything{{0, kOpenEnd}};
    const bool dense = like.header.settings.attention.isDense();
    std::vector<float> logits(static_cast<size_t>(model.weights().shape.vocab));
    const auto feed = [&](int32_t token, int32_t position, const IntervalList& list) {
        const DecodeItem item{sequence, token, position, list, 0};
        int32_t ignored = 0;
        float logprob = 0;
        if (!backend->decode({&item, 1}, {{&ignored, 1}, {&logprob, 1}, logits})) qFatal("decode");
    };
    for (size_t i = 0; i < prompt.size(); ++i)
        feed(prompt[i], static_cast<int32_t>(i), dense ? everything : *views[i].visible);
    lists.clear();
    while (out.size() < like.steps.size() || out.size() < static_cast<size_t>(kMost)) {
        const auto best = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
        const int32_t next = out.size() < forced.size() ? forced[out.size()] : best;
        if (next == model.tokenizer().eosId() || out.size() == static_cast<size_t>(kMost)) break;
        const TokenView view = tracker.consume(next);
        IntervalList list = dense ? everything : *view.visible;
        if (edit) list = edit(view, list);
        feed(next, view.position, list);
        out.push_back(next);
        lists.push_back(list);
    }
    return out;
}

std::vector<int32_t> ids(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& s : run.steps) list.push_back(s.token.id);
    return list;
}

std::vector<IntervalList> listsOf(const RunData& run) {
    std::vector<IntervalList> lists;
    for (const StepRecord& s : run.steps) lists.push_back(*s.visible);
    return lists;
}

/// A run whose response begins with a segment that names line 1, and goes on as the model likes.
RunData spoken(const std::shared_ptr<const Model>& model, Backend& backend, const MaskPolicySpec& attention) {
    const PieceIds& p = model->tokenizer().pieceIds();
    const int32_t one = p.digits[1];
    BranchPoint point;
    point.tokens = {p.out, one, p.colon, p.attend, p.in, one, p.colon, p.attendEnd, one, one, one};
    auto session = branchOf(model, backend, recorded(model, backend, settingsOf(attention)), point);
    if (!session) qFatal("%s", session.error().toString().c_str());
    return finished(**session);
}

}  // namespace

class TestBranch : public QObject {
    Q_OBJECT

  private slots:
    /// Greedy and with a seed, from every step on, the run says again what it said.
    void withoutAChangeNothingChanges_data() {
        QTest::addColumn<float>("temperature");
        QTest::addColumn<bool>("dense");
        QTest::newRow("greedy, declared") << 0.0F << false;
        QTest::newRow("greedy, dense") << 0.0F << true;
        QTest::newRow("sampled with a penalty") << 0.9F << false;
    }
    void withoutAChangeNothingChanges() {
        QFETCH(float, temperature);
        QFETCH(bool, dense);
        const auto model = tinyModel({});
        auto backend = backendFor(*model);
        const RunData run = recorded(
            model, *backend, settingsOf(dense ? MaskPolicySpec::dense() : MaskPolicySpec::declared(), temperature));
        QVERIFY(run.steps.size() > 10);
        for (const int32_t step : {0, 1, 7, static_cast<int32_t>(run.steps.size()) - 1}) {
            auto session = branchOf(model, *backend, run, {3, step, {}, {}});
            QVERIFY(session.ok());
            const RunData again = finished(**session);
            QCOMPARE(ids(again), ids(run));
            QCOMPARE(listsOf(again), listsOf(run));
            QCOMPARE(again.answer, run.answer);
            QCOMPARE(again.stats.stop, run.stats.stop);
            QCOMPARE(again.stats.attendedTokens, run.stats.attendedTokens);
            QCOMPARE(again.stats.markupTokens, run.stats.markupTokens);
            QCOMPARE(again.stats.responseTokens, run.stats.responseTokens);
            QCOMPARE(again.segments.size(), run.segments.size());
            QCOMPARE(again.violations.size(), run.violations.size());
            QCOMPARE(again.header.branch, (BranchOrigin{3, step, BranchEdit::None}));
            for (size_t i = 0; i < run.steps.size(); ++i) {
                QVERIFY(std::abs(again.steps[i].logprob - run.steps[i].logprob) < 1e-4F);
                QCOMPARE(again.steps[i].token.text, run.steps[i].token.text);
                QCOMPARE(again.steps[i].segment, run.steps[i].segment);
                if (i > 0) QVERIFY(again.steps[i].atNs >= again.steps[i - 1].atNs);
                if (static_cast<int32_t>(i) < step) QCOMPARE(again.steps[i].atNs, run.steps[i].atNs);
            }
        }
    }

    void anotherTokenIsAFreshRunWithThatPrefix() {
        const auto model = tinyModel({});
        for (const auto& attention : {MaskPolicySpec::declared(), MaskPolicySpec::dense()}) {
            auto backend = backendFor(*model);
            const RunData run = recorded(model, *backend, settingsOf(attention));
            for (const int32_t step : {0, 5, 20}) {
                const PieceIds& p = model->tokenizer().pieceIds();
                const BranchPoint point{3, step, {}, {p.out, p.attend}};
                auto session = branchOf(model, *backend, run, point);
                QVERIFY(session.ok());
                const RunData branch = finished(**session);
                std::vector<int32_t> forced = ids(run);
                forced.resize(static_cast<size_t>(step));
                forced.insert(forced.end(), point.tokens.begin(), point.tokens.end());
                std::vector<IntervalList> lists;
                const auto expected = byHand(*model, run, forced, lists);
                QCOMPARE(ids(branch), expected);
                QCOMPARE(listsOf(branch), lists);
                QCOMPARE(branch.header.branch, (BranchOrigin{3, step, BranchEdit::Token}));
                QVERIFY(branch.steps[static_cast<size_t>(step)].logprob < 0);
            }
        }
    }

    /// The edited list holds for the rest of the phase, and only there.
    void anotherSpanHoldsForItsPhase() {
        const auto model = tinyModel({});
        auto backend = backendFor(*model);
        const RunData run = spoken(model, *backend, MaskPolicySpec::declared());
        size_t at = 0;
        while (run.steps[at].phase != Phase::Focus) ++at;
        const StepRecord& step = run.steps[at];
        const int32_t segment = run.segments[static_cast<size_t>(step.segment)].refs.front().segment;
        const Segment& named = run.segments[static_cast<size_t>(segment)];
        const IntervalList line{{named.begin, named.end}};
        QVERIFY(mayRead(*step.visible, step.position, named.begin));
        auto session = branchOf(model, *backend, run, {3, static_cast<int32_t>(at), subtract(*step.visible, line), {}});
        QVERIFY(session.ok());
        const RunData branch = finished(**session);
        std::vector<int32_t> forced = ids(run);
        forced.resize(at + 1);
        std::vector<IntervalList> lists;
        bool left = false;
        int nEdited = 0;
        const auto expected = byHand(*model, run, forced, lists, [&](const TokenView& view, const IntervalList& list) {
            if (view.position < step.position) return list;
            left = left || view.phase != Phase::Focus || view.segment != step.segment;
            nEdited += left ? 0 : 1;
            return left ? list : subtract(list, line);
        });
        QVERIFY(nEdited > 1);
        QCOMPARE(ids(branch), expected);
        QCOMPARE(listsOf(branch), lists);
        QCOMPARE(branch.header.branch.text(), "from step " + std::to_string(at) + " of run 3");
        QVERIFY(branch.steps[at].attended < step.attended);
        // A branch of the branch takes its lists over.
        auto again = branchOf(model, *backend, branch, {4, static_cast<int32_t>(at) + 1, {}, {}});
        QVERIFY(again.ok());
        QCOMPARE(*(*again)->data().steps[at].visible, lists[at]);
    }

    /// In the sequence of an inspected run only what is new is computed, and it says the same.
    void whatIsStoredIsNotComputedAgain() {
        const auto model = tinyModel({});
        auto backend = backendFor(*model);
        const auto run = std::make_shared<const RunData>(spoken(model, *backend, MaskPolicySpec::declared()));
        const int32_t token = model->tokenizer().pieceIds().local;
        const auto at = static_cast<size_t>(9);
        const IntervalList own = subtract(*run->steps[at].visible, {{1, 3}});
        for (const BranchPoint& point :
             {BranchPoint{3, 9, {}, {token}}, BranchPoint{3, 9, own, {}}, BranchPoint{3, 0, {}, {}}}) {
            auto fresh = branchOf(model, *backend, *run, point);
            QVERIFY(fresh.ok());
            const RunData expected = finished(**fresh);
            fresh->reset();
            auto inspector = Inspector::create(model, *backend, run);
            QVERIFY(inspector.ok() && (*inspector)->replay(nullptr, {}).ok());
            QVERIFY((*inspector)->isOf(*run) && !(*inspector)->isOf(expected));
            OpenSequence kept = (*inspector)->release();
            inspector->reset();
            QCOMPARE(backend->nLive, 1);
            backend->prompt.clear();
            backend->decoded.clear();
            auto session = branchOf(model, *backend, *run, point, std::move(kept));
            QVERIFY(session.ok());
            const RunData branch = finished(**session);
            QCOMPARE(backend->prompt.size(), size_t{point.list ? 0U : 1U});
            QCOMPARE(backend->decoded.size(), branch.steps.size() - static_cast<size_t>(point.step));
            QCOMPARE(ids(branch), ids(expected));
            QCOMPARE(listsOf(branch), listsOf(expected));
            session->reset();
            QCOMPARE(backend->nLive, 0);
        }
    }

    void whatIsRefusedLeavesNothingBehind() {
        const auto model = tinyModel({});
        auto backend = backendFor(*model);
        const RunData run = recorded(model, *backend, settingsOf(MaskPolicySpec::declared()));
        const auto nSteps = static_cast<int32_t>(run.steps.size());
        RunData other = run;
        other.header.modelHash = "another";
        QVERIFY(!branchOf(model, *backend, other, {3, 0, {}, {}}).ok());
        other = run;
        other.header.prompt.front().id = 1 << 30;
        QVERIFY(!branchOf(model, *backend, other, {3, 0, {}, {}}).ok());
        QVERIFY(branchOf(model, *backend, run, {3, nSteps, {}, {1}}).ok());  // after its end
        for (const BranchPoint& point :
             {BranchPoint{3, -1, {}, {}}, BranchPoint{3, nSteps + 1, {}, {}}, BranchPoint{3, 0, {}, {1 << 30}},
              BranchPoint{3, 0, {}, {-1}}, BranchPoint{3, nSteps, IntervalList{{0, kOpenEnd}}, {}},
              BranchPoint{3, 5, IntervalList{{0, 1}}, {}},
              BranchPoint{3, 5, IntervalList{{4, kOpenEnd}, {0, 2}}, {}}}) {
            const SequenceId id = backend->createSequence(64).value();
            const auto refused = branchOf(model, *backend, run, point, {id, 64, {}});
            QVERIFY(!refused.ok());
            QCOMPARE(refused.error().code, ErrorCode::InvalidArgument);
            QCOMPARE(backend->nLive, 0);
        }
    }
};

QTEST_GUILESS_MAIN(TestBranch)
#include "tst_branch.moc"
