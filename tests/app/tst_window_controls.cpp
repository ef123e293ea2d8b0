// What of the window is the same whatever runs in it: actions and their keys, names, layouts, themes, focus, the tour.
#include <QAbstractButton>
#include <QAction>
#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <set>

#include "tests/app/window_test.h"
#include "ui/views/palette.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/dock_layout.h"
#include "ui/window/sampling_dialog.h"
#include "ui/window/theme.h"
#include "ui/window/tour.h"
#include "ui/window/transcript_panel.h"
#include "ui/window/window_actions.h"

using namespace spanscope;

class TestWindowControls : public test::WindowTest {
    Q_OBJECT
  private slots:
    void initTestCase() { prepare("tst_window_controls"); }
    void init() { open(); }
    void cleanup() { close(); }

    /// The penalty works without temperature too, so it is shown and can be set.
    void penaltyOfGreedyIsNotHidden() {
        SamplerSettings s;
        QCOMPARE(samplerText(s), QString("Greedy"));
        s.repeatPenalty = 1.2f;
        QCOMPARE(samplerText(s), QString("Greedy · penalty 1.2"));
        SamplingDialog dialog(s, -1, false, nullptr);
        for (const QDoubleSpinBox* box : dialog.findChildren<QDoubleSpinBox*>())
            if (box->accessibleName() == "Repeat penalty") QVERIFY(box->isEnabled());
        QCOMPARE(dialog.sampler().repeatPenalty, 1.2f);
    }

    void tourHasThreeStepsAndEscEndsIt() {
        m_window->startTourOnce();
        auto* tour = m_window->findChild<Tour*>("tour");
        QVERIFY(tour);
        QCOMPARE(tour->count(), 3);
        QTest::keyClick(tour, Qt::Key_Right);
        QCOMPARE(tour->current(), 1);
        std::set<QWidget*> reached;  // Tab stays with the tour, so that Esc and the arrows keep their meaning
        for (int i = 0; i < 8; ++i) {
            QTest::keyClick(m_window->focusWidget(), Qt::Key_Tab, i < 5 ? Qt::NoModifier : Qt::ShiftModifier);
            QVERIFY2(tour->isAncestorOf(m_window->focusWidget()), qPrintable(m_window->focusWidget()->objectName()));
            reached.insert(m_window->focusWidget());
        }
        QCOMPARE(reached.size(), size_t{3});
        QTest::keyClick(tour, Qt::Key_Escape);
        QVERIFY(!tour->isVisible());
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        m_window->startTourOnce();  // once is once
        QVERIFY(!m_window->findChild<Tour*>("tour"));
    }

    void everyActionIsNamedAndReachable() {
        QMap<QKeySequence, QString> taken;
        for (const QString& id : m_window->windowActions()->ids()) {
            QAction* action = m_window->action(id);
            QVERIFY2(!action->text().isEmpty(), qPrintable(id));
            QVERIFY2(!action->toolTip().isEmpty(), qPrintable(id));
            for (const QKeySequence& key : action->shortcuts()) {
                // Esc is Stop while running and Unlock otherwise: never both at once.
                const bool esc = key == QKeySequence("Esc");
                QVERIFY2(esc || !taken.contains(key),
                         qPrintable(id + " and " + taken.value(key) + " share " + key.toString()));
                taken[key] = id;
            }
        }
        QVERIFY(!(m_window->action("stop")->isEnabled() && m_window->action("unlock")->isEnabled()));
    }

    void everyControlHasAName() {
        for (QWidget* widget : m_window->findChildren<QWidget*>()) {
            if (!widget->isVisible() || widget->focusPolicy() == Qt::NoFocus) continue;
            const auto* button = qobject_cast<QAbstractButton*>(widget);
            const bool named = !widget->accessibleName().isEmpty() || (button && !button->text().isEmpty()) ||
                               (widget->parentWidget() && !widget->parentWidget()->accessibleName().isEmpty());
            QVERIFY2(named, qPrintable(QString("%1 \"%2\" in %3")
                                           .arg(widget->metaObject()->className(), widget->objectName(),
                                                widget->parentWidget()->metaObject()->className())));
        }
    }

