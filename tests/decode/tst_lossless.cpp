// Lossless runs say what dense decoding says, token for token, whatever is drafted: with the bundled model on the CPU,
// on random models under drafts that are mostly wrong, with samplers, limits, stops and branches.
// Long: policies that draft wrong pages, and the dense runs that all cases are held to, stand here once.
#include <QtTest>
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "engine/decode/batch.h"
#include "engine/decode/draft_length.h"
#include "engine/decode/session.h"
#include "engine/policy/declared_policy.h"
#include "engine/policy/window_policy.h"
#include "engine/training/example.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

const std::string kBundled = SPANSCOPE_SOURCE_DIR "/resources/models/arith";

std::unique_ptr<Backend> backendFor(const Model& model, bool reference, int32_t maxBatch = kMostDrafted + 1,
                                    int64_t kvTokens = 8192) {
    BackendOptions o;
    o.nThreads = 1;
    o.maxBatch = maxBatch;
    o.kvTokens = kvTokens;
    auto made = reference ? makeReferenceBackend(model.weights(), o, true) : makeCpuBackend(model.weights(), o);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::move(*made);
}

/// Reads the query's own token and a few pages drawn for its position: what an adversary would draft under.
class DrawnPages final : public MaskPolicy {
  public:
    explicit DrawnPages(uint64_t seed) : m_seed(seed) {}
    QueryMask forStep(const TokenView& view) override {
        std::mt19937_64 random(m_seed + static_cast<uint64_t>(view.position));
        if (random() % 3 == 0) return everything();  // now and then right
        IntervalList list;
        const int32_t own = view.position / kPageTokens;
        for (int32_t page = 0; page < own; ++page)
            if (random() % 4 == 0) {
                if (!list.empty() && list.back().end == page * kPageTokens) list.back().end += kPageTokens;
                else list.push_back({page * kPageTokens, (page + 1) * kPageTokens});
            }
        if (!list.empty() && list.back().end == own * kPageTokens) list.back().end = kOpenEnd;
        else list.push_back({own * kPageTokens, kOpenEnd});
        return {std::make_shared<const IntervalList>(std::move(list)), 0};
    }

  private:
    uint64_t m_seed;
};

RunSettings settingsOf(const MaskPolicySpec& attention, int32_t maxTokens = 60) {
    RunSettings s;
    s.task = "sheet";
    s.promptText = "64-71\n$1*3\n$1+$2";
    s.attention = attention;
    s.maxTokens = maxTokens;
    return s;
}

/// draft: nullptr: as declared. onStep: after each step.
RunData run(const std::shared_ptr<const Model>& model, Backend& backend, const RunSettings& settings,
            std::unique_ptr<MaskPolicy> draft = nullptr, const std::function<void(const Session&)>& onStep = {}) {
    auto session = Session::create(model, backend, settings, 7);
    if (!session) qFatal("%s", session.error().toString().c_str());
    if (draft) (*session)->draftUnder(std::move(draft));
    if (!(*session)->prefill(nullptr, {})) qFatal("prefill");
    while (!(*session)->finished()) {
        if (!(*session)->step()) qFatal("step");
        if (onStep) onStep(**session);
    }
    return (*session)->takeData();
}

/// What runBatched() asks for: each of them once, numbered from 0.
auto inTurn(const std::vector<RunSettings>& requests) {
    return [&requests, next = size_t{0}]() mutable -> std::optional<std::pair<int64_t, RunSettings>> {
        if (next == requests.size()) return std::nullopt;
        const size_t i = next++;
        return std::pair{static_cast<int64_t>(i), requests[i]};
    };
}

std::vector<int32_t> ids(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& s : run.steps) list.push_back(s.token.id);
    return list;
}

bool sameSegment(const Segment& a, const Segment& b) {
    return a.kind == b.kind && a.label == b.label && a.begin == b.begin && a.end == b.end &&
           a.bodyBegin == b.bodyBegin && a.refs.size() == b.refs.size() && a.fallback == b.fallback;
}

