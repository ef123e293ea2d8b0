// Conversations in the whole program, with a tiny instruct model of noise: ChatML in its tokenizer_config.json, no
// card.
#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QInputMethodEvent>
#include <QLineEdit>
#include <QSpinBox>
#include <QStandardItemModel>
#include <utility>

#include "tests/app/window_test.h"
#include "ui/views/chat/chat_view.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_files.h"
#include "ui/window/chat_panel.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

namespace {
const char* kTokenizerConfig =
    R"({"chat_template": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"})";
/// The same with a switch.
const char* kThinkingConfig =
    R"({"chat_template": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"})";
}  // namespace

class TestWindowChat : public test::WindowTest {
    Q_OBJECT
  private slots:
    void initTestCase() {
        prepare("tst_window_chat");
        test::TinyModelOptions options;
        options.card = false;
        options.maxSeqLen = 4096;
        QVERIFY(test::writeTinyModel(m_base.path(), options));
        QVERIFY(test::writeTinyModel(m_instruct.path(), options));
        QVERIFY(test::writeFile(m_instruct.file("tokenizer_config.json"), kTokenizerConfig));
        QVERIFY(test::writeTinyModel(m_thinking.path(), options));
        QVERIFY(test::writeFile(m_thinking.file("tokenizer_config.json"), kThinkingConfig));
        options.seed = 2;
        QVERIFY(test::writeTinyModel(m_other.path(), options));
        QVERIFY(test::writeFile(m_other.file("tokenizer_config.json"), kTokenizerConfig));
    }
    void init() {
        open();
        m_window->runs()->setMaxTokens(8);
    }
    void cleanup() {
        close();
        m_conversationFile.clear();
    }

    /// A model that does not speak the protocol takes the task that fits it, and the window says so.
    void theTaskFitsTheModel() {
        load(tiny());  // speaks it
        PromptEditor* prompt = m_window->promptEditor();
        QCOMPARE(prompt->task(), QString("expression"));
        QVERIFY(!isOffered("chat") && isOffered("sheet") && isOffered("text"));
        openModel(m_instruct);
        QCOMPARE(prompt->task(), QString("chat"));
        QVERIFY(m_window->banner()->isVisible());
        QVERIFY2(m_window->banner()->title().contains("Chat") && m_window->banner()->text().contains("span protocol"),
                 qPrintable(m_window->banner()->title() + m_window->banner()->text()));
        for (const char* task : {"expression", "sheet", "news"}) {
            QVERIFY(!isOffered(task));
            QVERIFY(tipOf(task).contains("span protocol"));
        }
        QVERIFY(isOffered("chat") && isOffered("text"));
        QVERIFY(!m_window->action("attentionBoth")->isEnabled());
        auto* attention = m_window->findChild<QComboBox*>("attention");
        QVERIFY(attention->currentText() == "Dense" && attention->findText("Declared") < 0);
        openModel(m_base);
        QCOMPARE(prompt->task(), QString("text"));
        QVERIFY(!isOffered("chat") && !isOffered("news"));
        QVERIFY2(tipOf("chat").contains("chat template"), qPrintable(tipOf("chat")));
        QVERIFY(m_window->banner()->text().contains("chat template"));
        openModel(tinyFolder());
        QCOMPARE(prompt->task(), QString("expression"));
        QVERIFY(isOffered("sheet") && tipOf("sheet").isEmpty());
        QCOMPARE(attention->currentText(), QString("Declared"));
        QVERIFY(attention->findText("Window") < 0 && !m_window->action("attentionWindow")->isEnabled());
    }

    void messagesAndAnswers() {
        openModel(m_instruct);
        send("one");
        const ChatTree& tree = *m_window->chat()->tree();
        QCOMPARE(tree.turns().size(), 2);
        QCOMPARE(tree.turn(0).text, QString("one"));
        QCOMPARE(tree.turn(1).nTokens, 8);
        QCOMPARE(tree.turn(1).keptTokens, 0);
        QVERIFY(tree.turn(1).readTokens > 0);
        QVERIFY(edit()->toPlainText().isEmpty());
        // The answer is the run on show.
        QCOMPARE(m_window->store()->nSteps(), 8);
        QCOMPARE(m_window->store()->data().header.runId, tree.turn(1).runId);
        QVERIFY(m_window->store()->isFinished());
        const int before = m_window->store()->nContext();
        send("two");
        QCOMPARE(tree.turns().size(), 4);
        QVERIFY2(tree.turn(3).keptTokens >= before - 1, qPrintable(QString::number(tree.turn(3).keptTokens)));
        QVERIFY(tree.turn(3).readTokens > 0);
        const QString text = m_window->chatPanel()->view()->toPlainText();
        QVERIFY(text.contains("You   Edit\none\n") && text.contains("You   Edit\ntwo\n"));
        QVERIFY(text.contains(
            QString("kept %1 tokens, read %2 new").arg(tree.turn(3).keptTokens).arg(tree.turn(3).readTokens)));
        // Its tokens, and those of an earlier answer.
        m_window->chat()->showRun(1);
        QCOMPARE(m_window->store()->data().header.runId, tree.turn(1).runId);
        QVERIFY(m_window->action("chatTokens")->isChecked() && m_window->transcriptPanel()->isVisible());
        m_window->action("chatTokens")->trigger();
        QVERIFY(m_window->chatPanel()->isVisible() && !m_window->transcriptPanel()->isVisible());
    }