    void layoutsComeBack() {
        for (const char* name : {"analysis", "presentation", "demo"}) {
            m_window->docks()->setPreset(name);
            QVERIFY(!m_window->grab().isNull());
        }
        m_window->docks()->setPreset("analysis");
        auto* spans = m_window->findChild<QDockWidget*>("dock.timeline");
        QVERIFY(spans->isVisible());
        spans->hide();
        m_window->docks()->setPreset("demo");
        m_window->docks()->setPreset("analysis");
        QVERIFY(!spans->isVisible());  // what a person changed is kept
    }

    void zoomChangesText() {
        const int before = edit()->fontMetrics().height();
        QTest::keyClick(m_window.get(), Qt::Key_Plus, Qt::ControlModifier);
        QTest::keyClick(m_window.get(), Qt::Key_Plus, Qt::ControlModifier);
        QTest::keyClick(m_window.get(), Qt::Key_Plus, Qt::ControlModifier);
        QVERIFY(edit()->fontMetrics().height() > before);
        QTest::keyClick(m_window.get(), Qt::Key_0, Qt::ControlModifier);
        QCOMPARE(edit()->fontMetrics().height(), before);
    }

    void themesSwitch() {
        m_window->action("themeDark")->trigger();
        QVERIFY(isDark(m_window->palette()));
        const QColor dark = m_window->grab().toImage().pixelColor(4, 400);
        m_window->action("themeLight")->trigger();
        QVERIFY(!isDark(m_window->palette()));
        const QColor light = m_window->grab().toImage().pixelColor(4, 400);
        QVERIFY(light.lightness() > dark.lightness() + 100);
    }

    void findInTranscript() {
        load(tiny());
        type("1+2");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        QTest::keyClick(m_window.get(), Qt::Key_F, Qt::ControlModifier);
        auto* field = m_window->findChild<QLineEdit*>("findEdit");
        QVERIFY(field->isVisible());
        QTest::keyClicks(field, "+");
        QCOMPARE(m_window->findChild<QLabel*>("findCount")->text(),
                 QString("%1 found").arg(m_window->transcriptPanel()->transcript()->plainText().count('+')));
        QTest::keyClick(field, Qt::Key_Escape);
        QVERIFY(!field->isVisible());
    }

    /// Views that paint no focus of their own get a frame when the keyboard comes to them, and none by a click.
    void focusByKeyboardIsSeen() {
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
        QCOMPARE(m_window->focusWidget(), edit());  // what is typed first lands in the problem
        m_window->findChild<QToolButton*>("samplingButton")->setFocus();
        QTest::keyClick(m_window.get(), Qt::Key_L, Qt::ControlModifier);
        QCOMPARE(m_window->focusWidget(), edit());
        TranscriptView* transcript = m_window->transcriptPanel()->transcript();
        auto* ring = transcript->findChild<QWidget*>("focusRing");
        QVERIFY(ring && !ring->isVisible());
        transcript->setFocus(Qt::TabFocusReason);
        QTRY_VERIFY(ring->isVisible());
        QCOMPARE(ring->geometry(), transcript->rect());
        edit()->setFocus();
        QVERIFY(!ring->isVisible());
        transcript->setFocus(Qt::MouseFocusReason);
        QVERIFY(!ring->isVisible());
        QVERIFY(m_window->findChildren<QWidget*>("focusRing").size() >= 4);
    }

    /// The pictures on the buttons are drawn in the theme's ink, also on those that are no action's own.
    void iconsFollowTheTheme() {
        for (const char* theme : {"themeDark", "themeLight"}) {
            m_window->action(theme)->trigger();
            QCoreApplication::processEvents();
            const int ground = m_window->palette().color(QPalette::Window).lightness();
            for (const char* name : {"samplingButton", "modelButton"}) {
                const QImage icon = m_window->findChild<QToolButton*>(name)->icon().pixmap(32).toImage();
                int contrast = 0;
                for (int y = 0; y < icon.height(); ++y)
                    for (int x = 0; x < icon.width(); ++x)
                        if (const QColor c = icon.pixelColor(x, y); c.alpha() > 200)
                            contrast = std::max(contrast, std::abs(c.lightness() - ground));
                QVERIFY2(contrast > 100, qPrintable(QString("%1 %2: %3").arg(theme, name).arg(contrast)));
            }
        }
    }
};

QTEST_MAIN(TestWindowControls)
#include "tst_window_controls.moc"
