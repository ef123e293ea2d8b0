// Text from outside is shown as it is written, bounded, and with nothing in it that hides or reorders: in every label,
// tooltip, cell, tab, menu, title, name for a screen reader and document of the window, and in what the views paint.
// Found by walking the widgets, so that a new one is covered. What is fed in stands in every field that a file can
// fill.
#include <QAbstractButton>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QDockWidget>
#include <QFile>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QStandardPaths>
#include <QTextDocument>
#include <QtTest>

#include "tests/patience.h"
#include "tests/ui/sample_chat.h"
#include "tests/ui/sample_run.h"
#include "tests/ui/text_walk.h"
#include "ui/model/shown_text.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/banner.h"
#include "ui/window/card_text.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_panel.h"
#include "ui/window/dock_layout.h"
#include "ui/window/main_window.h"
#include "ui/window/model_dialogs.h"
#include "ui/window/model_loader.h"
#include "ui/window/plain_labels.h"
#include "ui/window/run_files.h"
#include "ui/window/window_actions.h"

using namespace spanscope;

namespace {

/// Markup that opens a file, a link, an ampersand, an escape, an override, isolates, a mark, a NUL, and a forged line.
const QString kFirst = QStringLiteral("FO<b>"), kLast = QStringLiteral("&RG");
QString mark() {
    return QStringLiteral(
               "<b>FO<b>&RG%2%3</b><img src=\"away:/zero\"><a "
               "href=\"http://evil.example/\">link</a>\u001b[31m\u202e\u2066\u2069\u200f\u0085\n") +
           QChar(0) + QStringLiteral("\r<table><tr><td>cell</table>");
}

RunData run(const QString& foreign, qint64 id, const MaskPolicySpec& attention, bool longTokens) {
    RunData data = sample::sheet(6, attention, 10);
    const std::string text = foreign.toStdString();
    RunHeader& h = data.header;
    h.runId = id;
    h.settings.task = h.settings.promptText = h.formattedPrompt = h.modelName = h.modelHash = h.backend = h.device =
        h.machine = h.programVersion = h.warning = h.adapter.name = h.adapter.hash = data.answer = text;
    const std::string token = longTokens ? text : text.substr(0, 200);
    for (size_t i = 0; i < h.prompt.size(); ++i) h.prompt[i].text = token;
    for (size_t i = 0; i < data.steps.size(); ++i) data.steps[i].token.text = token;
    for (size_t s = 0; s < data.segments.size(); ++s) {
        if (data.segments[s].kind != SegmentKind::Out) continue;
        ProtocolViolation v;
        v.segment = int(s);
        v.position = data.segments[s].begin;
        v.effect = text;
        data.violations.push_back(v);
    }
    return data;
}

}  // namespace

/// Looks at everything that is on show, and ends the test where something is wrong.
#define LOOK(what)                              \
    do {                                        \
        look(what);                             \
        if (QTest::currentTestFailed()) return; \
    } while (false)

