// A chat's question under a vocabulary of tags: chosen, taught, run and shown as the command line does it. With a tiny
// instruct model of noise.
#include <QAction>
#include <QComboBox>

#include "engine/reading/violation_counts.h"
#include "tests/app/window_test.h"
#include "ui/window/chat_controller.h"
#include "ui/window/run_session.h"
#include "ui/window/vocabulary_box.h"

using namespace spanscope;
using namespace spanscope::test;

class TestWindowVocabulary : public WindowTest {
    Q_OBJECT
    using Compare = RunController::Compare;
    ScratchFolder m_instruct;

    VocabularyBox* box() const { return m_window->findChild<VocabularyBox*>("vocabulary"); }
    void choose(const QString& name) {
        const int at = box()->findText(name);
        QVERIFY2(at >= 0, qPrintable(name));
        box()->setCurrentIndex(at);
        emit box()->activated(at);
    }
    QString said() const { return m_window->findChild<QLabel*>("promptMessage")->text(); }
    void openInstruct() {
        m_window->models()->load({QString::fromStdString(m_instruct.path()), 0, Device::Cpu});
        QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, patience(30000));
        QCOMPARE(m_window->promptEditor()->task(), QString("chat"));
        QTRY_VERIFY(box()->isVisible());
    }

  private slots:
    void initTestCase() {
        prepare("tst_window_vocabulary");
        TinyModelOptions options;
        options.card = false;
        options.maxSeqLen = 8192;
        QVERIFY(writeTinyModel(m_instruct.path(), options));
        QVERIFY(writeFile(
            m_instruct.file("tokenizer_config.json"),
            R"({"chat_template": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"})"));
    }
    void init() {
        open();
        m_window->runs()->setMaxTokens(8);
    }
    void cleanup() { close(); }

    /// Only a chat has the choice, and nothing is chosen by itself.
    void onlyChatsAreTaught() {
        load(tiny());
        QVERIFY(!box()->isVisible());
        openInstruct();
        QCOMPARE(box()->currentText(), QString("No tags"));
        QStringList names;
        for (int i = 0; i < box()->count(); ++i) names << box()->itemText(i);
        QCOMPARE(names, QStringList({"No tags", "Tags: da", "Tags: memento", "Tags: lightthinker", "Tags of a file…"}));
        QVERIFY(!m_window->runs()->teachesTags());
        QCOMPARE(m_window->runs()->compare(), Compare::Dense);
        m_window->promptEditor()->setTask("text");
        QTRY_VERIFY(!box()->isVisible());
    }

    void aQuestionUnderTags_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("tag");
        QTest::newRow("da") << "da"
                            << "<focus";
        QTest::newRow("memento") << "memento"
                                 << "<|block_start|>";
        QTest::newRow("lightthinker") << "lightthinker"
                                      << "<commit";
    }
    void aQuestionUnderTags() {
        QFETCH(QString, name);
        QFETCH(QString, tag);
        openInstruct();
        choose("Tags: " + name);
        QVERIFY(m_window->runs()->teachesTags());
        QVERIFY(m_window->runs()->choices().contains(Compare::Declared));
        QVERIFY(!m_window->runs()->choices().contains(Compare::Lossless));
        m_window->action("attentionDeclared")->trigger();
        type("A box holds 3 rows of 4 eggs. How many?");
        m_window->action("run")->trigger();
        waitUntilIdle();
        const RunData& run = m_window->store()->data();
        QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
        QCOMPARE(run.steps.size(), size_t{8});
        QCOMPARE(QString::fromStdString(run.header.vocabulary), name);
        QCOMPARE(run.header.settings.attention, MaskPolicySpec::declared());
        QVERIFY2(QString::fromStdString(run.header.formattedPrompt).contains(tag), run.header.formattedPrompt.c_str());
        QVERIFY(m_window->chat()->tree()->isEmpty());          // it is no turn
        QVERIFY(m_window->action("chatTokens")->isChecked());  // what the model was told is on show
        m_window->action("repeat")->trigger();
        waitUntilIdle();
        QCOMPARE(QString::fromStdString(m_window->store()->data().header.vocabulary), name);
        // The conversation goes on without them.
        m_window->action("chatAgain")->trigger();
        choose("No tags");
        type("Hello");
        m_window->action("run")->trigger();
        waitUntilIdle();
        QVERIFY(!m_window->chat()->tree()->isEmpty());
        QVERIFY(m_window->store()->data().header.vocabulary.empty());
    }

    void filesOfTags() {
        openInstruct();
        const QString good = QString::fromStdString(m_instruct.file("mine.json"));
        QFile bundled(SPANSCOPE_SOURCE_DIR "/resources/vocabularies/memento.json");
        QVERIFY(bundled.open(QIODevice::ReadOnly));
        QVERIFY(writeFile(good.toStdString(), bundled.readAll().replace("\"memento\"", "\"mine\"").toStdString()));
        box()->useFile(good);
        QCOMPARE(box()->currentText(), QString("Tags: mine.json"));
        type("Hello");
        m_window->action("run")->trigger();
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().header.vocabulary, std::string("mine"));
        // What is wrong with a file is said, with its field, and nothing runs.
        const std::string bad = m_instruct.file("bad.json");
        QVERIFY(writeFile(bad, "{\"vocabulary\": 1, \"name\": \"x\", \"sections\": []}"));
        box()->useFile(QString::fromStdString(bad));
        type("Hello again");
        m_window->action("run")->trigger();
        waitUntilIdle();
        QVERIFY(m_window->banner()->isVisible());
        QVERIFY2(m_window->banner()->text().contains("sections"), qPrintable(m_window->banner()->text()));
        const std::string large = m_instruct.file("large.json");
        QVERIFY(writeFile(large, std::string(size_t(VocabularyBox::kMostBytes) + 1, ' ')));
        box()->useFile(QString::fromStdString(large));
        QVERIFY2(said().contains("large.json") && said().contains("65536"), qPrintable(said()));
        QCOMPARE(m_window->runs()->vocabulary().name, QString("bad.json"));  // as it was
        box()->useFile("/no/such/file.json");
        QVERIFY2(said().contains("cannot be read"), qPrintable(said()));
    }

    /// Counted by kind, as the command line counts them.
    void malformedTagsAreCounted() {
        openInstruct();
        choose("Tags: memento");
        type("Hello");
        m_window->action("run")->trigger();
        waitUntilIdle();
        RunData run = m_window->store()->data();
        run.violations = {{ViolationKind::UnknownLabel, run.steps[1].position, -1, "everything is read"},
                          {ViolationKind::UnknownLabel, run.steps[2].position, -1, "everything is read"},
                          {ViolationKind::EmptyLabel, run.steps[3].position, -1, "everything is read"}};
        QCOMPARE(violationCountsText(run), std::string("empty label: 1, unknown label: 2"));
        m_window->store()->load(run);
        const auto* checked = m_window->findChild<QLabel*>("checked");
        QVERIFY2(checked->text().contains("3 violations"), qPrintable(checked->text()));
        QVERIFY2(checked->text().contains("empty label: 1, unknown label: 2"), qPrintable(checked->text()));
    }
};

QTEST_MAIN(TestWindowVocabulary)
#include "tst_window_vocabulary.moc"
