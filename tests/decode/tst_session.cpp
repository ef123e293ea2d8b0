// A session against the plainest loop there is, on random models; its records against what the backend was given.
#include <QtTest>
#include <algorithm>
#include <limits>
#include <thread>

#include "engine/decode/prompt.h"
#include "engine/decode/session.h"
#include "engine/policy/policies.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

BackendOptions options(int64_t kvTokens = 8192) {
    BackendOptions o;
    o.nThreads = 1;
    o.kvTokens = kvTokens;
    return o;
}

std::unique_ptr<Backend> reference(const Model& model) {
    auto backend = makeReferenceBackend(model.weights(), options(), true);
    return backend ? std::move(*backend) : nullptr;
}

/// Prompt and tokens one by one through decode() with everything visible, arg max of the logits.
std::vector<int32_t> naiveGreedy(const Model& model, const std::vector<int32_t>& prompt, int32_t n,
                                 bool stopAtEos = true) {
    auto backend = reference(model);
    const SequenceId sequence = backend->createSequence(static_cast<int32_t>(prompt.size()) + n).value();
    const Interval everything{0, kOpenEnd};
    const auto vocab = static_cast<size_t>(model.weights().shape.vocab);
    std::vector<int32_t> tokens = prompt, out;
    std::vector<float> logits(vocab);
    for (size_t position = 0; out.size() < static_cast<size_t>(n); ++position) {
        if (position == tokens.size()) {
            const int32_t best = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
            if (stopAtEos && best == model.tokenizer().eosId()) break;
            out.push_back(best);
            tokens.push_back(best);
            if (out.size() == static_cast<size_t>(n)) break;
        }
        const DecodeItem item{sequence, tokens[position], static_cast<int32_t>(position), {&everything, 1}, 0};
        int32_t ignored = 0;
        float logprob = 0;
        if (!backend->decode({&item, 1}, {{&ignored, 1}, {&logprob, 1}, logits})) return {};
    }
    return out;
}

std::vector<int32_t> ids(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& s : run.steps) list.push_back(s.token.id);
    return list;
}

/// Passes everything on, but says in some steps that the likeliest token is one that may not be said.
class ForbiddenBest : public RecordingBackend {
  public:
    ForbiddenBest(std::unique_ptr<Backend> inner, int32_t id, size_t every)
        : RecordingBackend(std::move(inner)), m_id(id), m_every(every) {}
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        Status status = RecordingBackend::decode(items, output);
        if (batchSizes.size() % m_every == 0) std::fill(output.argmax.begin(), output.argmax.end(), m_id);
        return status;
    }

  private:
    int32_t m_id;
    size_t m_every;
};

/// Passes everything on until a step whose logits are all NaN, as a device computes them from weights with NaN.
class FailingNumbers : public RecordingBackend {
  public:
    FailingNumbers(std::unique_ptr<Backend> inner, size_t atStep)
        : RecordingBackend(std::move(inner)), m_atStep(atStep) {}
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        Status status = RecordingBackend::decode(items, output);
        if (batchSizes.size() <= m_atStep) return status;
        constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
        std::fill(output.argmaxLogprob.begin(), output.argmaxLogprob.end(), kNan);
        std::fill(output.maybeLogits.begin(), output.maybeLogits.end(), kNan);
        return status;
    }

  private:
    size_t m_atStep;
};

RunSettings settings(const std::string& task, const std::string& text, const MaskPolicySpec& attention, int32_t n) {
    RunSettings s;
    s.task = task;
    s.promptText = text;
    s.attention = attention;
    s.maxTokens = n;
    return s;
}

/// Prefills and steps to the end.
RunData runToEnd(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& s) {
    auto session = Session::create(std::move(model), backend, s, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    if (auto ok = (*session)->prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        auto more = (*session)->step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return (*session)->data();
    }
}

const char* kSheet = "64-71\n$1*3\n$1+$2\n7*7\n$4-$1";

}  // namespace

class TestSession : public QObject {
    Q_OBJECT