/// Everything that a run says but its times and how its tokens were drafted.
void compare(const RunData& got, const RunData& want) {
    QCOMPARE(ids(got), ids(want));
    for (size_t i = 0; i < want.steps.size(); ++i) {
        const StepRecord &a = got.steps[i], &b = want.steps[i];
        QCOMPARE(a.position, b.position);
        QCOMPARE(a.token.text, b.token.text);
        QCOMPARE(a.segment, b.segment);
        QCOMPARE(a.phase, b.phase);
        QCOMPARE(*a.visible, *b.visible);
        QCOMPARE(a.logprob, b.logprob);
        QCOMPARE(a.attended, b.attended);
        QCOMPARE(a.loaded, b.loaded);
    }
    QCOMPARE(got.answer, want.answer);
    QCOMPARE(got.stats.stop, want.stats.stop);
    QCOMPARE(got.stats.stopId, want.stats.stopId);
    QCOMPARE(got.stats.responseTokens, want.stats.responseTokens);
    QCOMPARE(got.stats.markupTokens, want.stats.markupTokens);
    QCOMPARE(got.stats.kvStoredBytes, want.stats.kvStoredBytes);
    QCOMPARE(got.segments.size(), want.segments.size());
    for (size_t i = 0; i < want.segments.size(); ++i) QVERIFY(sameSegment(got.segments[i], want.segments[i]));
    QCOMPARE(got.violations.size(), want.violations.size());
}

/// What the figures of a run's drafts owe to its steps.
void checkFigures(const RunData& run) {
    const DraftStats& d = run.stats.draft;
    int64_t accepted = 0, rejected = 0;
    for (const StepRecord& step : run.steps) {
        accepted += step.draft == DraftFate::Accepted ? 1 : 0;
        rejected += step.draft == DraftFate::Rejected ? 1 : 0;
        QVERIFY(step.rejectedText.empty() || step.draft == DraftFate::Rejected);
    }
    // The token that ended the run has no step.
    QVERIFY(d.accepted + d.rejected - accepted - rejected <= (run.stats.stop == StopReason::EndOfText ? 1 : 0));
    QVERIFY(d.accepted >= accepted && d.rejected >= rejected);
    QVERIFY(d.drafted >= d.accepted + d.rejected);
    // Each pass gives its accepted tokens and one more.
    QVERIFY(d.passes >= 1 && d.accepted + d.passes >= static_cast<int64_t>(run.steps.size()));
    QVERIFY(d.loadedTokens > 0);
}

}  // namespace

class TestLossless : public QObject {
    Q_OBJECT

  private slots:
    /// The bundled model on seeded problems, as declared: dense's tokens, and nearly every draft is right.
    void bundledModel_data() {
        QTest::addColumn<bool>("sheet");
        QTest::addColumn<int>("n");
        QTest::addColumn<int>("problems");
        QTest::newRow("expressions, as many as pay") << false << 0 << 12;
        QTest::newRow("expressions, 5") << false << 5 << 12;
        QTest::newRow("sheets, as many as pay") << true << 0 << 3;
        QTest::newRow("sheets, 16") << true << 16 << 3;
    }
    void bundledModel() {
        QFETCH(bool, sheet);
        QFETCH(int, n);
        QFETCH(int, problems);
        if (!QFile::exists(QString::fromStdString(kBundled) + "/config.json")) QSKIP("no bundled model");
        auto model = openModel(kBundled, {});
        QVERIFY(model.ok());
        auto backend = backendFor(**model, false);
        auto source = sheet ? makeSheetSource({2, 12}, {}, 11) : makeExpressionSource({1, 12}, 11);
        DraftStats sums;
        for (int i = 0; i < problems; ++i) {
            const auto problem = source->next();
            QVERIFY(problem.ok() && problem->has_value());
            RunSettings s;
            s.task = sheet ? "sheet" : "expression";
            s.promptText = (*problem)->typed;
            s.attention = MaskPolicySpec::dense();
            const RunData want = run(*model, *backend, s);
            s.attention = MaskPolicySpec::lossless(n);
            const RunData got = run(*model, *backend, s);
            compare(got, want);
            checkFigures(got);
            sums.accepted += got.stats.draft.accepted;
            sums.rejected += got.stats.draft.rejected;
        }
        if (n > 0) QVERIFY(sums.accepted > 300);
        if (n > 0) QVERIFY2(sums.acceptance() > 0.97, qPrintable(QString::number(sums.acceptance())));
    }

