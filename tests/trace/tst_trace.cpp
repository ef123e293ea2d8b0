// Written and read back; cut at every byte; every byte changed; lines that lie. Nothing may crash, and nothing that
// contradicts itself may be shown.
#include <QtTest>
#include <nlohmann/json.hpp>

#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

void compareRuns(const RunData& a, const RunData& b) {
    const RunHeader &h = a.header, &g = b.header;
    QCOMPARE(h.runId, g.runId);
    QCOMPARE(h.settings.task, g.settings.task);
    QCOMPARE(h.settings.promptText, g.settings.promptText);
    QCOMPARE(h.settings.promptIds, g.settings.promptIds);
    QCOMPARE(h.settings.thinking, g.settings.thinking);
    QCOMPARE(h.settings.attention, g.settings.attention);
    QCOMPARE(h.settings.maxTokens, g.settings.maxTokens);
    QCOMPARE(h.settings.sampler.temperature, g.settings.sampler.temperature);
    QCOMPARE(h.settings.sampler.seed, g.settings.sampler.seed);
    QCOMPARE(h.settings.sampler.repeatLastN, g.settings.sampler.repeatLastN);
    QCOMPARE(h.formattedPrompt, g.formattedPrompt);
    QCOMPARE(h.modelName, g.modelName);
    QCOMPARE(h.modelHash, g.modelHash);
    QCOMPARE(h.adapter.text(), g.adapter.text());
    QCOMPARE(h.backend, g.backend);
    QCOMPARE(h.device, g.device);
    QCOMPARE(h.kvType, g.kvType);
    QCOMPARE(h.machine, g.machine);
    QCOMPARE(h.programVersion, g.programVersion);
    QCOMPARE(h.nThreads, g.nThreads);
    QCOMPARE(h.nKvHeads, g.nKvHeads);
    QCOMPARE(h.weightBytesPerStep, g.weightBytesPerStep);
    QCOMPARE(h.warning, g.warning);
    QCOMPARE(h.exactAnswer, g.exactAnswer);
    QCOMPARE(h.uncheckable, g.uncheckable);
    QCOMPARE(h.label, g.label);
    QCOMPARE(h.branch, g.branch);
    QCOMPARE(h.hasProtocol, g.hasProtocol);
    QCOMPARE(h.prefill, g.prefill);
    QCOMPARE(h.heads, g.heads);
    QCOMPARE(h.prompt.size(), g.prompt.size());
    QCOMPARE(h.promptVisible.size(), g.promptVisible.size());
    for (size_t i = 0; i < h.prompt.size(); ++i) {
        QCOMPARE(h.prompt[i].id, g.prompt[i].id);
        QCOMPARE(h.prompt[i].text, g.prompt[i].text);
        QCOMPARE(h.prompt[i].special, g.prompt[i].special);
        QCOMPARE(*h.promptVisible[i], *g.promptVisible[i]);
    }
    QCOMPARE(a.steps.size(), b.steps.size());
    for (size_t i = 0; i < a.steps.size(); ++i) {
        const StepRecord &s = a.steps[i], &t = b.steps[i];
        QCOMPARE(s.index, t.index);
        QCOMPARE(s.position, t.position);
        QCOMPARE(s.token.id, t.token.id);
        QCOMPARE(s.token.text, t.token.text);
        QCOMPARE(s.token.special, t.token.special);
        QCOMPARE(s.segment, t.segment);
        QCOMPARE(s.phase, t.phase);
        QCOMPARE(*s.visible, *t.visible);
        QCOMPARE(bool(s.heads), bool(t.heads));
        if (s.heads) QVERIFY(*s.heads == *t.heads);
        QCOMPARE(s.attended, t.attended);
        QCOMPARE(s.loaded, t.loaded);
        QCOMPARE(s.causal, t.causal);
        QCOMPARE(s.deviceNs, t.deviceNs);
        QCOMPARE(s.wallNs, t.wallNs);
        QCOMPARE(s.atNs, t.atNs);
        QCOMPARE(s.logprob, t.logprob);
    }
    QCOMPARE(a.segments.size(), b.segments.size());
    for (size_t i = 0; i < a.segments.size(); ++i) {
        const Segment &s = a.segments[i], &t = b.segments[i];
        QCOMPARE(s.kind, t.kind);
        QCOMPARE(s.label, t.label);
        QCOMPARE(s.begin, t.begin);
        QCOMPARE(s.end, t.end);
        QCOMPARE(s.bodyBegin, t.bodyBegin);
        QCOMPARE(s.fallback, t.fallback);
        QCOMPARE(s.name, t.name);
        QCOMPARE(s.refs.size(), t.refs.size());
        for (size_t k = 0; k < s.refs.size(); ++k) {
            QCOMPARE(s.refs[k].kind, t.refs[k].kind);
            QCOMPARE(s.refs[k].label, t.refs[k].label);
            QCOMPARE(s.refs[k].segment, t.refs[k].segment);
            QCOMPARE(s.refs[k].position, t.refs[k].position);
            QCOMPARE(s.refs[k].tokens, t.refs[k].tokens);
        }
    }
    QCOMPARE(a.violations.size(), b.violations.size());
    for (size_t i = 0; i < a.violations.size(); ++i) {
        QCOMPARE(a.violations[i].kind, b.violations[i].kind);
        QCOMPARE(a.violations[i].position, b.violations[i].position);
        QCOMPARE(a.violations[i].segment, b.violations[i].segment);
        QCOMPARE(a.violations[i].effect, b.violations[i].effect);
    }
    QCOMPARE(a.changes, b.changes);
    QCOMPARE(a.header.vocabulary, b.header.vocabulary);
    QCOMPARE(a.header.settings.vocabulary, b.header.settings.vocabulary);
    QCOMPARE(a.answer, b.answer);
    const RunStats &s = a.stats, &t = b.stats;
    QCOMPARE(s.promptTokens, t.promptTokens);
    QCOMPARE(s.responseTokens, t.responseTokens);
    QCOMPARE(s.markupTokens, t.markupTokens);
    QCOMPARE(s.loadNs, t.loadNs);
    QCOMPARE(s.prefillNs, t.prefillNs);
    QCOMPARE(s.ttftNs, t.ttftNs);
    QCOMPARE(s.decodeNs, t.decodeNs);
    QCOMPARE(s.attendedTokens, t.attendedTokens);
    QCOMPARE(s.headAttendedTokens, t.headAttendedTokens);
    QCOMPARE(s.loadedTokens, t.loadedTokens);
    QCOMPARE(s.causalTokens, t.causalTokens);
    QCOMPARE(s.kvStoredBytes, t.kvStoredBytes);
    QCOMPARE(s.kvBytesPerToken, t.kvBytesPerToken);
    QCOMPARE(s.stop, t.stop);
    QVERIFY(s.draft == t.draft);
    for (size_t i = 0; i < b.steps.size(); ++i) {
        QCOMPARE(a.steps[i].draft, b.steps[i].draft);
        QCOMPARE(a.steps[i].rejectedText, b.steps[i].rejectedText);
    }
}