  private slots:
    /// Any id that a file names ends a run, and the run says which one did.
    void everyStopIdEndsARun() {
        const ScratchFolder folder;
        QVERIFY(writeTinyModel(folder.path()));
        const RunSettings s = settings("expression", "1+2", MaskPolicySpec::dense(), 8);
        const auto run = [&] {
            auto model = openModel(folder.path());
            if (!model) qFatal("%s", model.error().toString().c_str());
            const auto backend = reference(**model);
            return runToEnd(*model, *backend, s);
        };
        const RunData whole = run();
        QVERIFY(whole.steps.size() >= 3);
        QCOMPARE(whole.stats.stopId, -1);
        QVERIFY(whole.stats.stopPiece.empty());
        const TokenInfo last = whole.steps[2].token;
        const auto same = [&last](const StepRecord& step) { return step.token.id == last.id; };
        const auto before = std::find_if(whole.steps.begin(), whole.steps.end(), same) - whole.steps.begin();
        QVERIFY(writeFile(folder.file("generation_config.json"),
                          "{\"eos_token_id\": [1, " + std::to_string(last.id) + "]}"));
        const RunData cut = run();
        QCOMPARE(cut.steps.size(), static_cast<size_t>(before));
        QCOMPARE(cut.stats.stop, StopReason::EndOfText);
        QCOMPARE(cut.stats.stopId, last.id);
        QVERIFY(!cut.stats.stopPiece.empty());
        QCOMPARE(stopWords(cut.stats), "eos (" + cut.stats.stopPiece + ")");
    }

    void denseEqualsTheNaiveLoop_data() {
        QTest::addColumn<quint64>("seed");
        QTest::addColumn<int>("nPrompt");
        QTest::addColumn<int>("window");
        QTest::newRow("one token") << quint64{1} << 1 << 0;
        QTest::newRow("37") << quint64{2} << 37 << 0;
        QTest::newRow("a chunk and one") << quint64{3} << 513 << 0;
        QTest::newRow("501") << quint64{4} << 501 << 0;
    }

    void denseEqualsTheNaiveLoop() {
        QFETCH(quint64, seed);
        QFETCH(int, nPrompt);
        TinyModelOptions o;
        o.seed = seed;
        o.tiedHead = seed % 2 == 0;
        const auto model = tinyModel(o);
        std::mt19937_64 random(seed);
        RunSettings s = settings("expression", "", MaskPolicySpec::dense(), 24);
        for (int i = 0; i < nPrompt; ++i)
            s.promptIds.push_back(static_cast<int32_t>(random() % static_cast<uint64_t>(model->weights().shape.vocab)));
        const std::vector<int32_t> expected = naiveGreedy(*model, s.promptIds, 24);
        QVERIFY(!expected.empty());
        auto backend = reference(*model);
        QCOMPARE(ids(runToEnd(model, *backend, s)), expected);
        auto cpu = makeCpuBackend(model->weights(), options());
        QVERIFY(cpu.ok());
        QCOMPARE(ids(runToEnd(model, **cpu, s)), expected);
    }

    /// The likeliest token is all that a greedy step asks for; the others are looked at where that may not be said.
    void logitsAreFetchedWhereTheLikeliestIsForbidden() {
        const auto model = tinyModel({.spareRows = 3});
        const int32_t id = model->tokenizer().vocabSize() + 1;  // stands for nothing
        QVERIFY(id < model->weights().shape.vocab);
        const RunSettings s = settings("sheet", kSheet, parseMaskPolicy("declared").value(), 40);
        RecordingBackend honest(reference(*model));
        const RunData expected = runToEnd(model, honest, s);
        QCOMPARE(honest.nLateLogits, 0);
        ForbiddenBest backend(reference(*model), id, 5);
        const RunData run = runToEnd(model, backend, s);
        QCOMPARE(ids(run), ids(expected));
        QVERIFY(!backend.logitsAsked);
        QCOMPARE(backend.nLateLogits, int(run.steps.size() / 5));
    }

    void recordsAreWhatTheBackendWasGiven_data() {
        QTest::addColumn<QString>("attention");
        QTest::addColumn<QString>("task");
        QTest::addColumn<QString>("text");
        for (const char* attention : {"dense", "declared", "keep=9", "scatter=32", "window=9"}) {
            QTest::addRow("%s sheet", attention) << attention << "sheet" << kSheet;
            QTest::addRow("%s expression", attention) << attention << "expression"
                                                      << "(12+7)*(3-8)-(-4)";
            QTest::addRow("%s text", attention) << attention << "text"
                                                << "Grüße, <attend> is just text";
        }
    }

