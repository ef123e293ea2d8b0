// Tiny models against what Hugging Face transformers computes with them in float32: logits of 64 positions and 64
// greedy tokens, on every backend of the machine (tests/fixtures/golden has the recipe). Ends with the table of all of
// them. CUDA gets the weights in F32: with 16-bit matrices its prompts round activations too, by more than what is
// compared here.
#include <QtTest>

#include <cmath>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>

#include "engine/decode/session.h"
#include "kernels/backends.h"
#include "kernels/model_tensors.h"
#include "kernels/reference/dequantize.h"
#include "tests/model/golden_models.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";
constexpr double kTolerance = 1e-4;  // of the row's largest logit; float32 sums in another order

std::unique_ptr<Backend> makeBackend(const std::string& name, const ModelWeights& weights) {
    BackendOptions options;
    options.kvTokens = 256;
    options.kvType = DType::F32;  // the default rounds more than the tolerance allows
    options.nThreads = name == "cpu 3" ? 3 : 1;
    auto backend = name == "cuda"            ? makeBackend(Device::Cuda, weights, options)
                   : name.starts_with("cpu") ? makeCpuBackend(weights, options)
                                             : makeReferenceBackend(weights, options, name == "float64");
    if (!backend) qFatal("%s", backend.error().toString().c_str());
    return std::move(*backend);
}

/// Every tensor in F32, in `memory`.
ModelWeights widened(ModelWeights weights, std::deque<std::vector<float>>& memory) {
    forEachTensor(weights, [&](TensorView& view, const TensorSpec&, int32_t) {
        if (!view) return;
        std::vector<float>& values = memory.emplace_back(size_t(view.rows * view.cols));
        const size_t stride = rowBytes(view.dtype, view.cols);
        for (int64_t row = 0; row < view.rows; ++row)
            dequantizeRow(view.dtype, static_cast<const uint8_t*>(view.data) + size_t(row) * stride, view.cols,
                          &values[size_t(row * view.cols)]);
        view = {values.data(), DType::F32, view.rows, view.cols};
    });
    return weights;
}

struct Golden {
    std::vector<int32_t> prompt, greedy;
    std::vector<float> logits;
};

Golden readGolden(const std::string& name) {
    static const auto all = [] {
        auto cases = nlohmann::json::parse(test::readFile(kFolder + "expected.json"))["cases"];
        cases.update(test::familyCases());
        return cases;
    }();
    Golden golden;
    golden.prompt = all[name]["prompt"].get<std::vector<int32_t>>();
    golden.greedy = all[name]["greedy"].get<std::vector<int32_t>>();
    const std::string bytes = test::readFile(kFolder + name + ".logits.f32");
    golden.logits.resize(bytes.size() / sizeof(float));
    std::memcpy(golden.logits.data(), bytes.data(), bytes.size());
    return golden;
}

/// Largest difference in a row, relative to the row's largest logit.
double rowError(const float* found, const float* expected, int32_t n) {
    double difference = 0;
    double largest = 0;
    for (int32_t i = 0; i < n; ++i) {
        difference = std::max(difference, std::abs(double(found[i]) - double(expected[i])));
        largest = std::max(largest, std::abs(double(expected[i])));
        if (!std::isfinite(found[i])) return INFINITY;
    }
    return difference / largest;
}

}  // namespace

