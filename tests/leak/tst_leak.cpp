// The probe over models of noise: what a list hides does not get through, and what it shows is
// found.
#include <QtTest>
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/decode/masks.h"
#include "engine/decode/prompt.h"
#include "engine/leak/leak_probe.h"
#include "engine/leak/secret.h"
#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

std::unique_ptr<Backend> cpu(const Model& model, int64_t kvTokens) {
    BackendOptions o;
    o.kvTokens = kvTokens;
    auto backend = makeBackend(Device::Cpu, model.weights(), o, {});
    if (!backend) qFatal("backend");
    return std::move(*backend);
}

LeakReport probed(const LeakSettings& settings) {
    const auto model = tinyModel({});
    auto backend = cpu(*model, leakTokens(settings));
    auto report = probeLeak(*model, *backend, settings, nullptr, {});
    if (!report) qFatal("%s", report.error().message.c_str());
    return std::move(*report);
}

/// Within 3.3 standard deviations of a tenth of 400.
bool atChance(const Hits& hits) { return hits.n == 400 && std::abs(hits.right - 40) < 20; }

/// Logits (prompt tokens, vocab) of a sheet's prompt, prefilled as a declared run does it; its views.
std::vector<float> promptLogits(const Model& model, Backend& backend, const std::string& sheet,
                                std::vector<TokenView>& views, std::vector<Segment>& segments) {
    RunSettings settings;
    settings.task = "sheet";
    settings.promptText = sheet;
    const auto prompt = preparePrompt(model, settings);
    SpanTracker tracker = trackerFor(model, prompt->policy);
    views = tracker.consumePrompt(prompt->ids);
    segments = tracker.segments();
    std::vector<SharedIntervals> lists;
    for (const TokenView& view : views) lists.push_back(view.visible);
    std::vector<float> logits(prompt->ids.size() * static_cast<size_t>(model.weights().shape.vocab));
    const auto sequence = backend.createSequence(static_cast<int32_t>(prompt->ids.size()));
    if (!backend.prefill(*sequence, prompt->ids, runsOf(lists), logits)) qFatal("prefill");
    backend.freeSequence(*sequence);
    return logits;
}

}  // namespace

class TestLeak : public QObject {
    Q_OBJECT

  private slots:
    void segmentedPrefillHasTheSameBitsWhateverAnotherLineSays() {
        const auto model = tinyModel({});
        auto backend = cpu(*model, 512);
        std::vector<TokenView> views;
        std::vector<Segment> segments;
        const auto a = promptLogits(*model, *backend, "40+7\n12*3\n$2-5", views, segments);
        const auto b = promptLogits(*model, *backend, "40+2\n12*3\n$2-5", views, segments);
        QCOMPARE(a.size(), b.size());
        const size_t vocab = a.size() / views.size();
        int nOther = 0, nSecret = 0;
        for (size_t i = 0; i < views.size(); ++i) {
            const Segment& s = segments[static_cast<size_t>(views[i].segment)];
            const bool same = std::memcmp(&a[i * vocab], &b[i * vocab], vocab * sizeof(float)) == 0;
            if (s.kind == SegmentKind::In && s.label == 1) nSecret += !same;
            else QVERIFY2(same, qPrintable("position " + QString::number(i)));
            nOther += s.kind == SegmentKind::In && s.label > 1;
        }
        QVERIFY(nOther > 10);
        QCOMPARE(nSecret, 2);  // the digit and the line's end
    }