    void recordsAreWhatTheBackendWasGiven() {
        QFETCH(QString, attention);
        QFETCH(QString, task);
        QFETCH(QString, text);
        const auto model = tinyModel({});
        RecordingBackend backend(reference(*model));
        const MaskPolicySpec policy = parseMaskPolicy(attention.toStdString()).value();
        const RunSettings s = settings(task.toStdString(), text.toStdString(), policy, 60);
        const RunData run = runToEnd(model, backend, s);
        const RunHeader& h = run.header;
        QCOMPARE(backend.nLive, 0);
        QVERIFY(!backend.logitsAsked);  // greedy copies no logits
        QCOMPARE(backend.prompt.size(), h.prompt.size());
        QCOMPARE(h.promptVisible.size(), h.prompt.size());
        for (size_t i = 0; i < h.prompt.size(); ++i) {
            QCOMPARE(backend.prompt[i].token, h.prompt[i].id);
            QCOMPARE(backend.prompt[i].position, static_cast<int32_t>(i));
            QCOMPARE(backend.prompt[i].visible, *h.promptVisible[i]);
        }
        QCOMPARE(backend.decoded.size(), run.steps.size());
        int64_t attended = 0, loaded = 0, causal = 0;
        for (size_t i = 0; i < run.steps.size(); ++i) {
            const StepRecord& step = run.steps[i];
            QCOMPARE(step.index, static_cast<int32_t>(i));
            QCOMPARE(step.position, static_cast<int32_t>(h.prompt.size() + i));
            QCOMPARE(backend.decoded[i].token, step.token.id);
            QCOMPARE(backend.decoded[i].position, step.position);
            QCOMPARE(backend.decoded[i].visible, *step.visible);
            if (i > 0 && backend.decoded[i].maskId != 0)  // equal ids promise equal lists
                QCOMPARE(backend.decoded[i].maskId == backend.decoded[i - 1].maskId,
                         backend.decoded[i].visible == backend.decoded[i - 1].visible);
            int32_t n = 0;
            for (int32_t key = 0; key <= step.position; ++key) n += mayRead(*step.visible, step.position, key) ? 1 : 0;
            QCOMPARE(step.attended, n);
            QVERIFY(step.loaded >= step.attended && step.loaded <= step.causal);
            QCOMPARE(step.causal, step.position + 1);
            QVERIFY(mayRead(*step.visible, step.position, step.position));
            QVERIFY(step.segment < static_cast<int32_t>(run.segments.size()));
            attended += step.attended;
            loaded += step.loaded;
            causal += step.causal;
        }
        QCOMPARE(run.stats.attendedTokens, attended);
        QCOMPARE(run.stats.loadedTokens, loaded);
        QCOMPARE(run.stats.causalTokens, causal);
        if (policy.isDense()) QCOMPARE(attended, causal);
    }