    /// On random weights drafts are wrong most of the time, in every pattern.
    void wrongDrafts_data() {
        QTest::addColumn<bool>("reference");
        QTest::addColumn<int>("n");
        for (int n = 0; n <= kMostDrafted; ++n) {
            if (n < 6) QTest::addRow("reference, %d", n) << true << n;
            QTest::addRow("CPU, %d", n) << false << n;
        }
    }
    void wrongDrafts() {
        QFETCH(bool, reference);
        QFETCH(int, n);
        const auto model = tinyModel();
        auto backend = backendFor(*model, reference);
        const RunData want = run(model, *backend, settingsOf(MaskPolicySpec::dense()));
        QCOMPARE(want.steps.size(), size_t{60});
        int64_t rejected = 0, accepted = 0;
        for (uint64_t seed = 0; seed < 6; ++seed) {
            std::unique_ptr<MaskPolicy> policy;
            if (seed == 1) policy = std::make_unique<WindowPolicy>(1);
            else if (seed > 1) policy = std::make_unique<DrawnPages>(seed);
            const RunData got = run(model, *backend, settingsOf(MaskPolicySpec::lossless(n)), std::move(policy));
            compare(got, want);
            checkFigures(got);
            rejected += got.stats.draft.rejected;
            accepted += got.stats.draft.accepted;
        }
        if (n > 0) QVERIFY(rejected > 20 && accepted > 20);
    }

    /// A tracker that is asked for the list of every token that was emitted says what the run's says.
    void trackerFollowsWhatIsEmitted() {
        const auto model = tinyModel({.seed = 3});
        auto backend = backendFor(*model, true);
        RunSettings s = settingsOf(MaskPolicySpec::lossless(4), 80);
        // Markup in the response, so that segments and references come and go.
        const PieceIds& p = model->tokenizer().pieceIds();
        const int32_t one = p.digits[1];
        BranchPoint point;
        for (int i = 0; i < 3; ++i)
            for (const int32_t id :
                 {p.out, one, p.colon, p.attend, p.in, one, p.colon, p.attendEnd, one, one, p.newline})
                point.tokens.push_back(id);
        for (const MaskPolicySpec& attention : {MaskPolicySpec::lossless(4), MaskPolicySpec::lossless()}) {
            s.attention = MaskPolicySpec::dense();
            const RunData plain = run(model, *backend, s);
            s.attention = attention;
            const RunData drafted = run(model, *backend, s);
            auto want = Session::branch(model, *backend, plain, point, {}, 8);
            auto got = Session::branch(model, *backend, drafted, point, {}, 9);
            QVERIFY(want.ok() && got.ok());
            QVERIFY((*want)->prefill(nullptr, {}).ok() && (*got)->prefill(nullptr, {}).ok());
            while (!(*want)->finished()) {
                QVERIFY((*want)->step().ok());
                QVERIFY((*got)->step().ok());
                const RunData &a = (*got)->data(), &b = (*want)->data();
                QCOMPARE(a.steps.size(), b.steps.size());
                QCOMPARE(a.segments.size(), b.segments.size());
                for (size_t i = 0; i < b.segments.size(); ++i) QVERIFY(sameSegment(a.segments[i], b.segments[i]));
                QCOMPARE(a.violations.size(), b.violations.size());
                QCOMPARE(a.stats.markupTokens, b.stats.markupTokens);
                QCOMPARE(a.stats.responseTokens, b.stats.responseTokens);
            }
            QVERIFY((*got)->finished());
            compare((*got)->data(), (*want)->data());
            QVERIFY((*want)->data().segments.size() > plain.segments.size());
        }
    }

    /// A branch that edits what a step may read decodes that phase token by token, and drafts on behind it.
    void branchWithAnEditedList() {
        const auto model = tinyModel({.seed = 3});
        auto backend = backendFor(*model, true);
        const RunData dense = run(model, *backend, settingsOf(MaskPolicySpec::dense()));
        const RunData drafted = run(model, *backend, settingsOf(MaskPolicySpec::lossless(3)));
        BranchPoint point;
        point.step = 10;
        point.list = IntervalList{{0, 4}, {20, kOpenEnd}};
        auto want = Session::branch(model, *backend, dense, point, {}, 8);
        auto got = Session::branch(model, *backend, drafted, point, {}, 9);
        QVERIFY(want.ok() && got.ok());
        for (Session* s : {want->get(), got->get()}) {
            QVERIFY(s->prefill(nullptr, {}).ok());
            while (!s->finished()) QVERIFY(s->step().ok());
        }
        compare((*got)->data(), (*want)->data());
    }

