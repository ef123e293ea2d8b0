// The transcript widget: tokens where they are drawn, clicks that select, light that equals the run's intervals.
#include <QScrollBar>
#include <QtTest>
#include <random>

#include "tests/reading/written_run.h"
#include "tests/ui/sample_run.h"
#include "ui/views/transcript/transcript_layout.h"
#include "ui/views/transcript/transcript_view.h"

using namespace spanscope;

class TestTranscriptView : public QObject {
    Q_OBJECT
  private slots:
    void init() {
        m_view = std::make_unique<TranscriptView>(&m_store, &m_selection, nullptr);
        m_view->resize(700, 900);
        m_view->setReading(Reading::Markup);
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
        m_store.load(sample::sheet(12));
    }
    void cleanup() {
        m_selection.clear();
        m_view.reset();
    }

    void clickLightsWhatTheStepCouldRead() {
        const RunData& run = m_store.data();
        const int step = int(run.steps.size()) / 2;
        const int position = m_store.nPrompt() + step;
        m_view->scrollToToken(position);
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(position).center());
        QCOMPARE(m_selection.locked(), step);
        int nLit = 0;
        for (int t = 0; t < m_store.nContext(); ++t) {
            bool expected = false;  // the rule once more, by hand
            for (const Interval& i : *run.steps[size_t(step)].visible)
                expected = expected || (t >= i.begin && t < i.end);
            expected = expected && t <= position;
            QCOMPARE(m_view->isLit(t), expected);
            QCOMPARE(m_view->isDimmed(t), !expected);
            nLit += expected;
        }
        QCOMPARE(nLit, run.steps[size_t(step)].attended);
        QVERIFY(nLit < m_store.nContext());
        // The same token again unlocks.
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(position).center());
        QVERIFY(!m_selection.isLocked());
    }

    void litPixelsDifferFromDimmedOnes() {
        const int step = m_store.nSteps() - 2;
        const int position = m_store.nPrompt() + step;
        m_view->scrollToToken(position);
        const QRect own = m_view->tokenRect(position - 1);  // own segment: always lit
        QTest::mouseMove(m_view->viewport(), {2, 2});
        const QImage before = m_view->viewport()->grab().toImage();
        m_selection.lock(step);
        const QImage after = m_view->viewport()->grab().toImage();
        const auto darkest = [](const QImage& image, const QRect& rect) {
            int value = 255;
            for (int y = rect.top() + 4; y < rect.bottom() - 4; ++y)
                for (int x = rect.left(); x < rect.right(); ++x)
                    value = std::min(value, image.pixelColor(x, y).lightness());
            return value;
        };
        QVERIFY(m_view->isLit(position - 1));
        QVERIFY(before.copy(own) != after.copy(own));
        // A dimmed ordinary token became fainter than it was.
        bool found = false;
        for (int t = position - 60; t < position && !found; ++t) {
            const QRect rect = m_view->tokenRect(t);
            if (!m_view->isDimmed(t) || !m_view->viewport()->rect().contains(rect) || rect.top() < 60) continue;
            const TokenInfo& info = m_store.data().steps[size_t(t - m_store.nPrompt())].token;
            if (info.special || info.text == "\n") continue;
            found = true;
            QVERIFY(darkest(after, rect) > darkest(before, rect) + 40);
        }
        QVERIFY(found);
    }

    void shiftClickMakesARange() {
        const int base = m_store.nPrompt();
        m_view->scrollToToken(base + 4);
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(base + 4).center());
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, Qt::ShiftModifier, m_view->tokenRect(base + 9).center());
        QCOMPARE(m_selection.locked(), 4);
        QCOMPARE(m_selection.lockedEnd(), 9);
    }

    void keysMove() {
        m_view->setFocus();
        QTest::keyClick(m_view.get(), Qt::Key_Home);
        QCOMPARE(m_selection.current(), 0);
        QTest::keyClick(m_view.get(), Qt::Key_Right);
        QCOMPARE(m_selection.current(), 1);
        QTest::keyClick(m_view.get(), Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(m_selection.current(), 11);
        QTest::keyClick(m_view.get(), Qt::Key_End);
        QCOMPARE(m_selection.current(), m_store.nSteps() - 1);
        QTest::keyClick(m_view.get(), Qt::Key_Left);
        QCOMPARE(m_selection.current(), m_store.nSteps() - 2);
    }

    void hoverPreviewsAndLeaveEndsIt() {
        const int position = m_store.nPrompt() + 3;
        m_view->scrollToToken(position);
        QTest::mouseMove(m_view->viewport(), m_view->tokenRect(position).center());
        QTRY_COMPARE(m_selection.hovered(), 3);
        QVERIFY(!m_selection.isLocked());
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(m_view->viewport(), &leave);
        QCOMPARE(m_selection.hovered(), -1);
    }

    void promptTokensAreNoSteps() {
        m_view->verticalScrollBar()->setValue(0);
        QCOMPARE(m_view->stepAt(m_view->tokenRect(2).center()), -1);
        QCOMPARE(m_view->tokenAt(m_view->tokenRect(2).center()), 2);
    }

    void findCountsAndSteps() {
        QVERIFY(m_view->find("<attend>") == 12);
        QVERIFY(m_view->findNext(1));
        QCOMPARE(m_view->find("no such text"), 0);
        QVERIFY(!m_view->findNext(1));
    }

    /// Scrolled to the foot the view follows; scrolled back it stays.
    void followsUntilScrolledBack() {
        const RunData run = sample::sheet(40);
        auto header = std::make_shared<RunHeader>(run.header);
        m_store.begin(header, {});
        size_t sent = 0;
        const auto feed = [&](size_t n) {
            auto batch = std::make_shared<RunBatch>();
            batch->runId = run.header.runId;
            batch->steps.assign(run.steps.begin() + std::ptrdiff_t(sent), run.steps.begin() + std::ptrdiff_t(sent + n));
            batch->segments = run.segments;
            sent += n;
            m_store.append(batch);
        };
        m_view->resize(500, 300);
        feed(300);
        QScrollBar* bar = m_view->verticalScrollBar();
        QVERIFY(bar->maximum() > 0);
        QCOMPARE(bar->value(), bar->maximum());
        bar->setValue(10);
        feed(300);
        QCOMPARE(bar->value(), 10);
        bar->setValue(bar->maximum());
        feed(200);
        QCOMPARE(bar->value(), bar->maximum());
    }

    void sizesAndThemesPaint() {
        for (const QSize size : {QSize(80, 60), QSize(300, 2000), QSize(1800, 200)}) {
            m_view->resize(size);
            QVERIFY(!m_view->grab().isNull());
        }
        m_store.clear();
        QVERIFY(!m_view->grab().isNull());
        QCOMPARE(m_view->tokenAt({50, 50}), -1);
    }

    /// 16,384 steps: laying out what came and painting stay far below a frame. Generous bound: a shared machine.
    void longRunStaysFluid() {
        m_store.load(sample::large(16384, 8192));
        m_view->resize(900, 900);
        m_view->verticalScrollBar()->setValue(m_view->verticalScrollBar()->maximum() / 2);
        m_view->grab();
        QElapsedTimer clock;
        clock.start();
        constexpr int kFrames = 30;
        for (int i = 0; i < kFrames; ++i) {
            m_view->verticalScrollBar()->setValue(i * 97);
            m_selection.hover(i);
            m_view->viewport()->repaint();
        }
        const double ms = double(clock.nsecsElapsed()) / 1e6 / kFrames;
        qInfo("%.2f ms a frame", ms);
        QVERIFY2(ms < 50, qPrintable(QString("%1 ms a frame").arg(ms)));
    }

    /// What is searched while a run goes on is found as if it had been searched at the end, hits across batches too.
    void findsWhatComesLater() {
        RunData run = sample::sheet(8);
        const char* const texts[] = {"ab", "a", "xaba", "b", "", "aab", "b\u00e4", "a"};
        for (size_t i = 0; i < run.steps.size(); ++i) run.steps[i].token.text = texts[i * 7 % 8];
        RunStore all;
        all.load(run);
        TranscriptView whole(&all, &m_selection, nullptr);
        for (const char* text : {"ab", "a", "ba", "aba", "abab", "baab", "b\u00e4a"})
            for (const size_t piece : {size_t(1), size_t(3), size_t(64)}) {
                m_store.begin(std::make_shared<const RunHeader>(run.header), {});
                m_view->find(text);
                for (size_t at = 0; at < run.steps.size(); at += piece) {
                    auto batch = std::make_shared<RunBatch>();
                    batch->runId = run.header.runId;
                    batch->steps.assign(run.steps.begin() + std::ptrdiff_t(at),
                                        run.steps.begin() + std::ptrdiff_t(std::min(run.steps.size(), at + piece)));
                    m_store.append(batch);
                }
                QCOMPARE(m_view->nFound(), whole.find(text));
            }
    }

    /// A long recording comes in slices and ends as the same.
    void aLongRecordingComesWhole() {
        const auto run = std::make_shared<const RunData>(sample::large(60'000, 2000));
        m_store.show(run);
        QVERIFY(!m_store.isFinished() && m_store.share() == run);
        m_view->scrollToToken(61'999);
        QTRY_VERIFY(m_store.isFinished());
        QCOMPARE(m_store.data().steps.size(), run->steps.size());
        QCOMPARE(m_store.data().segments.size(), run->segments.size());
        QTRY_VERIFY(m_view->viewport()->rect().intersects(m_view->tokenRect(61'999)));
        m_store.show(run);  // and makes way at any time
        m_store.load(sample::sheet(2));
        const int n = m_store.nSteps();
        QTest::qWait(50);
        QCOMPARE(m_store.nSteps(), n);
        QVERIFY(m_store.isFinished());
    }

    /// Every token lies in exactly one row, inside the width, and a hit at its middle finds it again.
    void layoutHoldsEveryToken() {
        std::mt19937 random(11);
        for (const int width : {120, 333, 901}) {
            TranscriptLayout layout;
            TranscriptMetrics metrics;
            metrics.width = width;
            layout.reset(metrics);
            for (int i = 0; i < 2042; ++i) {
                ItemBox box;
                box.width = 4 + int(random() % 40);
                box.mayBreakBefore = random() % 3 == 0;
                box.endsLine = random() % 37 == 0;
                box.startsBlock = random() % 53 == 0;
                box.startsSection = i == 0 || i == 500;
                layout.append(box);
            }
            int next = 0, y = -1;
            for (const TranscriptRow& row : layout.rows()) {
                QCOMPARE(row.first, next);
                QVERIFY(row.end > row.first);
                QVERIFY(row.y > y);
                y = row.y;
                next = row.end;
                int w = row.indent;
                for (int t = row.first; t < row.end; ++t) w += layout.box(t).width;
                QVERIFY2(w <= width || row.end - row.first == 1, "row wider than the view");
            }
            QCOMPARE(next, layout.nItems());
            for (int t = 0; t < layout.nItems(); ++t) {
                const TranscriptRow& row = layout.rows()[size_t(layout.rowOfItem(t))];
                QVERIFY(row.first <= t && t < row.end);
                QCOMPARE(layout.rowAt(row.y + metrics.rowHeight / 2), layout.rowOfItem(t));
            }
            QCOMPARE(layout.rowAt(layout.height() + 5), int(layout.rows().size()));
            QCOMPARE(layout.rowOfItem(layout.nItems()), -1);
        }
    }

    /// Items that make way for others, at the end or in the middle, leave the rows that a layout from scratch has.
    void layoutsChangedAreAsNewOnes() {
        std::mt19937 random(17);
        const auto block = [&] {
            std::vector<ItemBox> boxes;
            for (unsigned n = 1 + random() % 30; n > 0; --n) {
                ItemBox box;
                box.width = 4 + int(random() % 60);
                box.mayBreakBefore = random() % 3 == 0;
                box.endsLine = random() % 11 == 0;
                box.startsBlock = boxes.empty();
                boxes.push_back(box);
            }
            return boxes;
        };
        for (int round = 0; round < 200; ++round) {
            std::vector<std::vector<ItemBox>> blocks(1 + random() % 6);
            TranscriptLayout layout;
            TranscriptMetrics metrics;
            metrics.width = 200;
            layout.reset(metrics);
            for (auto& b : blocks)
                for (const ItemBox& box : b = block()) layout.append(box);
            const size_t changed = random() % blocks.size();
            int first = 0;
            for (size_t i = 0; i < changed; ++i) first += int(blocks[i].size());
            const int end = first + int(blocks[changed].size());
            blocks[changed] = block();
            if (changed + 1 == blocks.size() && random() % 2) {
                layout.truncate(first);
                for (const ItemBox& box : blocks[changed]) layout.append(box);
            } else {
                layout.splice(first, end, blocks[changed]);
            }
            const auto more = block();
            for (const ItemBox& box : more) layout.append(box);
            TranscriptLayout expected;
            expected.reset(metrics);
            for (const auto& b : blocks)
                for (const ItemBox& box : b) expected.append(box);
            for (const ItemBox& box : more) expected.append(box);
            QCOMPARE(layout.rows().size(), expected.rows().size());
            for (size_t i = 0; i < layout.rows().size(); ++i) {
                const TranscriptRow &a = layout.rows()[i], &b = expected.rows()[i];
                QVERIFY(a.first == b.first && a.end == b.end && a.y == b.y && a.indent == b.indent);
            }
        }
    }

    /// In plain words every token has a place, a step that is selected lights what its list says, and a click on a
    /// piece selects one of its tokens.
    void plainWordsKeepTheSelection() {
        m_store.load(arithmetic());
        m_view->setReading(Reading::Plain);
        const TranscriptItems& items = m_view->items();
        QStringList shown;
        for (int i = 0; i < items.size(); ++i) shown << items.text(m_store.data(), i);
        QVERIFY2(shown.join("").contains("3: 19 \u00d7 \u22125 = \u221295 (uses 1 and 2)  \u2713"),
                 qPrintable(shown.join("")));
        for (int t = 0; t < m_store.nContext(); ++t) {
            const int item = items.itemOfToken(t);
            QVERIFY2(item >= 0, qPrintable(QString::number(t)));
            QVERIFY(items.item(item).first <= t && t < items.item(item).end);
            QVERIFY(m_view->tokenRect(t).width() > 0);
        }
        for (int t = m_store.nPrompt(); t < m_store.nContext(); ++t) {
            if (items.item(items.itemOfToken(t)).role == PlainRole::Working) continue;
            m_selection.clear();
            QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(t).center());
            QVERIFY2(m_selection.isLocked(), qPrintable(QString::number(t)));
            const int item = items.itemOfToken(t), chosen = items.itemOfToken(m_store.nPrompt() + m_selection.locked());
            QVERIFY2(chosen == item,
                     qPrintable(QString("%1: %2, not %3")
                                    .arg(t)
                                    .arg(items.text(m_store.data(), chosen), items.text(m_store.data(), item))));
        }
        // The same selection in markup: the same tokens are lit.
        const int step = m_selection.locked();
        std::vector<bool> lit;
        for (int t = 0; t < m_store.nContext(); ++t) lit.push_back(m_view->isLit(t));
        m_view->setReading(Reading::Markup);
        QCOMPARE(m_selection.locked(), step);
        for (int t = 0; t < m_store.nContext(); ++t) QCOMPARE(m_view->isLit(t), bool(lit[size_t(t)]));
        QCOMPARE(items.size(), m_store.nContext());
    }

    /// A click on the sign behind a line lays its digits out below; each is then a place of its own.
    void theWorkingOpensAndFolds() {
        m_store.load(arithmetic());
        m_view->setReading(Reading::Plain);
        const TranscriptItems& items = m_view->items();
        const int before = items.size();
        int sign = -1;
        for (int i = 0; i < items.size() && sign < 0; ++i)
            if (items.item(i).role == PlainRole::Working) sign = i;
        QVERIFY(sign >= 0);
        const int digit = items.item(sign).end - 1, last = m_store.nContext() - 1,
                  lastTop = m_view->tokenRect(last).top();
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(digit).center());
        QVERIFY(!m_selection.isLocked());
        QVERIFY(items.size() > before);
        QVERIFY(items.item(items.itemOfToken(digit)).isCell());
        QVERIFY(m_view->tokenRect(last).top() > lastTop);
        QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->tokenRect(digit).center());
        QVERIFY(m_selection.isLocked());
        QTest::keyClick(m_view.get(), Qt::Key_Return);
        QCOMPARE(items.size(), before);
        QCOMPARE(m_view->tokenRect(last).top(), lastTop);
    }

    /// While a run is written its last line is replaced as it grows; at the end all is as if it had come at once.
    void plainWordsGrowAsTheyEnd() {
        const RunData run = arithmetic();
        m_view->setReading(Reading::Plain);
        m_store.begin(std::make_shared<const RunHeader>(run.header), {});
        for (size_t i = 0; i < run.steps.size(); ++i) {
            auto batch = std::make_shared<RunBatch>();
            batch->runId = run.header.runId;
            batch->steps = {run.steps[i]};
            for (Segment s : run.segments) {
                if (s.begin > run.steps[i].position) break;
                if (s.end > run.steps[i].position + 1) s.end = kOpenEnd;
                if (s.bodyBegin > run.steps[i].position + 1) s.bodyBegin = -1;
                batch->segments.push_back(s);
            }
            batch->finished = i + 1 == run.steps.size();
            if (batch->finished) batch->stats = run.stats;
            m_store.append(batch);
            QVERIFY(m_view->items().itemOfToken(run.steps[i].position) >= 0);
        }
        QStringList grown, whole;
        for (int i = 0; i < m_view->items().size(); ++i) grown << m_view->items().text(m_store.data(), i);
        m_store.load(run);
        for (int i = 0; i < m_view->items().size(); ++i) whole << m_view->items().text(m_store.data(), i);
        QCOMPARE(grown, whole);
    }

    /// What lies behind a token ends where its glyphs do, in any script: the edges are those of the shaped row.
    void edgesAreThoseOfTheGlyphs() {
        const QFont font = m_view->font();
        for (const QStringList& words : {QStringList{"(12", "+7)", "*(3", "-8)", "\u21b5"},
                                         QStringList{"\u05e9\u05dc", "\u05d5\u05dd", " ", "\u05e2\u05d5\u05dc\u05dd"},
                                         QStringList{"\u0928", "\u092e\u0938\u094d", "\u0924\u0947"},
                                         QStringList{"a\U0001f600", "b", "fi", "fl"}}) {
            std::vector<RowPart> parts;
            for (const QString& w : words) parts.push_back({w, -1});
            const RowShape shape(parts, font, 10, 400);
            QTextLayout whole(words.join(""), font);
            whole.beginLayout();
            QTextLine line = whole.createLine();
            line.setLineWidth(1e6);
            whole.endLayout();
            double left = 1e9, right = -1e9, sum = 0;
            for (int i = 0; i < words.size(); ++i) {
                left = std::min(left, shape.edges(i).left);
                right = std::max(right, shape.edges(i).right);
                sum += shape.edges(i).width();
            }
            QVERIFY(std::abs(right - left - line.naturalTextWidth()) < 1);
            QVERIFY2(std::abs(sum - (right - left)) < 1, qPrintable(words.join('|')));  // side by side, without gaps
            const bool rightToLeft = words[0].isRightToLeft();
            QVERIFY(rightToLeft ? std::abs(right - 400) < 1 : std::abs(left - 10) < 1);
            QVERIFY(rightToLeft == (shape.edges(0).left > shape.edges(int(words.size()) - 1).left));
        }
    }

    /// A line that grew: only what is new is marked, in both, and hovering a token lights the one that it corresponds
    /// to.
    void marksFollowTheAlignment() {
        RunData grown = m_store.data();
        const auto firstOf = [](const RunData& run, int segment) {
            return int(std::find_if(run.steps.begin(), run.steps.end(),
                                    [&](const StepRecord& s) { return s.segment == segment; }) -
                       run.steps.begin());
        };
        const int line = m_store.data().steps[size_t(m_store.nSteps()) / 2].segment;
        const int at = firstOf(grown, line + 1) - 1;  // before its newline
        for (int i = 0; i < 3; ++i) {
            StepRecord more = grown.steps[size_t(at)];
            more.token = {1000 + i, "+", false};
            grown.steps.insert(grown.steps.begin() + at, more);
        }
        for (size_t i = 0; i < grown.steps.size(); ++i) {
            grown.steps[i].index = int(i);
            grown.steps[i].position = m_store.nPrompt() + int(i);
        }
        for (size_t s = size_t(line); s < grown.segments.size(); ++s) grown.segments[s].end += 3;
        for (size_t s = size_t(line) + 1; s < grown.segments.size(); ++s) {
            grown.segments[s].begin += 3;
            grown.segments[s].bodyBegin += 3;
        }
        RunStore other;
        other.load(grown);
        RunComparison comparison(&m_store, &other, &m_selection);
        TranscriptView second(&other, comparison.secondSelection(), nullptr);
        m_view->setComparison(&comparison, RunComparison::Side::First);
        second.setComparison(&comparison, RunComparison::Side::Second);
        QCOMPARE(comparison.words(), QString("1 of 12 lines differs"));
        for (int i = 0; i < m_store.nSteps(); ++i) QVERIFY(!m_view->differs(i));
        for (int i = 0; i < other.nSteps(); ++i) QCOMPARE(second.differs(i), i >= at && i < at + 3);
        m_selection.hover(at + 5);
        QCOMPARE(comparison.secondSelection()->current(), at + 8);
        comparison.secondSelection()->hover(at + 1);  // has no partner
        QCOMPARE(m_selection.current(), -1);
        comparison.secondSelection()->hover(at - 1);
        QCOMPARE(m_selection.current(), at - 1);
        m_selection.lockRange(at - 2, at + 2);
        QCOMPARE(comparison.secondSelection()->locked(), at - 2);
        QCOMPARE(comparison.secondSelection()->lockedEnd(), at + 5);
        m_selection.clear();
        QVERIFY(!comparison.secondSelection()->isLocked());
        comparison.secondSelection()->lock(at);
        QVERIFY(!m_selection.isLocked() && comparison.secondSelection()->isLocked());
        other.clear();
        QVERIFY(comparison.words().isEmpty() && !m_view->differs(at));
    }

  private:
    static RunData arithmetic() {
        RunData run = written::run("expression", "(12@1+7)@3*(3@2-8)\n",
                                   "<out>1<:><attend></attend>12+7<local>++27901010=19\n"
                                   "<out>2<:><attend></attend>3-8<local>-38-8350=-5\n"
                                   "<out>3<:><attend><out>1<:><out>2<:></attend>19*-5<local>*-95541590=-95\n");
        for (StepRecord& s : run.steps)  // each reads its own segment and the first token
            s.visible = std::make_shared<const IntervalList>(
                IntervalList{{0, 1}, {run.segments[size_t(s.segment)].begin, kOpenEnd}});
        return run;
    }

    RunStore m_store;
    Selection m_selection;
    std::unique_ptr<TranscriptView> m_view;
};

QTEST_MAIN(TestTranscriptView)
#include "tst_transcript_view.moc"