    void segmentsAreTheTrackersInEveryMode() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        for (const MaskPolicySpec& mode : {MaskPolicySpec::dense(), MaskPolicySpec::declared()}) {
            const RunData run = runToEnd(model, *backend, settings("sheet", kSheet, mode, 200));
            // Replaying the tokens through a fresh tracker gives the same segments and violations.
            SpanTracker tracker(model->tokenizer().pieceIds(), preparePrompt(*model, run.header.settings)->policy);
            std::vector<int32_t> prompt;
            for (const TokenInfo& t : run.header.prompt) prompt.push_back(t.id);
            tracker.consumePrompt(prompt);
            for (const StepRecord& step : run.steps) {
                const TokenView view = tracker.consume(step.token.id);
                QCOMPARE(view.phase, step.phase);
                QCOMPARE(view.segment, step.segment);
                if (mode == MaskPolicySpec::declared()) QCOMPARE(*view.visible, *step.visible);
            }
            tracker.finish(run.stats.stop);
            QCOMPARE(run.segments.size(), tracker.segments().size());
            for (size_t i = 0; i < run.segments.size(); ++i) {
                QCOMPARE(run.segments[i].begin, tracker.segments()[i].begin);
                QCOMPARE(run.segments[i].end, tracker.segments()[i].end);
                QCOMPARE(run.segments[i].refs.size(), tracker.segments()[i].refs.size());
                QCOMPARE(run.segments[i].fallback, tracker.segments()[i].fallback);
            }
            QCOMPARE(run.violations.size(), tracker.violations().size());
        }
    }

    void declaredIsDenseWhereThereIsNoProtocol() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        const RunData dense = runToEnd(model, *backend, settings("text", "some words", MaskPolicySpec::dense(), 20));
        const RunData declared =
            runToEnd(model, *backend, settings("text", "some words", MaskPolicySpec::declared(), 20));
        QCOMPARE(ids(declared), ids(dense));
        QCOMPARE(declared.stats.attendedTokens, declared.stats.causalTokens);
        QVERIFY(declared.violations.empty());
    }

    void slidingWindowIsFoldedIn() {
        TinyModelOptions o;
        o.slidingWindow = 8;
        const auto model = tinyModel(o);
        RecordingBackend backend(reference(*model));
        RunSettings s = settings("expression", "(12+7)*(3-8)", MaskPolicySpec::dense(), 12);
        const RunData run = runToEnd(model, backend, s);
        for (const auto& queries : {backend.prompt, backend.decoded}) {
            for (const auto& q : queries) {
                for (int32_t key = 0; key <= q.position; ++key)
                    QCOMPARE(mayRead(q.visible, q.position, key), key > q.position - 8);
            }
        }
        QVERIFY(run.steps.back().attended == 8);
    }

    void limitsAndReasons() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        RunSettings s = settings("text", "abc", MaskPolicySpec::dense(), 5);
        RunData run = runToEnd(model, *backend, s);
        QCOMPARE(run.stats.stop, StopReason::TokenLimit);
        QCOMPARE(run.steps.size(), size_t{5});
        QCOMPARE(run.stats.responseTokens, 5);
        s.maxTokens = 0;
        run = runToEnd(model, *backend, s);
        QCOMPARE(run.stats.stop, StopReason::TokenLimit);
        QVERIFY(run.steps.empty());
        s.maxTokens = -1;
        s.contextTokens = static_cast<int32_t>(run.header.prompt.size()) + 7;
        run = runToEnd(model, *backend, s);
        QCOMPARE(run.stats.stop, StopReason::ContextFull);
        QCOMPARE(run.steps.size(), size_t{7});
        s.contextTokens = 2;
        QVERIFY(!Session::create(model, *backend, s, 1).ok());
    }

    void refusals() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        auto refused = [&](const RunSettings& s) {
            auto session = Session::create(model, *backend, s, 1);
            return !session && session.error().code == ErrorCode::InvalidArgument ? session.error().toString()
                                                                                  : std::string();
        };
        QVERIFY(refused(settings("poetry", "x", MaskPolicySpec::dense(), 1)).find("poetry") != std::string::npos);
        QVERIFY(refused(settings("expression", "12+*3", MaskPolicySpec::dense(), 1)).find("column 4") !=
                std::string::npos);
        RunSettings s = settings("text", "", MaskPolicySpec::dense(), 1);
        s.promptIds = {1, 1 << 20};
        QVERIFY(refused(s).find("vocabulary") != std::string::npos);
        s = settings("text", "a", {"keep", 0}, 1);
        QVERIFY(!refused(s).empty());
        s = settings("text", "a", MaskPolicySpec::dense(), 1);
        s.sampler.topP = 0;
        QVERIFY(!refused(s).empty());
        auto session = Session::create(model, *backend, settings("text", "a", MaskPolicySpec::dense(), 1), 1);
        QVERIFY(!(*session)->step().ok());  // before prefill
        QVERIFY((*session)->prefill(nullptr, {}).ok());
        QVERIFY(!(*session)->prefill(nullptr, {}).ok());
    }

    void stopIsSeenBetweenChunks() {
        const auto model = tinyModel({});
        auto backend = makeCpuBackend(model->weights(), options());
        RunSettings s = settings("text", "", MaskPolicySpec::dense(), 4);
        s.promptIds.assign(2000, 100);
        auto session = Session::create(model, **backend, s, 1);
        std::atomic<bool> stop{false};
        std::vector<int32_t> done;
        const Status ok = (*session)->prefill(&stop, [&](int32_t n, int32_t total) {
            QCOMPARE(total, 2000);
            done.push_back(n);
            stop = n >= 1000;
        });
        QVERIFY(!ok.ok());
        QCOMPARE(ok.error().code, ErrorCode::Cancelled);
        QCOMPARE(done, (std::vector<int32_t>{512, 1024}));
        QCOMPARE((*session)->data().stats.stop, StopReason::Cancelled);
        QVERIFY(!(*session)->step().value());
    }

    void interleavedRunsKeepTheirOwnClocks() {
        const auto model = tinyModel({});
        auto backend = makeCpuBackend(model->weights(), options());
        const RunSettings a = settings("sheet", kSheet, MaskPolicySpec::dense(), 50);
        const RunSettings b = settings("sheet", kSheet, MaskPolicySpec::declared(), 20);
        const std::vector<int32_t> aloneA = ids(runToEnd(model, **backend, a)),
                                   aloneB = ids(runToEnd(model, **backend, b));
        auto one = Session::create(model, **backend, a, 1), two = Session::create(model, **backend, b, 2);
        QVERIFY(one.ok() && two.ok());
        QVERIFY((*one)->prefill(nullptr, {}).ok() && (*two)->prefill(nullptr, {}).ok());
        std::vector<int64_t> order;
        const auto startedAt = std::chrono::steady_clock::now();
        QVERIFY(runInterleaved({one->get(), two->get()}, 16, nullptr, [&](Session& s) {
                    order.push_back(s.data().header.runId);
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // a watcher's time is nobody's
                }).ok());
        const int64_t wall = (std::chrono::steady_clock::now() - startedAt).count();
        QCOMPARE(ids((*one)->data()), aloneA);
        QCOMPARE(ids((*two)->data()), aloneB);
        std::vector<int64_t> expected(16, 1);
        expected.insert(expected.end(), 16, 2);
        expected.insert(expected.end(), 16, 1);
        expected.insert(expected.end(), aloneB.size() - 16, 2);
        expected.insert(expected.end(), aloneA.size() - 32, 1);
        QCOMPARE(order, expected);
        for (Session* s : {one->get(), two->get()}) {
            const RunData& run = s->data();
            int64_t sum = run.stats.ttftNs;
            for (const StepRecord& step : run.steps) {
                sum += step.wallNs;
                QCOMPARE(step.atNs, sum);  // nothing but its own steps
            }
            QCOMPARE(run.stats.decodeNs, run.steps[run.steps.size() - 2].atNs - run.stats.ttftNs);
            QVERIFY(run.stats.decodeNs < wall - static_cast<int64_t>(order.size()) * 1'000'000);
        }
    }

    void textIsJoinedToCharacters() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        const RunData run = runToEnd(model, *backend, settings("text", "naïve ≤ 日本", MaskPolicySpec::dense(), 40));
        std::string prompt, response;
        for (const TokenInfo& t : run.header.prompt)
            if (!model->tokenizer().isControl(t.id)) prompt += t.text;
        QCOMPARE(prompt, std::string("naïve ≤ 日本"));
        for (const StepRecord& s : run.steps) {
            QVERIFY(QString::fromUtf8(s.token.text.c_str()).toUtf8().toStdString() == s.token.text);  // valid UTF-8
            response += s.token.text;
        }
    }

    void sampledRunsRepeat() {
        const auto model = tinyModel({});
        RecordingBackend backend(reference(*model));
        RunSettings s = settings("text", "abc", MaskPolicySpec::dense(), 30);
        s.sampler.temperature = 1;
        s.sampler.seed = 5;
        const auto first = ids(runToEnd(model, backend, s));
        QVERIFY(backend.logitsAsked);
        QCOMPARE(ids(runToEnd(model, backend, s)), first);
        s.sampler.seed = 6;
        QVERIFY(ids(runToEnd(model, backend, s)) != first);
    }

    /// Weights whose products overflow (those that hold NaN do not open): the run says so at once, greedy and sampled,
    /// and answers nothing.
    void weightsThatOverflow() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path(), {.dtype = DType::BF16}));
        std::string file = test::readFile(folder.file("model.safetensors"));
        for (size_t i = file.size() / 2; i + 1 < file.size(); i += 2) file.replace(i, 2, "\x7F\x7F");
        QVERIFY(test::writeFile(folder.file("model.safetensors"), file));
        const auto model = openModel(folder.path());
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        for (const float temperature : {0.0F, 1.0F}) {
            for (const bool cpu : {false, true}) {
                auto backend = cpu ? makeCpuBackend((*model)->weights(), options())
                                   : makeReferenceBackend((*model)->weights(), options(), false);
                QVERIFY(backend);
                RunSettings s = settings("text", "12", MaskPolicySpec::dense(), 4);
                s.sampler.temperature = temperature;
                auto session = Session::create(*model, **backend, s, 1);
                QVERIFY(session);
                const Status status = (*session)->prefill(nullptr, {});
                QVERIFY(!status);
                QVERIFY(status.error().message.find("not a number") != std::string::npos);
                QCOMPARE((*session)->data().stats.stop, StopReason::NotFinite);
                QVERIFY((*session)->data().steps.empty());
            }
        }
    }

    void numbersThatFailLater() {
        const auto model = tinyModel();
        for (const float temperature : {0.0F, 1.0F}) {
            FailingNumbers backend(reference(*model), 3);
            RunSettings s = settings("text", "12", MaskPolicySpec::dense(), 20);
            s.sampler.temperature = temperature;
            auto session = Session::create(model, backend, s, 1);
            QVERIFY(session && (*session)->prefill(nullptr, {}));
            Result<bool> more = true;
            while (more && *more) more = (*session)->step();
            QVERIFY(!more);
            QCOMPARE((*session)->data().stats.stop, StopReason::NotFinite);
            QCOMPARE((*session)->data().steps.size(), size_t{4});  // what was decoded before stays
        }
    }
};

QTEST_GUILESS_MAIN(TestSession)
#include "tst_session.moc"