class TestGolden : public QObject {
    Q_OBJECT
  private slots:
    void agrees_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("backend");
        std::vector<const char*> backends{"float64", "float32", "cpu 1", "cpu 3"};
        if (preferredDevice() == Device::Cuda) backends.push_back("cuda");
        for (const char* backend : backends) {
            for (const char* name :
                 {"mha", "gqa_8_2", "tied", "biased", "rope_linear", "rope_llama3", "sliding_window", "bf16",
                  "F32.gguf", "F16.gguf", "BF16.gguf", "Q8_0.gguf", "Q4_0.gguf", "Q4_K.gguf", "Q5_K.gguf", "Q6_K.gguf"})
                QTest::addRow("%s on %s", name, backend) << name << backend;
            for (const std::string& name : test::familyNames())
                QTest::addRow("%s on %s", name.c_str(), backend) << name.c_str() << backend;
        }
    }
    void agrees() {
        QFETCH(QString, name);
        QFETCH(QString, backend);
        const Golden golden = readGolden(name.toStdString());
        QCOMPARE(golden.prompt.size(), size_t{64});
        QCOMPARE(golden.greedy.size(), size_t{64});
        test::ScratchFolder scratch;
        std::string path = kFolder + name.toStdString();
        if (test::familyCases().contains(name.toStdString()) && !test::hasWeights(name.toStdString())) {
            path = scratch.path();
            QVERIFY(test::copyGoldenFolder(name.toStdString(), path));
        }
        const auto opened = openModel(path);
        QVERIFY2(opened, opened ? "" : opened.error().toString().c_str());
        std::deque<std::vector<float>> memory;
        const ModelWeights weights = backend == "cuda" ? widened((*opened)->weights(), memory) : (*opened)->weights();
        const int32_t vocab = weights.shape.vocab;
        QCOMPARE(golden.logits.size(), size_t(64 * vocab));
        const auto engine = makeBackend(backend.toStdString(), weights);
        const auto sequence = engine->createSequence(200);
        QVERIFY(sequence);

        std::vector<float> logits(golden.logits.size());
        std::vector<IntervalList> lists;
        std::vector<QueryRun> runs;
        for (int32_t i = 0; i < 64; ++i) lists.push_back(visibleAt(weights.shape, i));
        for (int32_t i = 0; i < 64; ++i) runs.push_back({i, i + 1, lists[size_t(i)]});
        const Status prefilled = engine->prefill(*sequence, golden.prompt, runs, logits);
        QVERIFY2(prefilled, prefilled ? "" : prefilled.error().toString().c_str());
        double worst = 0;
        for (int32_t i = 0; i < 64; ++i)
            worst = std::max(worst, rowError(&logits[size_t(i * vocab)], &golden.logits[size_t(i * vocab)], vocab));
        m_table += QString("| %1 | %2 | %3 | ").arg(name, backend).arg(worst, 0, 'e', 1);
        QVERIFY2(worst <= kTolerance, QByteArray::number(worst));

        const auto last = logits.end() - vocab;
        auto token = int32_t(std::max_element(last, logits.end()) - last);
        std::vector<int32_t> greedy;
        for (int32_t position = 64; greedy.size() < 64; ++position) {
            greedy.push_back(token);
            const IntervalList visible = visibleAt(weights.shape, position);
            const DecodeItem item{*sequence, token, position, visible, 0};
            DecodeOutput output;
            output.argmax = {&token, 1};
            const Status decoded = engine->decode({&item, 1}, output);
            QVERIFY2(decoded, decoded ? "" : decoded.error().toString().c_str());
        }
        int equal = 0;
        while (equal < 64 && greedy[size_t(equal)] == golden.greedy[size_t(equal)]) ++equal;
        m_table += QString("%1 of 64 |\n").arg(equal);
        QCOMPARE(greedy, golden.greedy);
    }

    /// For a report: build/release/tests/tst_golden | grep '^|'
    void cleanupTestCase() {
        std::printf(
            "\n| model | backend | largest difference of 64 positions' logits | greedy tokens equal "
            "|\n|---|---|--:|--:|\n%s\n",
            qPrintable(m_table));
    }

  private:
    QString m_table;
    static IntervalList visibleAt(const ModelShape& shape, int32_t position) {
        const int32_t window = shape.slidingWindow;
        return {{window > 0 ? std::max(0, position - window + 1) : 0, kOpenEnd}};
    }
};

QTEST_GUILESS_MAIN(TestGolden)
#include "tst_golden.moc"