    /// Limits of tokens and of context at every place of a draft.
    void limits() {
        const auto model = tinyModel();
        auto backend = backendFor(*model, false);
        for (int32_t limit = 0; limit <= 24; ++limit) {
            const RunData want = run(model, *backend, settingsOf(MaskPolicySpec::dense(), limit));
            compare(run(model, *backend, settingsOf(MaskPolicySpec::lossless(7), limit)), want);
            RunSettings s = settingsOf(MaskPolicySpec::dense(), -1);
            s.contextTokens = want.stats.promptTokens + limit;
            if (limit == 0) continue;
            const RunData full = run(model, *backend, s);
            QCOMPARE(full.stats.stop, StopReason::ContextFull);
            s.attention = MaskPolicySpec::lossless(7);
            const RunData got = run(model, *backend, s, std::make_unique<DrawnPages>(limit));
            compare(got, full);
        }
    }

    /// With a penalty, a temperature and filters the run of a seed has the tokens of the dense run of that seed.
    void sampledAsDenseOfTheSameSeed() {
        const auto model = tinyModel({.seed = 2});
        auto backend = backendFor(*model, false);
        int64_t accepted = 0, rejected = 0;
        for (uint64_t seed = 0; seed < 12; ++seed) {
            RunSettings s = settingsOf(MaskPolicySpec::dense());
            s.sampler.seed = seed;
            s.sampler.temperature = 0.3F + 0.1F * static_cast<float>(seed % 6);
            if (seed % 2) s.sampler.repeatPenalty = 1.3F;
            if (seed % 3 == 1) s.sampler.topK = 12;
            if (seed % 3 == 2) s.sampler.topP = 0.9F;
            const RunData want = run(model, *backend, s);
            s.attention = MaskPolicySpec::lossless(seed % 4 == 0 ? 0 : 6);
            const RunData got = run(model, *backend, s, seed % 2 ? std::make_unique<DrawnPages>(seed) : nullptr);
            compare(got, want);
            accepted += got.stats.draft.accepted;
            rejected += got.stats.draft.rejected;
        }
        QVERIFY(accepted > 50 && rejected > 50);
    }

    /// The third token after a prompt, over many seeds, against the exact distribution of dense decoding: chi-squared
    /// at the 99.9% point. Drafts are wrong about half of the time.
    void sampledDistribution() {
        const auto model = tinyModel({.seed = 5});
        auto backend = backendFor(*model, false);
        constexpr int32_t kKept = 3;  // top-k: a distribution small enough to know all of
        constexpr uint64_t kSeeds = 2000;
        RunSettings s = settingsOf(MaskPolicySpec::lossless(2), 3);
        s.promptText = "1+2";
        s.sampler.temperature = 2;
        s.sampler.topK = kKept;
        // Exact: every path of two tokens, by dense prefill of prompt and path.
        std::map<std::vector<int32_t>, double> exact;
        const auto vocab = static_cast<size_t>(model->weights().shape.vocab);
        const RunData first = run(model, *backend, s);
        std::vector<int32_t> prompt;
        for (const TokenInfo& t : first.header.prompt) prompt.push_back(t.id);
        const Interval all{0, kOpenEnd};
        const auto mayBeSaid = [&](int32_t id) {
            const Tokenizer& t = model->tokenizer();
            const auto in = [id](std::span<const int32_t> ids) {
                return std::find(ids.begin(), ids.end(), id) != ids.end();
            };
            return id < t.vocabSize() && !in(t.holes()) && !in(t.lineEndPieces());
        };
        const std::function<void(std::vector<int32_t>, double)> expand = [&](std::vector<int32_t> path, double p) {
            if (path.size() == 3) {
                exact[path] += p;
                return;
            }
            std::vector<int32_t> tokens = prompt;
            tokens.insert(tokens.end(), path.begin(), path.end());
            const SequenceId id = backend->createSequence(static_cast<int32_t>(tokens.size())).value();
            std::vector<float> logits(vocab);
            const QueryRun whole{0, static_cast<int32_t>(tokens.size()), {&all, 1}};
            QVERIFY(backend->prefill(id, tokens, {&whole, 1}, logits).ok());
            backend->freeSequence(id);
            std::vector<std::pair<float, int32_t>> best;
            for (size_t i = 0; i < vocab; ++i)
                if (mayBeSaid(static_cast<int32_t>(i))) best.emplace_back(logits[i], static_cast<int32_t>(i));
            std::sort(best.rbegin(), best.rend());
            double total = 0;
            for (int32_t k = 0; k < kKept; ++k) total += std::exp((best[size_t(k)].first - best[0].first) / 2.0);
            for (int32_t k = 0; k < kKept; ++k) {
                auto longer = path;
                longer.push_back(best[size_t(k)].second);
                expand(longer, p * std::exp((best[size_t(k)].first - best[0].first) / 2.0) / total);
            }
        };
        expand({}, 1);
        std::map<std::vector<int32_t>, int64_t> found;
        int64_t rejected = 0;
        for (uint64_t seed = 0; seed < kSeeds; ++seed) {
            s.sampler.seed = 1000 + seed;
            const RunData got = run(model, *backend, s, std::make_unique<WindowPolicy>(1));
            QCOMPARE(got.stats.stop, StopReason::TokenLimit);
            ++found[ids(got)];
            rejected += got.stats.draft.rejected;
        }
        QVERIFY(rejected > int64_t(kSeeds) / 10);
        double chi = 0;
        for (const auto& [path, p] : exact) {
            const double expected = p * double(kSeeds);
            QVERIFY2(expected > 5, "the test needs a flatter distribution");
            chi += std::pow(double(found[path]) - expected, 2) / expected;
        }
        QCOMPARE(found.size(), exact.size());
        QCOMPARE(exact.size(), size_t{27});
        QVERIFY2(chi < 54.05, qPrintable(QString::number(chi)));  // 26 degrees of freedom
    }