    void segmentedPrefillIsAtChanceAndWhatReadsIsFound() {
        LeakSettings settings;
        settings.nProblems = 400;
        settings.nLater = 2;
        settings.nTwins = 400;
        const LeakReport report = probed(settings);
        int nHidden = 0, nShown = 0;
        for (const LeakRow& row : report.rows) {
            if (row.phase != Phase::Prompt) continue;
            QCOMPARE(row.nTwins, 400);
            QCOMPARE(row.reads, row.distance == 0);
            QCOMPARE(row.declared.n, 400);
            QVERIFY2(atChance(row.shuffled), qPrintable(QString::number(row.shuffled.right)));
            if (row.reads) {
                ++nShown;
                QCOMPARE(row.nSame, 0);
                QVERIFY2(row.declared.share() > 0.95, qPrintable(QString::number(row.declared.right)));
            } else {
                ++nHidden;
                QCOMPARE(row.nSame, 400);
                QVERIFY2(atChance(row.declared), qPrintable(QString::number(row.declared.right)));
                // The control: under causal lists the same positions read the secret, and tell it.
                QVERIFY2(row.dense.interval().low > 0.15, qPrintable(QString::number(row.dense.right)));
            }
        }
        QCOMPARE(nShown, 1);
        QCOMPARE(nHidden, 2);
        QCOMPARE(report.answers.size(), size_t{2});  // distances 1 and 2
        for (const LeakAnswer& answer : report.answers) QCOMPARE(answer.declaredNamed.n, 400);
    }

    void anExpressionsPromptReadsItsSecret() {
        LeakSettings settings;
        settings.task = "expression";
        settings.nProblems = 80;
        settings.nTwins = 80;
        settings.nLater = 2;
        const LeakReport report = probed(settings);
        QVERIFY(report.answers.empty());
        int nLocal = 0;
        for (const LeakRow& row : report.rows) {
            if (row.phase == Phase::Prompt) {
                QVERIFY(row.reads);
                QCOMPARE(row.nSame, 0);
            }
            if (row.phase != Phase::Local || row.distance == 0) continue;
            ++nLocal;
            QVERIFY(!row.reads);  // and yet not the same: it reads its own line, which could read the prompt
            QVERIFY(row.nSame < row.nTwins);
        }
        QCOMPARE(nLocal, 2);
    }

    void secretsAreEvenAndTheTextsDifferInNothingElse() {
        for (const char* task : {"sheet", "expression"}) {
            auto source = SecretSource::create(task, 3, 5);
            auto again = SecretSource::create(task, 3, 5);
            QVERIFY(source.ok() && again.ok());
            std::array<int, kSecrets> counts{};
            for (int i = 0; i < 500; ++i) {
                const auto problem = source->next();
                QVERIFY(problem.ok());
                ++counts[static_cast<size_t>(problem->secret)];
                const auto same = again->next();
                QCOMPARE(same->secret, problem->secret);
                const TaskExample& zero = problem->with[0];
                QCOMPARE(same->with[0].response, zero.response);
                const size_t line = zero.response.find('\n');
                QCOMPARE(std::count(zero.response.begin(), zero.response.end(), '\n'), 4);
                for (int32_t secret = 0; secret < kSecrets; ++secret) {
                    const TaskExample& e = problem->with[static_cast<size_t>(secret)];
                    QCOMPARE(e.response.find('\n'), line);
                    QCOMPARE(e.response.substr(line), zero.response.substr(line));
                    const std::string said = problem->operand + std::to_string(secret);
                    QVERIFY(e.response.find("</attend>" + said + "<local>") < line);
                    QCOMPARE(e.typed.size(), zero.typed.size());
                    QVERIFY(e.typed.find(said) != std::string::npos);
                }
            }
            for (const int n : counts) QCOMPARE(n, 50);
        }
    }

    void refusesWhatCannotBeMeasured() {
        QCOMPARE(SecretSource::create("news", 3, 1).error().code, ErrorCode::InvalidArgument);
        QCOMPARE(SecretSource::create("sheet", 0, 1).error().code, ErrorCode::InvalidArgument);
        LeakSettings settings;
        const auto model = tinyModel({});
        auto backend = cpu(*model, leakTokens(settings));
        settings.nProblems = 79;
        QCOMPARE(probeLeak(*model, *backend, settings, nullptr, {}).error().code, ErrorCode::InvalidArgument);
        settings.nProblems = 80;
        const std::atomic<bool> stop{true};
        QCOMPARE(probeLeak(*model, *backend, settings, &stop, {}).error().code, ErrorCode::Cancelled);
        TinyModelOptions noCard;
        noCard.card = false;
        const auto other = tinyModel(noCard);
        QCOMPARE(probeLeak(*other, *backend, settings, nullptr, {}).error().code, ErrorCode::Unsupported);
    }
};

QTEST_GUILESS_MAIN(TestLeak)
#include "tst_leak.moc"
