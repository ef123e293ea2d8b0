// The conversation on show: a tree of turns, its branches, reasoning, an answer that is being written, and links.
#include <QApplication>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTextBlock>
#include <QtTest>

#include "tests/longest_turn.h"
#include "tests/ui/sample_chat.h"
#include "ui/model/shown_text.h"
#include "ui/views/chat/chat_view.h"

using namespace spanscope;
using sample::answer;
using sample::question;
using sample::say;

namespace {

void show(ChatView& view) {
    view.resize(600, 500);
    view.show();
    QVERIFY(QTest::qWaitForWindowExposed(&view));
    QTRY_VERIFY_WITH_TIMEOUT(view.isComplete(), test::patience(20000));
}

/// Where a link stands; fails where it does not.
QTextCursor linkOf(const ChatView& view, const QString& link) {
    for (QTextBlock block = view.document()->begin(); block.isValid(); block = block.next())
        for (auto it = block.begin(); !it.atEnd(); ++it)
            if (it.fragment().charFormat().anchorHref() == link) {
                QTextCursor cursor(view.document());
                cursor.setPosition(it.fragment().position());
                return cursor;
            }
    return {};
}

void batch(RunStore& store, qint64 id, const QStringList& tokens) {
    auto batch = std::make_shared<RunBatch>();
    batch->runId = id;
    for (const QString& token : tokens) {
        StepRecord step;
        step.index = store.nSteps() + static_cast<int>(batch->steps.size());
        step.position = store.nPrompt() + step.index;
        step.token.text = token.toStdString();
        step.visible = std::make_shared<const IntervalList>();
        batch->steps.push_back(step);
    }
    store.append(batch);
}

void begin(RunStore& store, qint64 id, const char* prompt) {
    auto header = std::make_shared<RunHeader>();
    header->runId = id;
    header->modelName = "Tiny";
    header->formattedPrompt = prompt;
    header->prompt.resize(3);
    store.begin(header, {});
}

}  // namespace