    /// What a run leaves in its sequence is what it has said, also where it is stopped inside a round.
    void stoppedInsideARound() {
        const auto model = tinyModel();
        for (int32_t after = 0; after < 12; ++after) {
            RecordingBackend backend(backendFor(*model, true));
            auto prompt = preparePrompt(*model, settingsOf(MaskPolicySpec::lossless(5)));
            QVERIFY(prompt.ok());
            const auto nPrompt = static_cast<int32_t>(prompt->ids.size());
            OpenSequence open{backend.createSequence(512).value(), 512, {}};
            auto session = Session::resume(model, backend, settingsOf(MaskPolicySpec::lossless(5)), *prompt, open, 1);
            QVERIFY(session.ok());
            (*session)->draftUnder(std::make_unique<DrawnPages>(after));
            QVERIFY((*session)->prefill(nullptr, {}).ok());
            for (int32_t i = 0; i < after; ++i) QVERIFY((*session)->step().ok());
            (*session)->finish(StopReason::Cancelled);
            QCOMPARE(backend.storedTokens(open.id), nPrompt + after);
            QCOMPARE(static_cast<int32_t>((*session)->data().steps.size()), after);
            QVERIFY(!(*session)->step().value());
        }
    }

    /// A stop token that the draft foresees ends the run without being decoded.
    void aStopTokenInADraft() {
        if (!QFile::exists(QString::fromStdString(kBundled) + "/config.json")) QSKIP("no bundled model");
        auto model = openModel(kBundled, {});
        QVERIFY(model.ok());
        for (int n = 1; n <= kMostDrafted; ++n) {
            RecordingBackend backend(backendFor(**model, false));
            RunSettings s;
            s.task = "expression";
            s.promptText = "12+7";
            s.attention = MaskPolicySpec::lossless(n);
            const RunData got = run(*model, backend, s);
            QCOMPARE(got.stats.stop, StopReason::EndOfText);
            for (const RecordingBackend::Query& q : backend.decoded) QVERIFY(q.token != got.stats.stopId);
        }
    }

    /// Dense passes, and a draft that reads what it was given; rows of a pass follow each other.
    void whatTheBackendIsGiven() {
        const auto model = tinyModel();
        RecordingBackend backend(backendFor(*model, true));
        const RunData got =
            run(model, backend, settingsOf(MaskPolicySpec::lossless(4)), std::make_unique<WindowPolicy>(1));
        size_t at = 0;
        int64_t nDrafted = 0, nPasses = 0;
        for (const size_t n : backend.batchSizes) {
            const RecordingBackend::Query* rows = backend.decoded.data() + at;
            const bool pass = rows[0].visible == IntervalList{{0, kOpenEnd}};
            QVERIFY(pass || n == 1);
            for (size_t i = 0; i < n; ++i) {
                QCOMPARE(rows[i].position, rows[0].position + static_cast<int32_t>(i));
                if (pass) QCOMPARE(rows[i].visible, (IntervalList{{0, kOpenEnd}}));
                else QCOMPARE(rows[i].visible, (IntervalList{{rows[i].position, kOpenEnd}}));
            }
            (pass ? nPasses : nDrafted) += 1;
            at += n;
        }
        QCOMPARE(nDrafted, got.stats.draft.drafted);
        QCOMPARE(nPasses, got.stats.draft.passes);
    }

