// Pretrained models in the formats that people have, against what Hugging Face transformers makes of the same files in
// float32: ids of 20 prompts, and 64 greedy tokens of each on the CPU backend. Where a token differs, transformers' own
// best two must lie as close as the rounding of a step's inputs (kernels/README.md) can move them. The files are not
// kept here: `./run model smollm2 gemma3-270m` brings them, and without them the test says that it was skipped.
#include <QtTest>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/model/base_model.h"
#include "engine/model/model.h"
#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/real/";
constexpr double kTie = 1e-3;  // in logits

std::string modelsFolder() {
    const char* given = std::getenv("SPANSCOPE_REAL_MODELS");
    return given != nullptr ? given : fetchedModelFolder();
}

std::vector<int32_t> promptIds(const Tokenizer& tokenizer, const std::string& text) {
    std::vector<int32_t> ids;
    if (tokenizer.addsBos()) ids.push_back(tokenizer.bosId());
    const auto encoded = tokenizer.encode(text);
    if (!encoded) qFatal("%s", encoded.error().toString().c_str());
    ids.insert(ids.end(), encoded->begin(), encoded->end());
    return ids;
}

std::vector<int32_t> greedyTokens(Backend& backend, const std::vector<int32_t>& prompt, size_t n) {
    const auto sequence = backend.createSequence(static_cast<int32_t>(prompt.size() + n));
    if (!sequence) qFatal("%s", sequence.error().toString().c_str());
    const IntervalList everything{{0, kOpenEnd}};
    const QueryRun run{0, static_cast<int32_t>(prompt.size()), everything};
    std::vector<float> logits(static_cast<size_t>(backend.shape().vocab));
    Status status = backend.prefill(*sequence, prompt, {&run, 1}, logits);
    auto token = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    std::vector<int32_t> tokens{token};
    while (status && tokens.size() < n) {
        const auto position = static_cast<int32_t>(prompt.size() + tokens.size()) - 1;
        const DecodeItem item{*sequence, token, position, everything, 0};
        DecodeOutput output;
        output.argmax = {&token, 1};
        status = backend.decode({&item, 1}, output);
        tokens.push_back(token);
    }
    if (!status) qFatal("%s", status.error().toString().c_str());
    backend.freeSequence(*sequence);
    return tokens;
}

}  // namespace

class TestRealModels : public QObject {
    Q_OBJECT
  private slots:
    void agrees_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"smollm2", "gemma3"}) QTest::newRow(name) << name;
    }
    void agrees() {
        QFETCH(QString, name);
        const auto golden = nlohmann::json::parse(test::readFile(kFolder + name.toStdString() + ".json"));
        const std::string path = modelsFolder() + "/" + golden["file"].get<std::string>();
        if (!std::filesystem::exists(path)) QSKIP("not here; ./run model brings it");
        const auto model = openModel(path);
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        BackendOptions options;
        options.kvTokens = 256;
        options.kvType = DType::F32;
        const auto backend = makeCpuBackend((*model)->weights(), options);
        QVERIFY(backend);
        int equal = 0, ties = 0;
        for (const auto& c : golden["cases"]) {
            const auto ids = c["ids"].get<std::vector<int32_t>>();
            const auto expected = c["greedy"].get<std::vector<int32_t>>();
            QCOMPARE(promptIds((*model)->tokenizer(), c["prompt"].get<std::string>()), ids);
            const auto found = greedyTokens(**backend, ids, expected.size());
            const auto difference = std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin();
            if (difference == static_cast<ptrdiff_t>(expected.size())) {
                ++equal;
                continue;
            }
            const double gap = c["gaps"][static_cast<size_t>(difference)].get<double>();
            QVERIFY2(gap <= kTie, qPrintable(QString("%1: token %2 differs, gap %3")
                                                 .arg(QString::fromStdString(c["prompt"].get<std::string>()))
                                                 .arg(difference)
                                                 .arg(gap)));
            qInfo("%s: token %d of \"%s\" is a tie, %.4f apart", qPrintable(name), static_cast<int>(difference),
                  c["prompt"].get<std::string>().c_str(), gap);
            ++ties;
        }
        qInfo("%s: %d of 20 prompts equal in all 64 tokens, %d part at a tie", qPrintable(name), equal, ties);
        QCOMPARE(equal + ties, 20);
        QVERIFY(equal >= 18);
    }
};

QTEST_GUILESS_MAIN(TestRealModels)
#include "tst_real_models.moc"