class TestChatView : public QObject {
    Q_OBJECT
  private slots:
    void treeOfTurns() {
        ChatTree tree;
        QSignalSpy changed(&tree, &ChatTree::changed);
        say(tree, {question(-1, "one"), answer(0, "first")}, 1);
        say(tree, {question(1, "two"), answer(2, "second")}, 3);
        say(tree, {answer(2, "another")}, 4);
        QCOMPARE(changed.size(), 3);
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 4}));
        QCOMPARE(tree.alternatives(4), QVector<int>({3, 4}));
        QCOMPARE(tree.alternatives(0), QVector<int>({0}));
        tree.show(3);
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 3}));
        say(tree, {question(-1, "ONE"), answer(5, "FIRST")}, 6);
        QCOMPARE(tree.path(), QVector<int>({5, 6}));
        tree.show(0);  // to its newest turns
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 4}));
        ChatUpdate other;
        other.conversation = tree.id() + 1;
        other.first = 7;
        other.turns = {question(-1, "x")};
        tree.apply(other);
        other.conversation = tree.id();
        other.first = 3;  // does not follow on what is there
        tree.apply(other);
        QCOMPARE(tree.turns().size(), 7);
        say(tree, {question(4, "three")}, 7, 12);
        QCOMPARE(tree.writing(), 12);
        tree.show(0);  // not while an answer is written
        QCOMPARE(tree.tip(), 7);
        tree.start();
        QVERIFY(tree.isEmpty() && !tree.writing() && tree.path().isEmpty());
    }

    void figures() {
        ChatTurnInfo turn = answer(0, "x");
        turn.keptTokens = 412;
        turn.readTokens = 18;
        turn.nTokens = 96;
        turn.tokensPerS = 84;
        QCOMPARE(turnFigures(turn), QString("kept 412 tokens, read 18 new · wrote 96 tokens at 84.0 t/s"));
        turn.stop = StopReason::Cancelled;
        QVERIFY(turnFigures(turn).endsWith(" · stopped"));
    }

    void liveAnswers_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("begunInside");
        QTest::addColumn<bool>("reasons");
        QTest::addColumn<bool>("open");
        QTest::addColumn<QString>("said");
        QTest::newRow("plain") << "Hello <think>" << false << false << false << "Hello <think>";
        QTest::newRow("nothing yet") << "" << false << false << false << "";
        QTest::newRow("begins") << "\n<think>\nso" << false << true << true << "";
        QTest::newRow("ends") << "<think>a</think>\n\nyes" << false << true << false << "yes";
        QTest::newRow("begun by the prompt") << "so" << true << true << true << "";
        QTest::newRow("ended so") << "so</think> yes" << true << true << false << "yes";
    }
    void liveAnswers() {
        QFETCH(QString, text);
        QFETCH(bool, begunInside);
        const LiveAnswer live = readLiveAnswer(text, begunInside);
        QTEST(live.reasons, "reasons");
        QTEST(live.open, "open");
        QTEST(text.mid(live.saidFrom), "said");
    }

    void turnsStandAsText() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        say(tree, {question(-1, "What <b>is</b> it?\nReally."), answer(0, "It is.")}, 1);
        show(view);
        const QString text = view.toPlainText();
        QVERIFY2(text.startsWith("You   Edit\nWhat <b>is</b> it?\nReally.\n\nTiny   Ask again\nIt is.\n"),
                 qPrintable(text));
        QVERIFY(text.contains("kept 4 tokens, read 5 new"));
        QVERIFY(!text.contains("1 of"));
        // A second answer: both are counted, and the arrows lead from one to the other.
        say(tree, {answer(0, "It is not.")}, 2);
        QVERIFY(view.toPlainText().contains("‹ 2 of 2 ›") && view.toPlainText().contains("It is not."));
        QVERIFY(!view.toPlainText().contains("It is.\n"));
        view.setTextCursor(linkOf(view, "previous:2"));
        QTest::keyClick(&view, Qt::Key_Return);
        QCOMPARE(tree.tip(), 1);
        QVERIFY(view.toPlainText().contains("‹ 1 of 2 ›") && view.toPlainText().contains("It is.\n"));
        view.showAlternative(1, -1);  // there is none
        QCOMPARE(tree.tip(), 1);
        view.showAlternative(1, 1);
        QCOMPARE(tree.tip(), 2);
    }

    void linksAskTheirOwner() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        say(tree, {question(-1, "one"), answer(0, "two")}, 1);
        show(view);
        QSignalSpy edit(&view, &ChatView::editRequested), again(&view, &ChatView::againRequested),
            run(&view, &ChatView::runRequested);
        for (const char* link : {"edit:0", "again:1", "run:1"}) {
            QTextCursor cursor = linkOf(view, link);
            QVERIFY2(!cursor.isNull(), link);
            cursor.movePosition(QTextCursor::NextCharacter);
            view.setTextCursor(cursor);
            QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, view.cursorRect().center());
        }
        QCOMPARE(edit.size(), 1);
        QCOMPARE(edit[0][0].toInt(), 0);
        QCOMPARE(again.size(), 1);
        QCOMPARE(run.size(), 1);
        QTest::keyClick(&view, Qt::Key_Return);
        QCOMPARE(run.size(), 2);
    }

    void theKeyboardWalksTurns() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        say(tree, {question(-1, "a"), answer(0, "b"), question(1, "c"), answer(2, "d")}, 3);
        show(view);
        QTextCursor end(view.document());
        end.movePosition(QTextCursor::End);
        view.setTextCursor(end);
        QCOMPARE(view.currentTurn(), 3);
        for (const int wanted : {2, 1, 0, 0}) {
            view.goToTurn(-1);
            QCOMPARE(view.currentTurn(), wanted);
        }
        view.goToTurn(1);
        QCOMPARE(view.currentTurn(), 1);
    }

    void reasoningIsFolded() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        ChatTurnInfo turn = answer(0, "So.");
        turn.reasoning = "first this\nthen that";
        turn.nReasoningTokens = 1234;
        say(tree, {question(-1, "a"), turn, question(1, "more"), answer(2, "last")}, 3);
        show(view);
        QVERIFY(view.toPlainText().contains(QStringLiteral("▸ Reasoning · 1,234 tokens")));
        QVERIFY(!view.toPlainText().contains("then that"));
        const QString folded = view.toPlainText();
        view.setTextCursor(linkOf(view, "fold:1"));
        QTest::keyClick(&view, Qt::Key_Return);
        QVERIFY(view.toPlainText().contains("first this\nthen that\nSo."));
        QCOMPARE(view.currentTurn(), 1);
        view.goToTurn(1);  // what stands below went along
        QCOMPARE(view.currentTurn(), 2);
        QCOMPARE(view.textCursor().block().text(), QString("You   Edit"));
        view.toggleReasoning(1);
        QCOMPARE(view.toPlainText(), folded);
    }

    void anAnswerGrows() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        say(tree, {question(-1, "a")}, 0, 7);
        begin(store, 7, "x");
        show(view);
        QVERIFY(view.toPlainText().endsWith("Tiny   writing\n"));
        batch(store, 7, {"<", "think", ">", "\n"});
        QVERIFY(view.toPlainText().endsWith("▸ Reasoning · 4 tokens\n"));
        batch(store, 7, {"hm", "</"});
        QVERIFY(view.toPlainText().endsWith("▸ Reasoning · 6 tokens\n"));
        view.toggleReasoning(-1);
        QVERIFY2(view.toPlainText().endsWith("▾ Reasoning · 6 tokens\n"), qPrintable(view.toPlainText()));
        batch(store, 7, {"think", ">", "\n\n", "Yes", ",", " it"});
        QVERIFY2(view.toPlainText().contains("\nhm\nYes, it"), qPrintable(view.toPlainText()));
        QVERIFY(!view.toPlainText().contains("think>"));
        batch(store, 7, {" is", "\n", "so."});
        QVERIFY(view.toPlainText().endsWith("Yes, it is\nso."));
        ChatTurnInfo turn = answer(0, "Yes, it is\nso.");
        turn.reasoning = "hm";
        turn.nReasoningTokens = 8;
        say(tree, {turn}, 1);
        QVERIFY2(view.toPlainText().contains("▾ Reasoning · 8 tokens\nhm\nYes, it is\nso.\nkept"),
                 qPrintable(view.toPlainText()));
        QVERIFY(!view.toPlainText().contains("writing"));
    }

    /// Without reasoning every token is there as it comes, one that might begin <think> as soon as it does not.
    void aPlainAnswerGrows() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        show(view);
        say(tree, {question(-1, "a")}, 0, 7);
        begin(store, 7, "x");
        batch(store, 7, {"<th"});
        QVERIFY(view.toPlainText().endsWith("writing\n"));
        batch(store, 7, {"e>"});
        QVERIFY(view.toPlainText().endsWith("writing\n<the>"));
        tree.setNotWriting();  // it failed
        QVERIFY(!view.toPlainText().contains("writing"));
        QVERIFY(view.toPlainText().endsWith("You   Edit\na\n\n"));
    }

    void linesAndMarksAreBounded() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        const QString smile = QString::fromUcs4(U"\U0001f600");
        say(tree,
            {question(-1, QString(1999, 'x') + smile.repeated(3000)),
             answer(0, QStringLiteral("a\u202eb\r\n") + QChar(0) + "c")},
            1);
        show(view);
        for (QTextBlock b = view.document()->begin(); b.isValid(); b = b.next())
            QVERIFY(b.length() < 2 * kChatLine + 2);
        QString text = view.toPlainText();
        QVERIFY(text.contains(QStringLiteral("a‹U+202E›b\n‹U+0000›c")));
        QCOMPARE(text.remove('\n').remove(QChar(0x200b)).count(smile), 3000);
    }

    /// In what was said, not in headings, links and figures; also in what comes later.
    void findsWhatWasSaid() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        say(tree, {question(-1, "a Fox and a fox"), answer(0, "one\nfox, no edit")}, 1);
        show(view);
        QSignalSpy found(&view, &ChatView::found);
        const auto nFound = [&] { return found.isEmpty() ? -1 : found.back()[0].toInt(); };
        view.findText("fox");
        QCOMPARE(nFound(), 3);
        QCOMPARE(view.extraSelections().size(), 3);
        view.findText("edit");
        QCOMPARE(nFound(), 1);  // of many
        view.findText("kept");
        QCOMPARE(nFound(), 0);
        QVERIFY(!view.findNext(1) && view.extraSelections().isEmpty());
        view.findText("FOX");
        QVERIFY(view.findNext(1) && view.textCursor().selectedText() == "Fox");
        const int first = view.textCursor().selectionStart();
        QVERIFY(view.findNext(1) && view.textCursor().selectedText() == "fox");
        QVERIFY(view.findNext(1) && view.findNext(1));
        QCOMPARE(view.textCursor().selectionStart(), first);
        QVERIFY(view.findNext(-1));
        QCOMPARE(view.currentTurn(), 1);
        say(tree, {question(1, "foxes"), answer(2, "cats")}, 3);
        QTRY_COMPARE(nFound(), 4);
        say(tree, {question(-1, "another")}, 4);
        QTRY_COMPARE(nFound(), 0);
        tree.show(0);
        QTRY_COMPARE(nFound(), 4);
        say(tree, {question(3, "and")}, 5, 7);
        begin(store, 7, "x");
        batch(store, 7, {"the ", "fo"});
        batch(store, 7, {"x"});
        QTRY_COMPARE(nFound(), 5);
        view.findText({});
        QVERIFY(view.extraSelections().isEmpty() && !view.findNext(1));
    }

    /// Ten thousand turns, and a branch of them changed near the beginning: no turn of the event loop grows with them.
    void longConversationsComeInSlices() {
        ChatTree tree;
        RunStore store;
        ChatView view(&tree, &store, nullptr);
        view.resize(600, 500);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        const int nTurns = test::kSlowdown > 1 ? 1000 : 10'000;
        QVector<ChatTurnInfo> turns;
        for (int i = 0; i < nTurns; i += 2)
            turns << question(i - 1, "a question") << answer(i, QString("some words of an answer\n").repeated(6));
        const double all = test::longestTurn([&] { say(tree, turns, nTurns - 1); }, [&] { return view.isComplete(); });
        QVERIFY2(all < test::turnBoundMs(), qPrintable(QString("%1 ms").arg(all)));
        QCOMPARE(view.toPlainText().count("a question"), nTurns / 2);
        QCOMPARE(view.verticalScrollBar()->value(), view.verticalScrollBar()->maximum());
        say(tree, {question(1, "on a branch"), answer(nTurns, "short")}, nTurns + 1);
        QVERIFY(view.isComplete());
        const double back =
            test::longestTurn([&] { view.showAlternative(nTurns, -1); }, [&] { return view.isComplete(); });
        QVERIFY2(back < test::turnBoundMs(), qPrintable(QString("%1 ms").arg(back)));
        QCOMPARE(view.currentTurn(), 2);  // it stays where it was asked for
        QVERIFY(view.viewport()->rect().intersects(view.cursorRect()));
        qInfo("%d turns: longest turn of the event loop %.1f ms, of another branch %.1f ms", nTurns, all, back);
    }
};

QTEST_MAIN(TestChatView)
#include "tst_chat_view.moc"