    /// In a batch, beside others, each has the tokens that it has alone.
    void inABatch() {
        const auto model = tinyModel();
        auto backend = backendFor(*model, false);
        std::vector<RunSettings> requests;
        std::vector<std::vector<int32_t>> want, got(6);
        for (int i = 0; i < 6; ++i) {
            RunSettings s = settingsOf(i % 2 ? MaskPolicySpec::lossless(i) : MaskPolicySpec::dense(), 20 + 5 * i);
            requests.push_back(s);
            s.attention = MaskPolicySpec::dense();
            want.push_back(ids(run(model, *backend, s)));
        }
        const Status ok = runBatched(
            model, *backend, 4, inTurn(requests),
            [&](int64_t id, Result<RunData> result) {
                QVERIFY(result.ok());
                got[static_cast<size_t>(id)] = ids(*result);
            },
            nullptr);
        QVERIFY(ok.ok());
        QCOMPARE(got, want);
    }

    /// Runs of a batch draft together and share passes, as far as a step has rows; greedy and sampled.
    void roundsTogether() {
        const auto model = tinyModel();
        constexpr int kRuns = 4, kDraft = 3;
        for (const int rows : {kDraft + 1, 2 * kDraft + 3, kRuns * (kDraft + 1)})
            for (const double temperature : {0.0, 0.9}) {
                RecordingBackend backend(backendFor(*model, false, rows));
                std::vector<RunSettings> requests;
                std::vector<RunData> alone;
                for (int i = 0; i < kRuns; ++i) {
                    RunSettings s = settingsOf(MaskPolicySpec::lossless(kDraft), 30 + 7 * i);
                    s.sampler.temperature = static_cast<float>(temperature);
                    s.sampler.seed = static_cast<uint64_t>(i + 1);
                    requests.push_back(s);
                    s.attention = MaskPolicySpec::dense();
                    alone.push_back(run(model, backend, s));
                }
                backend.batchSizes.clear();
                backend.decoded.clear();
                int nDone = 0;
                int64_t nAlone = 0;  // steps that the runs would take one by one
                const Status ok = runBatched(
                    model, backend, kRuns, inTurn(requests),
                    [&](int64_t id, Result<RunData> result) {
                        QVERIFY(result.ok());
                        QVERIFY(result->stats.draft.passes > 0);
                        nAlone += result->stats.draft.drafted + result->stats.draft.passes;
                        compare(*result, alone[static_cast<size_t>(id)]);
                        ++nDone;
                    },
                    nullptr);
                QVERIFY(ok.ok());
                QCOMPARE(nDone, kRuns);
                size_t at = 0;
                int nShared = 0;  // passes of several runs in one step
                for (const size_t n : backend.batchSizes) {
                    QVERIFY(n <= static_cast<size_t>(rows));
                    std::set<int32_t> sequences;
                    for (size_t i = at; i < at + n; ++i) sequences.insert(backend.decoded[i].sequence);
                    nShared += sequences.size() > 1 && sequences.size() < n ? 1 : 0;
                    at += n;
                }
                QVERIFY(static_cast<int64_t>(backend.batchSizes.size()) < nAlone);
                if (rows > kDraft + 1) QVERIFY(nShared > 0);
            }
    }

