// Responses that repeat themselves: the run ends, says so, and the answer keeps what is good.
#include <QtTest>
#include <algorithm>

#include "engine/decode/session.h"
#include "engine/tasks/news/repeats.h"
#include "engine/tasks/news_task.h"
#include "engine/training/news_score.h"
#include "kernels/backends.h"
#include "tests/decode/scripted_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

const char* kArticle = "One rose. Two fell. Three stood still. Four left the town. Five came back to it.";

RunData run(const std::string& response, int32_t limit = 900) {
    const auto model = tinyModel();
    auto ids = model->tokenizer().encodeTrusted(response);
    if (!ids) qFatal("%s", ids.error().toString().c_str());
    BackendOptions options;
    options.nThreads = 1;
    options.kvTokens = 2048;
    auto inner = makeReferenceBackend(model->weights(), options, true);
    ScriptedBackend backend(std::move(*inner), *ids);
    RunSettings settings;
    settings.task = "news";
    settings.promptText = kArticle;
    settings.attention = MaskPolicySpec::dense();
    settings.maxTokens = limit;
    auto session = Session::create(model, backend, settings, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    if (auto ok = (*session)->prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        auto more = (*session)->step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return (*session)->data();
    }
}

std::string line(int label, const std::string& body) {
    return "<out>" + std::to_string(label) + "<:><global><attend><in>1<:></attend>" + body + "\n";
}

}  // namespace

class TestRepeats : public QObject {
    Q_OBJECT
  private slots:
    void aPointForTheSecondTime() {
        const std::string good = line(1, "Head of it") + line(2, "One rose.") + line(3, "Two fell.");
        std::string response = good;
        for (int i = 4; i < 40; ++i) response += line(i, i % 2 ? "one  ROSE" : "Two fell.");
        const RunData data = run(response);
        QCOMPARE(data.stats.stop, StopReason::Repeats);
        QCOMPARE(std::string(stopReasonName(data.stats.stop)), std::string("repeats"));
        QCOMPARE(data.answer, std::string("Head of it\nOne rose.\nTwo fell."));
        // Right behind the newline of the repeated point.
        std::string text;
        for (const StepRecord& s : data.steps) text += s.token.text;
        QVERIFY(text.ends_with("Two fell.\n"));
        QCOMPARE(std::count(text.begin(), text.end(), '\n'), 4);
    }

    void roundAndRound() {
        std::string loop;
        for (int i = 0; i < 100; ++i) loop += " and the town";
        const RunData data = run(line(1, "Head") + line(2, "One rose.") + line(3, "Two fell" + loop));
        QCOMPARE(data.stats.stop, StopReason::Repeats);
        QCOMPARE(data.answer, std::string("Head\nOne rose."));
        QVERIFY(data.steps.size() < 200);
        // The same reference again and again, which no newline ever ends.
        std::string refs = line(1, "Head") + "<out>2<:><attend>";
        for (int i = 0; i < 100; ++i) refs += "<in>3<:>";
        QCOMPARE(run(refs).stats.stop, StopReason::Repeats);
        // A token that says the same letter for ever: no spaces, no newline.
        QCOMPARE(run(line(1, "Head") + "<out>2<:><attend></attend>zz").stats.stop, StopReason::Repeats);
    }

    /// Different points without an end: five sentences ask for a headline and two points.
    void onAndOn() {
        std::string response;
        for (int i = 1; i < 40; ++i) response += line(i, "Point number " + std::to_string(i * i) + " of it.");
        const RunData data = run(response);
        QCOMPARE(data.stats.stop, StopReason::Repeats);
        QVERIFY(data.steps.size() < 400);
    }

    void whatIsNoRepetition() {
        const std::string text = line(1, "One rose") + line(2, "One rose.") + line(3, "No, no, no, no: two fell.");
        const RunData data = run(text + line(4, "Three"), 60);
        QVERIFY(data.stats.stop != StopReason::Repeats);
        QVERIFY(!news::endsInLoop("Turnover was 3 3 3 3 mln in three of three towns of the three."));
        QVERIFY(news::endsInLoop("It fell a bit, it fell a bit, it fell a bit, it fell a bit,"));
        QCOMPARE(newsTask().answer(text), std::string("One rose\nOne rose.\nNo, no, no, no: two fell."));
    }

    /// Cut anywhere, the pieces of a response say the same as the whole.
    void piecesDoNotMatter() {
        const std::string text = line(1, "Head") + line(2, "One rose.") + line(3, "One rose.");
        for (size_t n = 1; n < 20; ++n) {
            news::RepeatWatch watch("news 5 3\n");
            bool seen = false;
            for (size_t i = 0; i < text.size() && !seen; i += n) seen = watch.repeats(text.substr(i, n));
            QVERIFY(seen);
        }
    }

    /// The score is that of the answer, and the repeated line counts as one that is not valid.
    void scored() {
        TaskExample reference;
        reference.prompt = newsTask().format(kArticle, nullptr)->text;
        reference.response = line(1, "Head") + line(2, "One rose.");
        const auto once = scoreNews(reference, reference.response);
        const auto twice = scoreNews(reference, reference.response + line(3, "One rose."));
        QVERIFY(once.ok() && twice.ok());
        QCOMPARE(twice->points.rouge2.f1, once->points.rouge2.f1);
        QCOMPARE(twice->lines, once->lines + 1);
        QCOMPARE(twice->validLines, once->validLines);
    }
};

QTEST_GUILESS_MAIN(TestRepeats)
#include "tst_repeats.moc"
