// Runs under a vocabulary of tags: what the backend is given when the model writes them, what is recorded, and that a
// branch goes on as the run did. The backend says what it is told to.
#include <QtTest>

#include "engine/decode/prompt.h"
#include "engine/decode/session.h"
#include "engine/reading/plain_reading.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "engine/trace/trace.h"
#include "kernels/backends.h"
#include "tests/decode/scripted_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// With a chat template, and no protocol of its own.
std::shared_ptr<const Model> chatModel() {
    const ScratchFolder folder;
    TinyModelOptions options;
    options.card = false;
    const bool written =
        writeTinyModel(folder.path(), options) &&
        writeFile(folder.file("chat_template.jinja"),
                  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
                  "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
                  "}}{% endif %}");
    auto model = openModel(folder.path(), {}, {});
    if (!written || !model) qFatal("no model");
    return *model;
}

RunSettings settingsFor(const char* vocabulary, const std::string& text, const char* task) {
    RunSettings s;
    s.task = task;
    s.promptText = text;
    s.attention = MaskPolicySpec::declared();
    s.vocabulary = vocabularyText(vocabulary).value();
    s.maxTokens = 400;
    return s;
}

struct Done {
    RunData data;
    std::vector<RecordingBackend::Query> decoded;
};

std::unique_ptr<ScriptedBackend> backendFor(const Model& model, const std::string& response) {
    BackendOptions options;
    options.nThreads = 1;
    options.kvTokens = 8192;
    auto inner = makeReferenceBackend(model.weights(), options, true);
    return std::make_unique<ScriptedBackend>(std::move(*inner), model.tokenizer().encode(response).value());
}

RunData finish(Session& session) {
    if (auto ok = session.prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        const auto more = session.step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return session.data();
    }
}

Done runScript(const std::shared_ptr<const Model>& model, const RunSettings& settings, const std::string& response) {
    const auto backend = backendFor(*model, response);
    auto session = Session::create(model, *backend, settings, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    Done done{finish(**session), {}};
    done.decoded = backend->decoded;
    return done;
}

/// The text of the response that a step does not read.
std::string notReadBy(const RunData& run, size_t step) {
    std::string text;
    const StepRecord& s = run.steps[step];
    for (size_t i = 0; i < step; ++i)
        if (!mayRead(*s.visible, s.position, run.steps[i].position)) text += run.steps[i].token.text;
    return text;
}

}  // namespace

class TestVocabularyRuns : public QObject {
    Q_OBJECT
  private slots:
    void blocksAreHidden() {
        const auto model = tinyModel();
        const Done done = runScript(model, settingsFor("memento", "2+3", "text"),
                                    "ab<|block_start|> 1 2 3 <|block_end|><|summary_start|>6<|summary_end|> so "
                                    "<answer> 6 </answer> more");
        const RunData& run = done.data;
        QCOMPARE(run.stats.stop, StopReason::Answered);
        QCOMPARE(run.answer, std::string("6"));
        QCOMPARE(run.header.vocabulary, std::string("memento"));
        QVERIFY(run.violations.empty());
        QCOMPARE(run.changes.size(), size_t{1});
        QCOMPARE(done.decoded.size(), run.steps.size());
        int64_t attended = 0;
        bool hidden = false;
        for (size_t i = 0; i < run.steps.size(); ++i) {
            QCOMPARE(done.decoded[i].visible, *run.steps[i].visible);
            attended += run.steps[i].attended;
            const std::string text = notReadBy(run, i);
            const bool after = run.steps[i].position > run.changes[0].position;
            QCOMPARE(!text.empty(), after);
            if (after) QVERIFY(std::string(" 1 2 3 ").find(text) != std::string::npos);
            hidden = hidden || after;
        }
        QVERIFY(hidden);
        QCOMPARE(run.stats.attendedTokens, attended);
        QVERIFY(run.stats.attendedTokens < run.stats.causalTokens);
        QVERIFY(run.stats.markupTokens > 0);
        std::string written;
        for (const StepRecord& step : run.steps) written += step.token.text;
        const std::string shown = plainResponse(run, RunChecks::of(run));
        QCOMPARE(shown, written + "\n");  // sections begin no lines
    }