class TestForeignText : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setOrganizationName("spanscope-test");
        QApplication::setApplicationName("tst_foreign_text");
        qputenv("QT_ACCESSIBILITY", "1");
    }

    void helpers_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("line");
        QTest::newRow("plain") << "a b"
                               << "a b";
        QTest::newRow("markup stays") << "<b>x</b>"
                                      << "<b>x</b>";
        QTest::newRow("line ends") << "a\nb\tc" << QStringLiteral("a\u21b5b\u21e5c");
        QTest::newRow("DOS line end") << "a\r\nb" << QStringLiteral("a\u21b5b");
        QTest::newRow("escape") << "\x1b[31m" << QStringLiteral("\u2039U+001B\u203a[31m");
        QTest::newRow("override") << QStringLiteral("a\u202eb") << QStringLiteral("a\u2039U+202E\u203ab");
        QTest::newRow("tag beyond 16 bits")
            << QString::fromUcs4(U"a\U000e0041") << QStringLiteral("a\u2039U+E0041\u203a");
        QTest::newRow("half a pair") << QString(QChar(0xd800)) << QStringLiteral("\u2039U+D800\u203a");
        QTest::newRow("emoji with joiner")
            << QString::fromUcs4(U"\U0001f469\u200d\U0001f4bb") << QString::fromUcs4(U"\U0001f469\u200d\U0001f4bb");
    }
    void helpers() {
        QFETCH(QString, text);
        QFETCH(QString, line);
        QCOMPARE(shownLine(text), line);
        if (text.size() != 1) QCOMPARE(shownLine(text.toStdString()), line);
    }
    void helpersAreBounded() {
        const QString big(1 << 20, 'x');
        QVERIFY(shownLine(big).size() < 260 && shownLine(big).contains("1,048,576"));
        QVERIFY(shownText(big).size() < 2200);
        QVERIFY(shownText(big).contains(QChar(0x200b)));
        QVERIFY(shownLine(big.toStdString()).endsWith("MiB)"));
        QVERIFY(plainToolTip(big).size() < 2000);
        QCOMPARE(shownLine(std::string(300, '\xe2'), 3), QString(3, QChar(0xfffd)) + QChar(0x2026));  // cut anywhere
        QCOMPARE(menuText("a&b"), QString("a&&b"));
        QVERIFY(Qt::mightBeRichText(plainToolTip("<b>x")) && plainToolTip("<b>x").contains("&lt;b&gt;x"));
        QCOMPARE(plainToolTip("short"), QString("short"));
    }

    /// Qt asks "... already exists" with the name of a file in it.
    void messageBoxesOfQtAreCoveredToo() {
        showLabelsAsPlainText();
        QMessageBox box(QMessageBox::Warning, "Save", "<img src=\"away:/zero\">.png already exists.", QMessageBox::Ok);
        box.show();
        QVERIFY(QTest::qWaitForWindowExposed(&box));
        int n = 0;
        for (const QLabel* label : box.findChildren<QLabel*>()) {
            if (!label->text().contains("already exists")) continue;
            QCOMPARE(label->textFormat(), Qt::PlainText);
            ++n;
        }
        QCOMPARE(n, 1);
    }

    /// In parts a card reads as it does in one piece.
    void cardsStayWhole_data() {
        QTest::addColumn<QString>("text");
        const QDir models(SPANSCOPE_SOURCE_DIR "/resources/models");
        for (const QString& name : models.entryList(QDir::Dirs | QDir::NoDotAndDotDot)) {
            QFile file(models.filePath(name + "/MODEL_CARD.md"));
            QVERIFY(file.open(QIODevice::ReadOnly));
            QTest::newRow(qPrintable(name)) << QString::fromUtf8(file.readAll());
        }
        QTest::newRow("a long fence") << "Before\n\n```\n" + QString("# code, no heading\n").repeated(400) +
                                             "```\n\nAfter\n";
        QTest::newRow("many paragraphs") << QString("Some *words* and `code`.\n\n").repeated(500);
    }
    void cardsStayWhole() {
        QFETCH(QString, text);
        QTextDocument whole, parted;
        whole.setMarkdown(text, QTextDocument::MarkdownNoHTML);
        QTextCursor cursor(&parted);
        for (const QString& part : cardParts(text)) {
            QVERIFY(part.size() < 2200);
            cursor.movePosition(QTextCursor::End);
            insertCardPart(cursor, part);
        }
        const auto words = [](const QTextDocument& doc) { return doc.toPlainText().simplified(); };
        QCOMPARE(words(parted), words(whole));
    }

    void everyWidget_data() {
        QTest::addColumn<QString>("foreign");
        QTest::addColumn<bool>("longTokens");
        QTest::newRow("markup and marks") << mark() << false;
        QTest::newRow("1 MB without a space") << mark() + QString(1 << 20, 'x') << false;
        QTest::newRow("1 MB in every token") << mark() + QString(1 << 16, 'x') << true;  // 64 KB each
        QTest::newRow("1 MB of lines") << mark() + QString(1 << 19, 'y').replace("y", "y\n") << false;
    }
    void everyWidget() {
        QFETCH(QString, foreign);
        QFETCH(bool, longTokens);
        QSettings().clear();
        const QString path = "/nowhere/" + QString(foreign).remove('/').remove(QChar(0)).left(200);
        QSettings().setValue("model/recent", QStringList{path, "/nowhere/b&RG"});
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Expression", {"1+2", foreign}, true}, {"chat", "Chat", {foreign}, false, true}};
        setup.version = "test";
        setup.devices = foreign;
        setup.bundledModels = {{path, foreign, {"expression", foreign}}};
        setup.sampleTraces = {path + ".spantrace"};
        MainWindow window(setup);
        window.resize(1440, 900);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));

        test::Walk walk;
        const auto look = [&](const char* what) {
            QTest::qWait(300);  // timers of views
            walk.everything();
            QVERIFY2(walk.faults.isEmpty(), qPrintable(QString("%1: %2 faults\n").arg(what).arg(walk.faults.size()) +
                                                       walk.faults.join("\n").left(6000)));
        };
        window.models()->load({path, 0, Device::Cpu});
        LOOK("loading");
        ErrorInfo error{foreign, foreign, foreign, -1, -1};
        window.models()->onModelFailed(path, error);
        LOOK("a model that does not open");
        for (QAbstractButton* b : window.banner()->findChildren<QAbstractButton*>())
            if (b->isCheckable()) b->setChecked(true);
        LOOK("its details");
        window.models()->onForecastFailed(path, error);
        ErrorInfo lacking = error;
        lacking.fetch = {foreign, foreign, foreign, 1 << 20, {"/nowhere/" + foreign, foreign}};
        window.models()->onModelFailed(path, lacking);
        LOOK("a model to fetch");
        window.findChild<QPushButton*>("fetchStart")->click();
        LOOK("it does not come");
        for (QDialog* d : window.findChildren<QDialog*>()) d->close();
        LOOK("it is not wanted");
        window.openPath(path);
        ForecastInfo forecast;
        forecast.path = path;
        forecast.contextTokens = forecast.largestContext = 1000;
        window.models()->onForecast(forecast);
        LOOK("forecast");
        for (ForecastDialog* dialog : window.findChildren<ForecastDialog*>()) dialog->setAdapter(foreign);
        LOOK("an adapter");
        window.models()->onForecastFailed(path, error);
        LOOK("an adapter that is refused");
        for (QDialog* d : window.findChildren<QDialog*>()) d->close();

        ModelInfo model;
        model.path = path;
        model.name = model.format = model.hash = model.description = model.license = model.trainedOn = model.backend =
            model.device = model.adapter = model.adapterPath = foreign;
        model.cardText = "![p](away:/zero) ![q](data:image/png;base64,aaaa) [l](http://evil.example/) " +
                         QString(foreign).left(100000);
        model.tasks = {foreign};
        model.trainedFor = {foreign};
        window.models()->onModelReady(model);
        LOOK("model");
        {
            ModelCardDialog card(model, &window);
            card.show();
            QVERIFY(QTest::qWaitForWindowExposed(&card));
            LOOK("model card");
        }

        const auto declared = std::make_shared<const RunData>(run(foreign, 1, MaskPolicySpec::declared(), longTokens));
        const auto dense = std::make_shared<const RunData>(run(foreign, 2, MaskPolicySpec::dense(), longTokens));
        RunData third = run(foreign, 3, MaskPolicySpec::declared(), longTokens);
        third.header.formattedPrompt += "other";
        window.files()->onTraceOpened(path + ".spantrace", {declared, dense, std::make_shared<const RunData>(third)},
                                      foreign);
        LOOK("trace");
        window.files()->onTraceSaved(path);
        window.files()->onTraceFailed(path, error);
        window.action("run")->trigger();
        RunHeader header = declared->header;
        header.runId = window.runs()->lastRunId();
        window.runs()->onStarted(header.runId, std::make_shared<const RunHeader>(header), {});
        auto batch = std::make_shared<RunBatch>();
        batch->runId = header.runId;
        batch->steps = declared->steps;
        batch->segments = declared->segments;
        batch->violations = declared->violations;
        batch->stats = declared->stats;
        batch->answer = declared->answer;
        batch->finished = true;
        window.runs()->onBatch(batch);
        LOOK("run");
        ErrorInfo wrong = error;
        wrong.column = 3;
        wrong.line = 1;
        window.runs()->onFailed(header.runId, wrong);
        LOOK("a wrong problem");
        window.runs()->onFailed(header.runId, error);
        window.runs()->onFinished(header.runId, StopReason::Failed);
        window.runs()->onIdle();
        window.setSideBySide(true);
        LOOK("side by side");

        window.docks()->setPreset("inspect");
        window.docks()->raise("probe");
        emit window.probe()->inspectRequested();
        const RunData& shown = window.store()->data();
        window.probe()->onCurve(sample::curveOf(shown));
        QVERIFY(window.probe()->isInspecting());
        StepProbe probe = sample::probeOf(shown, window.selection()->current());
        probe.topDense[0].text = probe.topDense[1].text = probe.topRestricted[0].text = foreign.toStdString();
        window.probe()->onProbe(probe);
        StepEdit edit;
        edit.runId = shown.header.runId;
        edit.step = probe.step;
        edit.topDense = edit.topBefore = probe.topDense;
        edit.topAfter = probe.topRestricted;
        window.probe()->onEdit(edit);
        LOOK("probe");
        emit window.probe()->inspectRequested();
        window.probe()->onFailed(error);
        window.files()->offerRecovery({path + ".spantrace", path});
        for (const char* preset : {"analysis", "inspect", "demo"}) {
            window.docks()->setPreset(preset);
            for (const QString& id : window.windowActions()->ids())
                if (id.startsWith("dock.")) window.docks()->raise(id.mid(5));
            window.selection()->lockRange(window.store()->nSteps() / 2, window.store()->nSteps() / 2);
            LOOK(preset);
        }
        for (const QString& id : window.windowActions()->ids())
            if (id.startsWith("dock.")) {
                window.docks()->raise(id.mid(5));
                LOOK(qPrintable(id));
            }
        window.action("exportImage")->trigger();
        LOOK("export");
        if (auto* dialog = window.findChild<QDialog*>("exportDialog")) dialog->close();
        ModelInfo instruct = model;
        instruct.path += "2";
        instruct.tasks.clear();
        window.models()->onModelReady(instruct);
        QVERIFY(window.promptEditor()->isConversation());
        LOOK("a model without the protocol");
        window.action("chatSystem")->trigger();
        QApplication::clipboard()->setText(foreign);
        window.chatPanel()->systemEdit()->paste();
        QVERIFY(window.chatPanel()->systemText().isEmpty());
        ChatTurnInfo said = sample::answer(0, foreign);
        said.reasoning = said.modelName = said.attention = foreign;
        sample::say(*window.chat()->tree(), {sample::question(-1, foreign), said, sample::answer(0, "x"), said}, 1);
        QTRY_VERIFY_WITH_TIMEOUT(window.chatPanel()->view()->isComplete(), test::patience(20000));
        window.chatPanel()->view()->toggleReasoning(1);
        LOOK("conversation");
        window.chat()->edit(0);
        LOOK("an earlier message");
        window.chat()->cancelEdit();
        sample::say(*window.chat()->tree(), {}, 0, declared->header.runId);
        window.store()->show(declared);
        LOOK("an answer that is being written");
        instruct.path += "3";
        instruct.noChat = foreign;
        window.models()->onModelReady(instruct);
        LOOK("a model that cannot hold a conversation");
        QVERIFY2(walk.seen > 50, qPrintable(QString("only %1 texts quoted what was fed in").arg(walk.seen)));
    }
};

QTEST_MAIN(TestForeignText)
#include "tst_foreign_text.moc"