/// Whatever a reader hands out must hold together: the window indexes with it.
void mustHoldTogether(const TraceFile& file) {
    for (const auto& run : file.runs) {
        QCOMPARE(run->header.promptVisible.size(), run->header.prompt.size());
        for (size_t i = 0; i < run->steps.size(); ++i) {
            const StepRecord& s = run->steps[i];
            QCOMPARE(s.index, static_cast<int32_t>(i));
            QCOMPARE(s.position, static_cast<int32_t>(run->header.prompt.size() + i));
            QVERIFY(s.visible != nullptr);
            QVERIFY(s.segment >= -1 && s.segment < static_cast<int32_t>(run->segments.size()));
            QCOMPARE(s.attended, attendedTokens(*s.visible, s.position));
        }
        for (const Segment& s : run->segments) {
            QVERIFY(s.begin >= 0 && s.end >= s.begin);
            for (const SpanRef& r : s.refs)
                QVERIFY(r.segment >= -1 && r.segment < static_cast<int32_t>(run->segments.size()));
        }
        for (const ProtocolViolation& v : run->violations)
            QVERIFY(v.segment >= -1 && v.segment < static_cast<int32_t>(run->segments.size()));
    }
}

}  // namespace

class TestTrace : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;

    std::string whole() {
        const RunData a = sampleRun(3), b = sampleRun(4, MaskPolicySpec::dense());
        const std::string path = m_folder.file("whole.spantrace");
        if (!writeTrace(path, {&a, &b})) return {};
        return readFile(path);
    }
    Result<TraceFile> readText(const std::string& text) {
        const std::string path = m_folder.file("damaged.spantrace");
        test::writeFile(path, text);
        return readTrace(path);
    }

  private slots:
    void roundTrip() {
        RunData a = sampleRun(3);
        const RunData b = sampleRun(4, MaskPolicySpec::dense());
        a.header.settings.attention = {"quest", 25, true};
        a.stats.headAttendedTokens = 12;
        const std::string path = m_folder.file("a.spantrace");
        QVERIFY(writeTrace(path, {&a, &b}).ok());
        const auto file = readTrace(path);
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().toString().c_str());
        QCOMPARE(file->damage, std::string());
        QCOMPARE(file->runs.size(), size_t{2});
        compareRuns(*file->runs[0], a);
        compareRuns(*file->runs[1], b);
        QVERIFY(file->runs[0]->steps[3].visible == file->runs[0]->steps[4].visible);  // lists are shared again
        QVERIFY(!QFile::exists(QString::fromStdString(path + ".part")));
    }

    void appendedAsItHappens() {
        const RunData whole = sampleRun();
        RunData live = whole;
        live.steps.clear();
        live.violations.clear();
        live.segments = {whole.segments[0]};
        live.stats = {};
        const std::string path = m_folder.file("live.spantrace");
        auto writer = TraceWriter::create(path);
        QVERIFY(writer.ok());
        QVERIFY((*writer)->begin(live.header).ok());
        QVERIFY(!(*writer)->begin(live.header).ok());
        live.stats.prefillNs = whole.stats.prefillNs;
        live.stats.ttftNs = whole.stats.ttftNs;
        for (size_t i = 0; i < whole.steps.size(); ++i) {
            live.steps.push_back(whole.steps[i]);
            if (i == 0) {
                live.segments.push_back(whole.segments[1]);
                live.segments[1].end = kOpenEnd;
                live.segments[1].refs.clear();
                live.segments[1].fallback = false;
            }
            if (i == 1) {
                live.violations = whole.violations;
                live.segments[1].refs = whole.segments[1].refs;
            }
            if (i == 3) live.segments = whole.segments;
            QVERIFY((*writer)->append(live).ok());
            // A crash now leaves a readable file with every step so far.
            const auto part = readTrace((*writer)->temporaryPath());
            QVERIFY(part.ok());
            QCOMPARE(part->runs.size(), size_t{1});
            QCOMPARE(part->runs[0]->steps.size(), i + 1);
            QVERIFY(part->damage.find("stopped while it ran") != std::string::npos);
            QCOMPARE(part->runs[0]->stats.stop, StopReason::Failed);
            QCOMPARE(part->runs[0]->stats.prefillNs, whole.stats.prefillNs);
            mustHoldTogether(*part);
        }
        live = whole;
        QVERIFY((*writer)->end(live).ok());
        QVERIFY(!QFile::exists(QString::fromStdString(path)));
        QVERIFY((*writer)->close().ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        compareRuns(*file->runs[0], whole);
        // Lists are written once each, not with every step.
        QCOMPARE(QByteArray::fromStdString(readFile(path)).count("\"t\":\"mask\""), qsizetype{4});
    }

    void cutAnywhere() {
        const std::string text = whole();
        const size_t firstLine = text.find('\n') + 1;
        size_t mostSteps = 0;
        for (size_t n = 0; n <= text.size(); ++n) {
            const size_t lineEnd = text.find('\n', n);  // every cut near a line's end, and every eleventh elsewhere
            if (n % 11 != 0 && lineEnd != n && lineEnd + 1 != n && lineEnd != n + 1 && text.rfind('\n', n) + 1 != n)
                continue;
            const auto file = readText(text.substr(0, n));
            if (n + 1 < firstLine) {
                QVERIFY(!file.ok());
                continue;
            }
            QVERIFY2(file.ok(), file.ok() ? "" : file.error().toString().c_str());
            // Only a cut right after an end line leaves nothing to complain about.
            const size_t cutAt = text.rfind('\n', n - 1) == n - 1 ? n - 1 : n;
            const size_t lineBegin = cutAt == 0 ? 0 : text.rfind('\n', cutAt - 1) + 1;
            const bool complete = text.compare(lineBegin, 9, "{\"t\":\"end") == 0 &&
                                  (cutAt == n - 1 || n == text.size() || text[n] == '\n');
            if (n > firstLine) QCOMPARE(file->damage.empty(), complete);
            mustHoldTogether(*file);
            size_t nSteps = 0;
            for (const auto& run : file->runs) nSteps += run->steps.size();
            QVERIFY(nSteps >= mostSteps);
            mostSteps = nSteps;
        }
        QCOMPARE(mostSteps, size_t{10});
    }

    void everyByteChanged() {
        const std::string text = whole();
        std::mt19937 random(7);
        for (size_t i = random() % 3; i < text.size(); i += 1 + random() % 5) {
            std::string changed = text;
            changed[i] = static_cast<char>(changed[i] ^ static_cast<char>(1 + random() % 255));
            const auto file = readText(changed);
            if (file) mustHoldTogether(*file);
        }
        for (int n = 0; n < 500; ++n) {  // and lines in another order, doubled, left out
            QList<QByteArray> lines = QByteArray::fromStdString(text).split('\n');
            for (int k = 0; k < 3; ++k) {
                const int a = int(random() % uint32_t(lines.size())), b = int(random() % uint32_t(lines.size()));
                if (k == 0) lines.swapItemsAt(a, b);
                if (k == 1) lines.insert(a, lines[b]);
                if (k == 2) lines.removeAt(a);
            }
            const auto file = readText(lines.join('\n').toStdString());
            if (file) mustHoldTogether(*file);
        }
    }

    void lies_data() {
        QTest::addColumn<QString>("from");
        QTest::addColumn<QString>("to");
        QTest::addColumn<QString>("says");
        QTest::newRow("attended") << "\"attended\":2,"
                                  << "\"attended\":9,"
                                  << "does not follow";
        QTest::newRow("position") << "\"position\":7,\"id\":21"
                                  << "\"position\":70,\"id\":21"
                                  << "position";
        QTest::newRow("step missing") << "\"i\":1,\"position\":7"
                                      << "\"i\":4,\"position\":7"
                                      << "was next";
        QTest::newRow("huge number") << "\"device_ns\":1001"
                                     << "\"device_ns\":1e99"
                                     << "device_ns";
        QTest::newRow("longer than any run") << "\"device_ns\":1001"
                                             << "\"device_ns\":2305843009213693952"
                                             << "device_ns";
        QTest::newRow("steps longer than any run") << "\"wall_ns\":2000000001"
                                                   << "\"wall_ns\":1152921504606846976"
                                                   << "adds up";
        QTest::newRow("huge run id") << "\"t\":\"run\",\"run\":3,"
                                     << "\"t\":\"run\",\"run\":9223372036854775807,"
                                     << "run: found";
        QTest::newRow("negative id") << "\"id\":21"
                                     << "\"id\":-21"
                                     << "id";
        QTest::newRow("phase") << "\"phase\":\"global\""
                               << "\"phase\":\"lunar\""
                               << "lunar";
        QTest::newRow("mask nobody wrote") << "\"logprob\":-1.5,\"mask\":0"
                                           << "\"logprob\":-1.5,\"mask\":99"
                                           << "mask";
        QTest::newRow("intervals overlap") << "[[0,1],[3,5]]"
                                           << "[[0,4],[3,5]]"
                                           << "sorted";
        QTest::newRow("interval empty") << "[[0,1],[3,5]]"
                                        << "[[0,1],[5,5]]"
                                        << "sorted";
        QTest::newRow("segment nobody wrote") << "\"segment\":1,\"phase\":\"declare\""
                                              << "\"segment\":50,\"phase\":\"declare\""
                                              << "segment";
        QTest::newRow("reference forward") << "\"label\":1,\"segment\":1"
                                           << "\"label\":1,\"segment\":2"
                                           << "refs";
        QTest::newRow("prompt too short") << "\"runs\":[[3,0],[2,1],[1,0]]"
                                          << "\"runs\":[[3,0],[2,1]]"
                                          << "cover";
        QTest::newRow("prompt too long") << "\"runs\":[[3,0],[2,1],[1,0]]"
                                         << "\"runs\":[[3,0],[4294967297,1]]"
                                         << "prompt";
        QTest::newRow("not UTF-8") << "\"text\":\"<out>\"" << QString("\"text\":\"") + "@@@\""
                                   << "JSON";
    }

    void lies() {
        QFETCH(QString, from);
        QFETCH(QString, to);
        QFETCH(QString, says);
        std::string text = whole();
        const size_t at = text.find(from.toStdString());
        QVERIFY2(at != std::string::npos, qPrintable(from));
        std::string lie = to.toStdString();
        if (lie.find("@@@") != std::string::npos) lie.replace(lie.find("@@@"), 3, "\xC3\x28\xFF");
        text.replace(at, from.size(), lie);
        const auto file = readText(text);
        QVERIFY(file.ok());
        QVERIFY2(QString::fromStdString(file->damage).contains(says), file->damage.c_str());
        QVERIFY2(file->damage.rfind("line ", 0) == 0, file->damage.c_str());
        mustHoldTogether(*file);
    }

    void costlyLines_data() {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QString>("says");
        QTest::newRow("NUL") << QByteArray("{\"t\":\"later\"}\0{}", 16) << "column 14: a NUL byte";
        QTest::newRow("deep") << QByteArray(1 << 20, '[') << "levels";
        QTest::newRow("many lists") << "{\"t\":\"later\",\"x\":[" + QByteArray("[],").repeated(5 << 20) + "0]}"
                                    << "values";
        QTest::newRow("long") << "{\"t\":\"" + QByteArray(33 << 20, 'x') + "\"}"
                              << "32 MiB";
    }
    /// What would make a parser take many times the file's size is not parsed; what stands before it is read.
    void costlyLines() {
        QFETCH(QByteArray, line);
        QFETCH(QString, says);
        const auto file = readText(whole() + line.toStdString() + "\n");
        QVERIFY(file.ok());
        QVERIFY2(QString::fromStdString(file->damage).contains(says), file->damage.c_str());
        QCOMPARE(file->runs.size(), readText(whole())->runs.size());
    }

    void whatCannotBeShown() {
        auto code = [&](const std::string& text) {
            const auto file = readText(text);
            return file ? -1 : static_cast<int>(file.error().code);
        };
        QCOMPARE(code(""), static_cast<int>(ErrorCode::Format));
        QCOMPARE(code("hello\n"), static_cast<int>(ErrorCode::Format));
        QCOMPARE(code("{\"spantrace\":\"one\"}\n"), static_cast<int>(ErrorCode::Format));
        QCOMPARE(code("{\"spantrace\":9,\"min_reader\":9}\n"), static_cast<int>(ErrorCode::Unsupported));
        QCOMPARE(code("{\"spantrace\":9,\"min_reader\":1}\n"), -1);  // newer, but says that we can read it
        QCOMPARE(code(std::string(1 << 20, '[') + "\n"), static_cast<int>(ErrorCode::Format));
        QCOMPARE(static_cast<int>(readTrace(m_folder.path()).error().code), static_cast<int>(ErrorCode::Io));
        const auto missing = readTrace(m_folder.file("nobody"));
        QCOMPARE(missing.error().code, ErrorCode::NotFound);
        QVERIFY(missing.error().toString().find("nobody") != std::string::npos);
    }

    void unknownLinesAndKeysArePassedOver() {
        std::string text = whole();
        text.insert(text.find("{\"t\":\"step\""), "{\"t\":\"weather\",\"run\":3,\"sun\":true}\n");
        const std::string key = "\"phase\":\"declare\"";
        text.insert(text.find(key), "\"colour\":[1,{\"a\":null}],");
        const auto file = readText(text);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        compareRuns(*file->runs[0], sampleRun(3));
    }

    void policiesByName_data() {
        QTest::addColumn<QString>("written");
        QTest::addColumn<QString>("expected");  // empty: refused
        QTest::newRow("with its number") << R"("attention":"keep=9")"
                                         << "keep=9";
        QTest::newRow("of version 1") << R"("attention":"keep","keep_tokens":512)"
                                      << "keep=512";
        QTest::newRow("of version 1, no number") << R"("attention":"dense","keep_tokens":0)"
                                                 << "dense";
        QTest::newRow("of another program") << R"("attention":"best-pages=4")"
                                            << "best-pages=4";
        QTest::newRow("no policy") << R"("attention":"<b>=4")"
                                   << "";
    }
    void policiesByName() {
        QFETCH(QString, written);
        QFETCH(QString, expected);
        std::string text = whole();
        const std::string own = R"("attention":"declared")";
        QVERIFY(text.find(own) != std::string::npos);
        text.replace(text.find(own), own.size(), written.toStdString());
        const auto file = readText(text);
        QVERIFY(file.ok());
        QCOMPARE(file->damage.find("attention: not a policy") != std::string::npos, expected.isEmpty());
        if (expected.isEmpty()) return;
        QCOMPARE(file->damage, std::string());
        QCOMPARE(QString::fromStdString(file->runs[0]->header.settings.attention.text()), expected);
    }

    void deepNestingIsHarmless() {
        const auto file = readText("{\"spantrace\":1,\"min_reader\":1}\n{\"t\":\"run\",\"run\":1,\"x\":" +
                                   std::string(2'000'000, '[') + std::string(2'000'000, ']') + "}\n");
        QVERIFY(file.ok());
        mustHoldTogether(*file);
    }

    void textThatIsNoTextIsReplaced() {
        RunData run = sampleRun();
        run.steps[0].token.text = "\xFF\xC3";
        run.steps[1].logprob = -INFINITY;
        const std::string path = m_folder.file("bytes.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        QCOMPARE(file->runs[0]->steps.size(), size_t{5});
    }

    /// Layers of different windows: loaded is their mean, and is believed only with the windows that explain it.
    void windowsOfLayers() {
        RunData run = sampleRun();
        run.header.nLayers = 4;
        run.header.layerWindows = {{0, 1}, {3, 3}};
        StepRecord& last = run.steps.back();  // at 10; its list now ends before the window begins
        last.visible = run.header.promptVisible[3];
        last.attended = 3;
        last.loaded = 3;  // 11 tokens of a page in one layer of four
        const std::string path = m_folder.file("windows.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        compareRuns(*file->runs[0], run);
        QCOMPARE(file->runs[0]->header.layerWindows, run.header.layerWindows);
        const std::string text = readFile(path), pairs = "[[0,1],[3,3]]";
        QCOMPARE(whole().find("layer_windows"), std::string::npos);
        const auto damageOf = [&](const std::string& other) {
            std::string lie = text;
            lie.replace(lie.find(pairs), pairs.size(), other);
            const auto read = readText(lie);
            return read.ok() ? QString::fromStdString(read->damage) : QString();
        };
        for (const char* other : {"[[0,4]]", "[[2,1],[3,3]]", "[[0,3],[3,1]]"})
            QVERIFY(damageOf(other).contains("does not follow"));
        for (const char* other :
             {"[[0,1],[3,2]]", "[[0,1],[3,4]]", "[[3,3],[0,1]]", "[[3,2],[3,2]]", "[[-1,1],[3,3]]",
              "[[0,1],[3,3],[9,0]]", "[[0,1],3]", "[[0,1],[\"3\",3]]", "[[0,1],[1e30,3]]", "{}", "[]"})
            QVERIFY2(damageOf(other).contains("layer_windows"), other);
    }

    /// Traces from before there were any have none; what is no branch and has no name writes none.
    void labelsAndBranches() {
        for (const char* key : {"\"label\":{", "\"branch\":{"}) QCOMPARE(whole().find(key), std::string::npos);
        RunData run = sampleRun();
        run.header.label = {12, "with \"quotes\"", "two\nlines", 1'700'000'000'000};
        run.header.branch = {3, 4, BranchEdit::Span};
        const std::string path = m_folder.file("labels.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        compareRuns(*file->runs[0], run);
        QCOMPARE(file->runs[0]->header.branch.text(), std::string("from step 4 of run 3"));
        const std::string text = readFile(path);
        for (const auto& [was, becomes] : {std::pair{"\"number\":12", "\"number\":-1"},
                                           {"\"edit\":\"span\"", "\"edit\":\"other\""},
                                           {"\"step\":4,", "\"step\":-2,"}}) {
            std::string lie = text;
            QVERIFY2(lie.find(was) != std::string::npos, was);
            lie.replace(lie.find(was), std::strlen(was), becomes);
            const auto read = readText(lie);
            QVERIFY(read.ok());
            QVERIFY2(!read->damage.empty() && read->runs.empty(), becomes);
        }
    }

    /// How tokens were drafted; runs that are not lossless, and traces from before there were any, say nothing of it.
    void drafts() {
        for (const char* key : {"\"draft\"", "rejected_text"}) QCOMPARE(whole().find(key), std::string::npos);
        RunData run = sampleRun(3, MaskPolicySpec::lossless(4));
        run.steps[1].draft = DraftFate::Accepted;
        run.steps[2].draft = DraftFate::Rejected;
        run.steps[2].rejectedText = "\"é";
        run.steps[4].draft = DraftFate::Rejected;
        run.stats.draft = {12, 5, 2, 3, 400, 500, 60};
        const std::string path = m_folder.file("drafts.spantrace");
        QVERIFY(writeTrace(path, {&run}).ok());
        const auto file = readTrace(path);
        QVERIFY(file.ok());
        QCOMPARE(file->damage, std::string());
        compareRuns(*file->runs[0], run);
        QCOMPARE(file->runs[0]->header.settings.attention, MaskPolicySpec::lossless(4));
        const std::string text = readFile(path);
        for (const auto& [was, becomes] : {std::pair{"\"draft\":\"accepted\"", "\"draft\":\"perhaps\""},
                                           {"\"draft\":\"accepted\"", "\"draft\":7"},
                                           {"\"rejected_text\":\"\"", "\"rejected_text\":[]"},
                                           {"\"drafted\":12", "\"drafted\":-1"},
                                           {"\"accepted\":5", "\"accepted\":13"},
                                           {"\"rejected\":2", "\"rejected\":8"},
                                           {"\"passes\":3", "\"passes\":1e30"}}) {
            std::string lie = text;
            QVERIFY2(lie.find(was) != std::string::npos, was);
            lie.replace(lie.find(was), std::strlen(was), becomes);
            const auto read = readText(lie);
            QVERIFY(read.ok());
            QVERIFY2(!read->damage.empty(), becomes);
            mustHoldTogether(*read);
        }
    }

    void cannotBeWritten() {
        const auto writer = TraceWriter::create(m_folder.file("no/such/folder/a.spantrace"));
        QVERIFY(!writer.ok());
        QCOMPARE(writer.error().code, ErrorCode::Io);
        QVERIFY(writer.error().toString().find("no/such/folder") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TestTrace)
#include "tst_trace.moc"