    void refusals() {
        const auto model = tinyModel();
        auto backend = backendFor(*model, true);
        RunSettings s = settingsOf(MaskPolicySpec::lossless());
        s.task = "text";
        s.promptText = "some words";
        const auto noProtocol = Session::create(model, *backend, s, 1);
        QVERIFY(!noProtocol.ok());
        QCOMPARE(noProtocol.error().code, ErrorCode::Unsupported);
        // A backend that takes one token of a sequence a step.
        struct OneRow : RecordingBackend {
            using RecordingBackend::RecordingBackend;
            BackendInfo info() const override {
                BackendInfo info = RecordingBackend::info();
                info.manyOfOne = false;
                return info;
            }
        } oneRow(backendFor(*model, true));
        const auto refused = Session::create(model, oneRow, settingsOf(MaskPolicySpec::lossless()), 1);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::Unsupported);
        QVERIFY(Session::create(model, oneRow, settingsOf(MaskPolicySpec::dense()), 1).ok());
        // Room for fewer items than a pass has.
        auto narrow = backendFor(*model, true, 2);
        auto session = Session::create(model, *narrow, settingsOf(MaskPolicySpec::lossless(4)), 1);
        QVERIFY(session.ok());
        QVERIFY((*session)->prefill(nullptr, {}).ok());
        const auto step = (*session)->step();
        QVERIFY(!step.ok());
        QCOMPARE(step.error().code, ErrorCode::InvalidArgument);
        QCOMPARE((*session)->data().stats.stop, StopReason::Failed);
    }

    void expectedTokensOfAPass() {
        QCOMPARE(expectedTokens(0, 8), 1.0);
        QCOMPARE(expectedTokens(1, 8), 9.0);
        QVERIFY(std::abs(expectedTokens(0.5, 2) - 1.75) < 1e-12);
        for (const double a : {0.1, 0.7, 0.97})
            for (int n = 0; n <= 16; ++n) {  // by adding up: place k is reached with a^k
                double sum = 0;
                for (int k = 0; k <= n; ++k) sum += std::pow(a, k);
                QVERIFY(std::abs(expectedTokens(a, n) - sum) < 1e-9);
            }
    }

    void bestLength() {
        // Free drafts and passes that cost the same whatever they hold: the more the better.
        QCOMPARE(bestDraftLength(1, {0, 1, 0}, 16), 16);
        // Drafts as dear as dense steps, or never right: none.
        QCOMPARE(bestDraftLength(1, {1, 0, 1}, 16), 0);
        QCOMPARE(bestDraftLength(0, {0.1, 1, 0.1}, 16), 0);
        QCOMPARE(bestDraftLength(0.9, {0.1, 1, 0}, 0), 0);
        // In between: the largest of the definition.
        for (const double a : {0.6, 0.9, 0.99}) {
            const DraftCosts c{0.3, 1, 0.05};
            const auto rate = [&](int n) {
                return expectedTokens(a, n) / (n * c.draft + c.pass + (n + 1) * c.passToken);
            };
            const int best = bestDraftLength(a, c, 16);
            for (int n = 0; n <= 16; ++n) QVERIFY(rate(best) >= rate(n));
        }
        QVERIFY(bestDraftLength(0.6, {0.3, 1, 0.05}, 16) < bestDraftLength(0.99, {0.3, 1, 0.05}, 16));
    }

    void lengthsThatAreLearned() {
        DraftLength fixed(5);
        QCOMPARE(fixed.next(16), 5);
        QCOMPARE(fixed.next(3), 3);
        // Rounds of a machine whose costs are known: what is chosen settles where the formula says.
        const auto settle = [](double acceptance, double draft, double pass, double passToken) {
            DraftLength length(0);
            double left = 0;  // deterministic: every 1 / (1 - a)-th checked token is wrong
            int32_t n = 0;
            for (int round = 0; round < 300; ++round) {
                n = length.next(kMostDrafted);
                int32_t accepted = 0;
                bool rejected = false;
                while (accepted < n && !rejected) {
                    left += 1 - acceptance;
                    rejected = left >= 1;
                    if (rejected) left -= 1;
                    else ++accepted;
                }
                length.learn(n, static_cast<int64_t>(1e6 * n * draft), n + 1,
                             static_cast<int64_t>(1e6 * (pass + (n + 1) * passToken)), accepted, rejected);
            }
            return n;
        };
        QCOMPARE(settle(1, 0.2, 1, 0.01), kMostDrafted);
        QCOMPARE(settle(1, 2, 1, 1), 0);
        QCOMPARE(settle(0, 0.2, 1, 0.1), 0);
        const int middle = settle(0.8, 0.2, 1, 0.05);
        QVERIFY2(middle > 1 && middle < 12, qPrintable(QString::number(middle)));
        // Given up, it tries again.
        DraftLength length(0);
        int nTrials = 0;
        for (int round = 0; round < 200; ++round) {
            const int32_t n = length.next(kMostDrafted);
            nTrials += n > 0 ? 1 : 0;
            length.learn(n, 1'000'000 * n, n + 1, 100'000 * (n + 1), 0, n > 0);
        }
        QCOMPARE(nTrials, 1 + 199 / 65);
    }
};

QTEST_GUILESS_MAIN(TestLossless)
#include "tst_lossless.moc"
