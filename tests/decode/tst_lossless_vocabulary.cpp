// Lossless runs under a vocabulary of tags: drafted under what the tags leave, they say what dense decoding says, token
// for token. The tags are put into the response, so that a random model's drafts run into every state behind them.
#include <QtTest>

#include "engine/decode/session.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

std::unique_ptr<RecordingBackend> backendFor(const Model& model, bool reference) {
    BackendOptions o;
    o.nThreads = 1;
    o.maxBatch = kMostDrafted + 1;
    o.kvTokens = 16384;
    auto made = reference ? makeReferenceBackend(model.weights(), o, true) : makeCpuBackend(model.weights(), o);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::make_unique<RecordingBackend>(std::move(*made));
}

RunSettings settingsFor(const std::string& vocabulary, const MaskPolicySpec& attention, float temperature) {
    RunSettings s;
    s.task = "text";
    s.promptText = "The first one is red.\n\nThe second one is green.\n\nWhich is red?";
    s.vocabulary = vocabularyText(vocabulary).value();
    s.attention = attention;
    s.sampler.temperature = temperature;
    s.sampler.seed = 5;
    s.maxTokens = 150;
    return s;
}

RunData finish(Session& session) {
    if (auto ok = session.prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        const auto more = session.step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return session.data();
    }
}

RunData run(const std::shared_ptr<const Model>& model, Backend& backend, const RunSettings& settings) {
    auto session = Session::create(model, backend, settings, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    return finish(**session);
}

/// The run from step 3 on with the text put into its response, which it then goes on from by itself.
RunData with(const std::shared_ptr<const Model>& model, Backend& backend, const RunData& from,
             const std::string& text) {
    BranchPoint point;
    point.ofRun = 1;
    point.step = 3;
    point.tokens = model->tokenizer().encode(text).value();
    auto branch = Session::branch(model, backend, from, point, {}, 2);
    if (!branch) qFatal("%s", branch.error().toString().c_str());
    return finish(**branch);
}

void compare(const RunData& got, const RunData& want) {
    QCOMPARE(got.steps.size(), want.steps.size());
    for (size_t i = 0; i < want.steps.size(); ++i) {
        QCOMPARE(got.steps[i].token.id, want.steps[i].token.id);
        QCOMPARE(got.steps[i].token.text, want.steps[i].token.text);
        QCOMPARE(got.steps[i].logprob, want.steps[i].logprob);
        QCOMPARE(got.steps[i].phase, want.steps[i].phase);
        QCOMPARE(got.steps[i].segment, want.steps[i].segment);
        QCOMPARE(*got.steps[i].visible, *want.steps[i].visible);
    }
    QCOMPARE(got.changes, want.changes);
    QCOMPARE(got.violations.size(), want.violations.size());
    QCOMPARE(got.segments.size(), want.segments.size());
    QCOMPARE(got.answer, want.answer);
    QCOMPARE(got.stats.stop, want.stats.stop);
    QCOMPARE(got.stats.markupTokens, want.stats.markupTokens);
}

/// Queries of the response that did not read all that stands before them: only drafts have such.
int nHiding(const RecordingBackend& backend) {
    int n = 0;
    for (const auto& query : backend.decoded) n += query.visible == IntervalList{{0, kOpenEnd}} ? 0 : 1;
    return n;
}

}  // namespace

class TestLosslessVocabulary : public QObject {
    Q_OBJECT
  private slots:
    void saysWhatDenseSays_data() {
        QTest::addColumn<QString>("vocabulary");
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("drafted");
        QTest::addColumn<float>("temperature");
        QTest::addColumn<bool>("reference");
        const std::pair<const char*, const char*> texts[] = {
            {"memento", "ab<|block_start|> 1 2 3 <|block_end|><|summary_start|>6<|summary_end|> so"},
            {"memento", "<|block_start|>12<|block_end|><|summary_start|>6<|summary_end|>7<|block_start|>8 9"},
            {"lightthinker", "1 2 3<commit>6</commit>7 8<commit>9</commit>"},
            {"lightthinker", "1 2 3<commit>6</commit>7 8<commit>9</commit><expand step=\"1\">"}};
        for (const auto& [vocabulary, text] : texts)
            for (const int drafted : {0, 1, 4, kMostDrafted})
                for (const float temperature : {0.0F, 0.8F})
                    for (const bool reference : {false, true})
                        QTest::addRow("%s, %s, %d drafted, temperature %.1f, %s", vocabulary, text, drafted,
                                      static_cast<double>(temperature), reference ? "reference" : "CPU")
                            << QString(vocabulary) << QString(text) << drafted << temperature << reference;
    }
    void saysWhatDenseSays() {
        QFETCH(QString, vocabulary);
        QFETCH(QString, text);
        QFETCH(int, drafted);
        QFETCH(float, temperature);
        QFETCH(bool, reference);
        const auto model = tinyModel({.seed = 3});
        const auto backend = backendFor(*model, reference);
        const auto settings = [&](const MaskPolicySpec& attention) {
            return settingsFor(vocabulary.toStdString(), attention, temperature);
        };
        const RunData plain = run(model, *backend, settings(MaskPolicySpec::dense()));
        const RunData lossless = run(model, *backend, settings(MaskPolicySpec::lossless(drafted)));
        compare(lossless, plain);
        const RunData want = with(model, *backend, plain, text.toStdString());
        QVERIFY(want.steps.size() > (temperature > 0 ? 0 : 100));  // a sampled run may end at any step
        QCOMPARE(nHiding(*backend), 0);
        const RunData got = with(model, *backend, lossless, text.toStdString());
        compare(got, want);
        if (drafted > 0 && temperature == 0) QVERIFY(nHiding(*backend) > 0);  // else as many as pay, which may be none
        const DraftStats& draft = got.stats.draft;
        QVERIFY(draft.passes > 0 && draft.accepted + draft.rejected > 0);
    }
};

QTEST_GUILESS_MAIN(TestLosslessVocabulary)
#include "tst_lossless_vocabulary.moc"
