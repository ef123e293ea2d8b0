// Runs of a model whose layers differ in their window: what is recorded as loaded is what the backend loaded.
#include <QtTest>

#include <set>

#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/model/step_bytes.h"
#include "engine/policy/policies.h"
#include "kernels/backends.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// Another model with windows given to its layers.
class WindowedModel : public Model {
  public:
    WindowedModel(std::shared_ptr<const Model> model, const std::vector<int32_t>& windows)
        : m_model(std::move(model)), m_weights(m_model->weights()) {
        for (const int32_t w : windows) m_weights.shape.layerKinds.push_back({.window = w});
    }
    const std::string& path() const override { return m_model->path(); }
    const std::string& name() const override { return m_model->name(); }
    const std::string& hash() const override { return m_model->hash(); }
    const ModelWeights& weights() const override { return m_weights; }
    const Tokenizer& tokenizer() const override { return m_model->tokenizer(); }
    const SpanscopeCard& card() const override { return m_model->card(); }
    const ChatTemplates& chatTemplates() const override { return m_model->chatTemplates(); }
    std::span<const int32_t> stopIds() const override { return m_model->stopIds(); }
    const AdapterInfo* adapter() const override { return m_model->adapter(); }
    const std::vector<std::string>& notes() const override { return m_model->notes(); }
    uint64_t weightBytes() const override { return m_model->weightBytes(); }
    std::string formatName() const override { return m_model->formatName(); }

  private:
    std::shared_ptr<const Model> m_model;
    ModelWeights m_weights;
};

struct Loaded {
    double tokens = 0;  ///< mean over layers
    int64_t pages = 0;  ///< of all layers together
};

Loaded byHand(const IntervalList& list, int32_t query, const std::vector<int32_t>& windows) {
    Loaded all;
    for (const int32_t window : windows) {
        std::set<int32_t> pages;
        for (int32_t k = 0; k <= query; ++k)
            if (mayRead(list, query, k) && (window == 0 || query - k < window)) pages.insert(k / kPageTokens);
        all.pages += static_cast<int64_t>(pages.size());
        for (const int32_t p : pages) all.tokens += std::min((p + 1) * kPageTokens, query + 1) - p * kPageTokens;
    }
    all.tokens /= static_cast<double>(windows.size());
    return all;
}

const std::vector<int32_t> kWindows{20, 0, 3, 20};

}  // namespace

class TestWindowedLayers : public QObject {
    Q_OBJECT

  private slots:
    void loadedIsWhatTheBackendLoaded_data() {
        QTest::addColumn<QString>("attention");
        for (const char* attention : {"dense", "declared", "keep=9"}) QTest::newRow(attention) << attention;
    }
    void loadedIsWhatTheBackendLoaded() {
        QFETCH(QString, attention);
        TinyModelOptions o;
        o.nLayers = 4;
        const auto model = std::make_shared<const WindowedModel>(tinyModel(o), kWindows);
        auto backend = makeCpuBackend(model->weights(), {.nThreads = 2, .kvTokens = 1024});
        QVERIFY(backend.ok());
        RunSettings s;
        s.task = "sheet";
        s.promptText = "64-71\n$1*3\n$1+$2\n7*7\n$4-$1";
        s.attention = parseMaskPolicy(attention.toStdString()).value();
        s.maxTokens = 90;
        auto session = Session::create(model, **backend, s, 1);
        QVERIFY(session.ok());
        QVERIFY((*session)->prefill(nullptr, {}).ok());
        const auto& counter = static_cast<cpu::CpuBackend&>(**backend);
        const uint64_t before = counter.kvPagesLoaded();
        for (;;) {
            const auto more = (*session)->step();
            QVERIFY(more.ok());
            if (!*more) break;
        }
        const RunData& run = (*session)->data();
        QCOMPARE(run.header.layerWindows, (LayerWindows{{0, 1}, {3, 1}, {20, 2}}));
        QCOMPARE(run.header.weightBytesPerStep, int64_t(weightBytesPerStep(model->weights())));
        QVERIFY(run.header.weightBytesPerStep > 0 && stepBytesOf(run).known());
        QVERIFY(run.steps.size() > 20);
        int64_t loaded = 0, pages = 0;
        for (const StepRecord& step : run.steps) {
            const Loaded want = byHand(*step.visible, step.position, kWindows);
            QVERIFY(std::abs(step.loaded - want.tokens) <= 0.5);
            QCOMPARE(step.attended, attendedTokens(*step.visible, step.position));  // the list, whatever layers read
            QVERIFY(step.loaded < step.causal);
            loaded += step.loaded;
            pages += want.pages;
        }
        QCOMPARE(int64_t(counter.kvPagesLoaded() - before), pages * model->weights().shape.nKvHeads);
        QCOMPARE(run.stats.loadedTokens, loaded);
        QCOMPARE(run.stats.kvLoadedBytes(), loaded * run.stats.kvBytesPerToken);
    }

    void anEditCountsAsItsRun() {
        TinyModelOptions o;
        o.nLayers = 4;
        const auto model = std::make_shared<const WindowedModel>(tinyModel(o), kWindows);
        auto backend = makeCpuBackend(model->weights(), {.nThreads = 2, .kvTokens = 1024});
        QVERIFY(backend.ok());
        RunSettings s;
        s.task = "text";
        s.promptText = "one two three four five six seven eight nine ten eleven twelve thirteen";
        s.attention = MaskPolicySpec::dense();
        s.maxTokens = 30;
        auto session = Session::create(model, **backend, s, 1);
        QVERIFY(session.ok());
        QVERIFY((*session)->prefill(nullptr, {}).ok());
        while (!(*session)->finished()) QVERIFY((*session)->step().ok());
        const auto run = std::make_shared<const RunData>((*session)->takeData());
        auto inspector = Inspector::create(model, **backend, run);
        QVERIFY2(inspector.ok(), inspector.ok() ? "" : inspector.error().toString().c_str());
        QVERIFY((*inspector)->replay(nullptr, {}).ok());
        const auto last = static_cast<int32_t>(run->steps.size()) - 1;
        const int32_t position = run->steps.back().position;
        const IntervalList edited{{0, 2}, {position - 1, kOpenEnd}};
        const auto edit = (*inspector)->edit(last, edited, 3);
        QVERIFY2(edit.ok(), edit.ok() ? "" : edit.error().toString().c_str());
        QCOMPARE(edit->loadedBefore, run->steps.back().loaded);
        QVERIFY(std::abs(edit->loadedAfter - byHand(edited, position, kWindows).tokens) <= 0.5);
    }
};

QTEST_GUILESS_MAIN(TestWindowedLayers)
#include "tst_windowed_layers.moc"