    void chunksComeAndGo() {
        const auto model = chatModel();
        QString small = QString::fromStdString(vocabularyText("da").value());
        small.replace("\"target_tokens\": 2048, \"most_tokens\": 2560", "\"target_tokens\": 16, \"most_tokens\": 24");
        RunSettings settings =
            settingsFor("da", "The first one is red.\n\nThe second one is green.\n\nWhich is red?", "chat");
        settings.vocabulary = small.toStdString();
        if (!preparePrompt(*model, settings)) QSKIP("no python3-jinja2");
        const Done done =
            runScript(model, settings, "x<focus chunks=\"1\">red</focus><local>red.</local><answer>red</answer>");
        const RunData& run = done.data;
        QCOMPARE(run.answer, std::string("red"));
        QVERIFY(run.violations.empty());
        std::vector<Segment> chunks, sections;
        for (const Segment& s : run.segments) {
            if (s.kind == SegmentKind::In) chunks.push_back(s);
            if (s.kind == SegmentKind::Out) sections.push_back(s);
        }
        QVERIFY(chunks.size() >= 2);
        QCOMPARE(sections.size(), size_t{3});
        std::string text;
        for (int32_t t = chunks[0].begin; t < chunks[0].end; ++t)
            text += run.header.prompt[static_cast<size_t>(t)].text;
        QVERIFY2(text.find("The first one is red.") != std::string::npos, text.c_str());
        QVERIFY(run.header.formattedPrompt.find("<|im_start|>system\nYou answer questions") != std::string::npos);
        for (const StepRecord& step : run.steps) {
            const auto reads = [&](const Segment& s) { return mayRead(*step.visible, step.position, s.begin); };
            const bool inFocus = step.phase == Phase::Focus, inLocal = step.phase == Phase::Local;
            QCOMPARE(reads(chunks[0]), !inLocal);
            for (size_t i = 1; i < chunks.size(); ++i) QCOMPARE(reads(chunks[i]), !inLocal && !inFocus);
            QVERIFY(mayRead(*step.visible, step.position, static_cast<int32_t>(run.header.prompt.size()) - 1));
        }
        QVERIFY(std::any_of(run.steps.begin(), run.steps.end(),
                            [](const StepRecord& s) { return s.phase == Phase::Focus; }));
        QVERIFY(std::any_of(run.steps.begin(), run.steps.end(),
                            [](const StepRecord& s) { return s.phase == Phase::Local; }));

        // As a recording, and on from the middle of it.
        const ScratchFolder folder;
        QVERIFY(writeTrace(folder.file("a.spantrace"), {&run}));
        const auto file = readTrace(folder.file("a.spantrace"));
        QVERIFY(file.ok() && file->damage.empty());
        const RunData& recorded = *file->runs[0];
        QCOMPARE(recorded.header.settings.vocabulary, settings.vocabulary);
        QCOMPARE(recorded.changes, run.changes);
        for (const int32_t step : {3, 12, 25}) {
            std::vector<int32_t> rest;
            for (size_t i = static_cast<size_t>(step); i < run.steps.size(); ++i) rest.push_back(run.steps[i].token.id);
            const auto backend = backendFor(*model, "x");
            auto branch = Session::branch(model, *backend, recorded, {1, step, {}, rest}, {}, 2);
            QVERIFY2(branch.ok(), branch ? "" : branch.error().toString().c_str());
            const RunData again = finish(**branch);
            QCOMPARE(again.steps.size(), run.steps.size());
            for (size_t i = 0; i < run.steps.size(); ++i) {
                QCOMPARE(*again.steps[i].visible, *run.steps[i].visible);
                QCOMPARE(again.steps[i].phase, run.steps[i].phase);
            }
            QCOMPARE(again.answer, run.answer);
        }
    }

    void refused() {
        const auto model = tinyModel();
        RunSettings task = settingsFor("da", "1+2", "expression");
        QCOMPARE(preparePrompt(*model, task).error().message, std::string("a vocabulary of tags is for other tasks"));
        RunSettings wrong = settingsFor("da", "1+2", "text");
        wrong.vocabulary = "{\"vocabulary\": 1}";
        const auto refused = preparePrompt(*model, wrong);
        QVERIFY(!refused);
        QCOMPARE(refused.error().field, std::string("name"));
    }

    /// Dense beside it: the same tags, nothing hidden.
    void denseReadsAll() {
        RunSettings settings = settingsFor("memento", "2+3", "text");
        settings.attention = MaskPolicySpec::dense();
        const Done done =
            runScript(tinyModel(), settings,
                      "<|block_start|>12<|block_end|><|summary_start|>6<|summary_end|>7<answer>6</answer>");
        QCOMPARE(done.data.stats.attendedTokens, done.data.stats.causalTokens);
        QCOMPARE(done.data.changes.size(), size_t{1});
        QCOMPARE(done.data.answer, std::string("6"));
    }
};

QTEST_GUILESS_MAIN(TestVocabularyRuns)
#include "tst_vocabulary_runs.moc"