    void branches() {
        openModel(m_instruct);
        send("one");
        send("two");
        const ChatTree& tree = *m_window->chat()->tree();
        m_window->action("chatAgain")->trigger();
        waitUntilIdle();
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 4}));
        QCOMPARE(tree.turn(4).readTokens, 1);  // but for the last one, all of its prompt was kept
        m_window->action("chatPreviousBranch")->trigger();
        QCOMPARE(tree.tip(), 3);
        m_window->chat()->edit(0);
        QCOMPARE(edit()->toPlainText(), QString("one"));
        QVERIFY(m_window->action("chatCancelEdit")->isVisible());
        m_window->action("chatCancelEdit")->trigger();
        QVERIFY(edit()->toPlainText().isEmpty() && !m_window->action("chatCancelEdit")->isVisible());
        edit()->setPlainText("a draft");
        m_window->chat()->edit(0);
        send("ONE");
        QCOMPARE(tree.path(), QVector<int>({5, 6}));
        QCOMPARE(tree.alternatives(5), QVector<int>({0, 5}));
        QCOMPARE(edit()->toPlainText(), QString("a draft"));
        // Another answer to an earlier question, from where it stands.
        m_window->chat()->tree()->show(0);
        m_window->chat()->askAgain(1);
        waitUntilIdle();
        QCOMPARE(tree.path(), QVector<int>({0, 7}));
        m_window->action("chatNew")->trigger();
        QVERIFY(tree.isEmpty());
        send("anew");
        QCOMPARE(tree.path(), QVector<int>({0, 1}));
        QCOMPARE(tree.turn(1).keptTokens, 0);
    }

    void whatCannotBeSentStays() {
        openModel(m_instruct);
        edit()->setPlainText(" ");
        m_window->action("run")->trigger();
        QCOMPARE(m_window->state(), MainWindow::State::Ready);
        QVERIFY(m_window->chat()->tree()->isEmpty());
        const QString tooLong = QString("word ").repeated(4000);
        edit()->setPlainText(tooLong);
        m_window->action("run")->trigger();
        waitUntilIdle();
        QVERIFY(m_window->banner()->isVisible());
        QCOMPARE(edit()->toPlainText(), tooLong);
        QVERIFY(m_window->chat()->tree()->isEmpty());
        send("short");
        QCOMPARE(m_window->chat()->tree()->turns().size(), 2);
    }

    void aStoppedAnswerStays() {
        openModel(m_instruct);
        m_window->runs()->setMaxTokens(-1);
        bool wrote = false, edited = true;
        const auto atFirstBatch = connect(m_window->store(), &RunStore::stepsAppended, this, [&] {
            if (std::exchange(wrote, true)) return;
            wrote = m_window->chatPanel()->view()->toPlainText().contains("writing");
            m_window->chat()->send();  // not while an answer is being written
            m_window->chat()->edit(0);
            edited = m_window->chat()->isEditing();
            m_window->action("stop")->trigger();
        });
        edit()->setPlainText("go on");
        m_window->action("run")->trigger();
        waitUntilIdle();
        disconnect(atFirstBatch);
        QVERIFY(wrote && !edited);
        const ChatTree& tree = *m_window->chat()->tree();
        QCOMPARE(tree.turns().size(), 2);
        QVERIFY(tree.turn(1).stop == StopReason::Cancelled || tree.turn(1).stop == StopReason::ContextFull);
        QVERIFY(!m_window->chatPanel()->view()->toPlainText().contains("writing"));
    }

    /// Letters that an input method holds are not sent, and no key sends the text meanwhile.
    void composingNeverSends() {
        openModel(m_instruct);
        edit()->setPlainText("text");
        edit()->setFocus();
        QInputMethodEvent preedit("ni", {});
        QApplication::sendEvent(edit(), &preedit);
        m_window->action("run")->trigger();
        QCOMPARE(m_window->state(), MainWindow::State::Ready);
        QVERIFY(m_window->chat()->tree()->isEmpty());
        QInputMethodEvent commit;
        commit.setCommitString(QString::fromUtf8("你"));
        QApplication::sendEvent(edit(), &commit);
        QTest::keyClick(edit(), Qt::Key_Return);  // a line end
        QVERIFY(m_window->chat()->tree()->isEmpty());
        QTest::keyClick(m_window.get(), Qt::Key_Return, Qt::ControlModifier);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->chat()->tree()->turns().size(), 2, test::patience(20000));
        QVERIFY(m_window->chat()->tree()->turn(0).text.contains(QString::fromUtf8("你")));
        waitUntilIdle();
    }

    void theSystemTextIsToldFirst() {
        openModel(m_instruct);
        QVERIFY(!m_window->chatPanel()->systemEdit()->isVisible());
        m_window->action("chatSystem")->trigger();
        QVERIFY(m_window->chatPanel()->systemEdit()->isVisible());
        m_window->chatPanel()->systemEdit()->setPlainText("Be <brief> & kind.");
        m_window->action("chatSystem")->trigger();
        send("one");
        const std::string& prompt = m_window->store()->data().header.formattedPrompt;
        QVERIFY2(prompt.starts_with("<|im_start|>system\nBe <brief> & kind.<|im_end|>\n<|im_start|>user\none"),
                 prompt.c_str());
    }

    /// The window has the turns: they outlive another task, runs that take the cache, and the model.
    void theConversationGoesOn() {
        openModel(m_instruct);
        send("one");
        const ChatTree& tree = *m_window->chat()->tree();
        m_window->promptEditor()->setTask("text");
        QVERIFY(!m_window->chatPanel()->isVisible());
        m_window->promptEditor()->setText("some text");
        m_window->runs()->setCompare(MainWindow::Compare::Both);
        m_window->action("run")->trigger();
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().header.settings.task, std::string("text"));
        m_window->promptEditor()->setTask("chat");
        QVERIFY(m_window->chatPanel()->isVisible());
        send("two");
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 3}));
        QCOMPARE(tree.turn(3).keptTokens, 0);  // a run and its twin took the cache
        send("three");
        QVERIFY(tree.turn(5).keptTokens > 0);
        const QString hash = tree.turn(5).modelHash;
        openModel(m_other);
        QCOMPARE(m_window->promptEditor()->task(), QString("chat"));
        send("four");
        QCOMPARE(tree.path().size(), 8);
        QVERIFY(tree.turn(7).modelHash != hash);
        QVERIFY(m_window->store()->data().header.formattedPrompt.find("three") != std::string::npos);
    }

    /// The window ends and begins again: the turns are there, also with a model that cannot go on with them.
    void theConversationOutlivesTheWindow() {
        reopenKeeping("conversation.json");
        openModel(m_instruct);
        m_window->chatPanel()->systemEdit()->setPlainText("Be brief.");
        send("one");
        send("two");
        m_window->action("chatAgain")->trigger();
        waitUntilIdle();
        const QVector<ChatTurnInfo> before = m_window->chat()->tree()->turns();
        QCOMPARE(before.size(), 5);
        endAndBegin();
        const ChatTree& tree = *m_window->chat()->tree();
        QCOMPARE(m_window->promptEditor()->task(), QString("chat"));
        QVERIFY(m_window->chatPanel()->isVisible());
        QCOMPARE(tree.turns().size(), 5);
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 4}));
        for (int i = 0; i < 5; ++i) QCOMPARE(tree.turn(i).text, before[i].text);
        QCOMPARE(m_window->chatPanel()->systemText(), QString("Be brief."));
        QVERIFY(m_window->chatPanel()->view()->toPlainText().contains("two"));
        openModel(tinyFolder());  // cannot hold a conversation
        QCOMPARE(m_window->promptEditor()->task(), QString("chat"));
        QVERIFY(m_window->banner()->isVisible() && m_window->banner()->title().contains("conversation"));
        QVERIFY(isOffered("chat") && isOffered("expression"));
        edit()->setPlainText("three");
        m_window->action("run")->trigger();
        QCOMPARE(m_window->state(), MainWindow::State::Ready);  // says why
        m_window->action("chatAgain")->trigger();
        QCOMPARE(m_window->state(), MainWindow::State::Ready);
        QCOMPARE(tree.turns().size(), 5);
        openModel(m_instruct);
        m_window->banner()->dismiss();
        m_window->promptEditor()->setTask("chat");
        send("three");
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 4, 5, 6}));
        const std::string& prompt = m_window->store()->data().header.formattedPrompt;
        QVERIFY2(prompt.find("Be brief.") < prompt.find("one") && prompt.find("one") < prompt.find("two"),
                 prompt.c_str());
        // An answer that is being written comes along as far as it got.
        m_window->runs()->setMaxTokens(-1);
        edit()->setPlainText("four");
        m_window->action("run")->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 2 && tree.writing(), test::patience(20000));
        endAndBegin();
        QCOMPARE(m_window->chat()->tree()->turns().size(), 9);
        QVERIFY(m_window->chat()->tree()->turn(8).nTokens > 2);
        m_window->action("chatNew")->trigger();
        m_window->chatPanel()->systemEdit()->clear();
        endAndBegin();
        QVERIFY(m_window->chat()->tree()->isEmpty() && !QFile::exists(m_conversationFile));
    }

    void aConversationThatCannotBeReadIsPutAside() {
        const QString path = reopenKeeping("broken.json");
        QVERIFY(test::writeFile(path.toStdString(), R"({"version":2,"turns":[{"role":"user","parent":5}],"tip":0})"));
        endAndBegin(false);
        QVERIFY(m_window->banner()->isVisible() && m_window->chat()->tree()->isEmpty());
        QVERIFY2(m_window->banner()->text().contains("turns[0].parent") ||
                     m_window->banner()->text().contains("broken.json"),
                 qPrintable(m_window->banner()->text()));
        QVERIFY(!QFile::exists(path) && QFile::exists(path + ".unreadable"));
    }

    void savedAndOpened() {
        openModel(m_instruct);
        QVERIFY(!m_window->action("saveChat")->isEnabled() && m_window->action("openChat")->isEnabled());
        send("one");
        QVERIFY(m_window->action("saveChat")->isEnabled());
        const QString path = QString::fromStdString(m_kept.file("saved.json"));
        m_window->chatFiles()->saveAs(path);
        QVERIFY(QFile::exists(path));
        send("two");
        m_window->promptEditor()->setTask("text");
        m_window->chatFiles()->open(path);
        QCOMPARE(m_window->promptEditor()->task(), QString("chat"));
        const ChatTree& tree = *m_window->chat()->tree();
        QCOMPARE(tree.turns().size(), 2);
        send("three");
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 3}));
        QCOMPARE(tree.turn(3).keptTokens, 0);
        m_window->chatFiles()->open(QString::fromStdString(m_instruct.file("tokenizer_config.json")));
        QVERIFY(m_window->banner()->isVisible());
        QCOMPARE(tree.turns().size(), 4);  // stays
        m_window->chatFiles()->saveAs("/proc/no/such/folder.json");
        QVERIFY(m_window->banner()->title().contains("saved"));
    }

    /// A model that declares nothing has windows to choose from; the run on show has their mask.
    void attentionOfAModelThatDeclaresNothing() {
        openModel(m_instruct);
        auto* attention = m_window->findChild<QComboBox*>("attention");
        auto* window = m_window->findChild<QSpinBox*>("window");
        QVERIFY(!window->isVisible());
        send("one");
        QCOMPARE(m_window->store()->data().header.settings.attention, MaskPolicySpec::dense());
        attention->setCurrentIndex(attention->findText("Window"));
        QTRY_VERIFY(window->isVisible());
        window->setValue(5);
        send("two");
        const RunData& run = m_window->store()->data();
        QCOMPARE(run.header.settings.attention.text(), std::string("window=5"));
        QCOMPARE(run.steps.back().attended, 5);
        QCOMPARE(m_window->chat()->tree()->turn(3).keptTokens, 0);  // computed under another mask
        QVERIFY(m_window->chatPanel()->view()->toPlainText().contains("window=5"));
        m_window->action("attentionKeep")->trigger();
        send("three");
        QCOMPARE(run.header.settings.attention.text(), std::string("keep=5"));
        QCOMPARE(run.steps.back().attended, 6);
        QVERIFY(attention->findText("Compare with dense") < 0 && !m_window->action("attentionBoth")->isEnabled());
        // The same for its texts, which can be compared.
        m_window->promptEditor()->setTask("text");
        m_window->promptEditor()->setText("some text");
        m_window->action("attentionBoth")->trigger();
        m_window->action("run")->trigger();
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().header.settings.attention.text(), std::string("keep=5"));
        QVERIFY(m_window->besideStore()->data().header.settings.attention.isDense());
        m_window->promptEditor()->setTask("chat");
        QCOMPARE(attention->currentText(), QString("Dense"));  // a conversation has no twin
    }

    /// The switch is there where the template reads it, and stands as the template has it by itself.
    void reasoningIsSwitched() {
        openModel(m_instruct);
        auto* box = m_window->findChild<QCheckBox*>("thinking");
        QVERIFY(!box->isVisible());
        send("one");
        QVERIFY(!m_window->store()->data().header.settings.thinking);
        openModel(m_thinking);
        if (!box->isVisible()) QSKIP("no python3-jinja2");
        QVERIFY(box->isChecked());
        send("two");
        const RunHeader& header = m_window->store()->data().header;
        QCOMPARE(header.settings.thinking, std::optional(true));
        QVERIFY(header.formattedPrompt.ends_with("assistant\n"));
        box->click();
        send("three");
        QCOMPARE(header.settings.thinking, std::optional(false));
        QVERIFY2(header.formattedPrompt.ends_with("assistant\n<think>\n\n</think>\n\n"),
                 header.formattedPrompt.c_str());
        openModel(m_other);
        QVERIFY(!box->isVisible());
        send("four");
        QVERIFY(!header.settings.thinking);
    }

    void findStaysInTheConversation() {
        openModel(m_instruct);
        send("a fox");
        QTest::keyClick(m_window.get(), Qt::Key_F, Qt::ControlModifier);
        auto* field = m_window->findChild<QLineEdit*>("chatFindEdit");
        QVERIFY(field->isVisible() && m_window->chatPanel()->isVisible() && !m_window->transcriptPanel()->isVisible());
        QTest::keyClicks(field, "FOX");
        QCOMPARE(m_window->chatPanel()->view()->textCursor().selectedText(), QString("fox"));
        QCOMPARE(m_window->findChild<QLabel*>("chatFindCount")->text(),
                 QString("%1 found").arg(chatText(*m_window->chat()->tree()).count("fox", Qt::CaseInsensitive)));
        m_window->action("findNext")->trigger();
        QCOMPARE(m_window->chatPanel()->view()->textCursor().selectedText().toLower(), QString("fox"));
        QTest::keyClick(field, Qt::Key_Escape);
        QVERIFY(!field->isVisible());
        // The tokens have a bar of their own.
        m_window->action("chatTokens")->trigger();
        m_window->action("find")->trigger();
        QVERIFY(m_window->findChild<QLineEdit*>("findEdit")->isVisible() && !field->isVisible());
    }

    /// What is sent while a model loads goes out when it is there.
    void sentWhileTheModelLoads() {
        openModel(m_instruct);
        m_window->models()->load({QString::fromStdString(m_other.path()), 0, Device::Cpu});
        QCOMPARE(m_window->state(), MainWindow::State::Loading);
        edit()->setPlainText("early");
        m_window->action("run")->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->chat()->tree()->turns().size(), 2, test::patience(30000));
        waitUntilIdle();
    }

  private:
    QString reopenKeeping(const char* name) {
        close();
        m_conversationFile = QString::fromStdString(m_kept.file(name));
        open();
        m_window->runs()->setMaxTokens(8);
        return m_conversationFile;
    }
    void endAndBegin(bool keeping = true) {
        if (keeping) m_window->close();
        close();
        open(true);
        m_window->runs()->setMaxTokens(8);
    }
    void openModel(const test::ScratchFolder& folder) { openModel(QString::fromStdString(folder.path())); }
    void openModel(const QString& folder) {
        m_window->models()->load({folder, 0, Device::Cpu});
        QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, test::patience(30000));
    }
    QString tinyFolder() const { return tiny(); }
    void send(const QString& text) {
        edit()->setPlainText(text);
        m_window->action("run")->trigger();
        QCOMPARE(m_window->state(), MainWindow::State::Running);
        waitUntilIdle();
        QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
        QTRY_VERIFY(m_window->chatPanel()->view()->isComplete());
    }
    int indexOf(const char* task) const { return m_window->promptEditor()->taskBox()->findData(QString(task)); }
    bool isOffered(const char* task) const {
        const auto* model = qobject_cast<QStandardItemModel*>(m_window->promptEditor()->taskBox()->model());
        return model->item(indexOf(task))->isEnabled();
    }
    QString tipOf(const char* task) const {
        return m_window->promptEditor()->taskBox()->itemData(indexOf(task), Qt::ToolTipRole).toString();
    }

    test::ScratchFolder m_base, m_instruct, m_other, m_thinking, m_kept;
};

QTEST_MAIN(TestWindowChat)
#include "tst_window_chat.moc"
