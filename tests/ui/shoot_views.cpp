// Draws every view with a sample run into PNG files, light and dark: to look at, not a test.
//   shoot_views OUTDIR [name...]
#include <QApplication>
#include <QDir>
#include <QKeyEvent>
#include <QStyleFactory>
#include <QTabWidget>
#include <functional>
#include <map>

#include "tests/reading/written_run.h"
#include "tests/ui/sample_run.h"
#include "ui/export/export_dialog.h"
#include "ui/export/figure.h"
#include "ui/views/graph/graph_table.h"
#include "ui/views/graph/graph_view.h"
#include "ui/views/mask/mask_compare.h"
#include "ui/views/mask/mask_table.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/reach/reach_view.h"
#include "ui/views/table_twin.h"
#include "ui/views/throughput/throughput_view.h"
#include "ui/views/timeline/timeline_view.h"
#include "ui/views/transcript/transcript_view.h"

using namespace spanscope;

namespace {

QPalette theme(bool dark) {
    const Palette& p = Palette::of(dark);
    QPalette q;
    for (const auto& [role, colour] :
         std::initializer_list<std::pair<QPalette::ColorRole, QColor>>{{QPalette::Window, p.panel},
                                                                       {QPalette::Base, p.ground},
                                                                       {QPalette::AlternateBase, p.panel},
                                                                       {QPalette::Button, p.panel},
                                                                       {QPalette::Text, p.ink},
                                                                       {QPalette::WindowText, p.ink},
                                                                       {QPalette::ButtonText, p.ink},
                                                                       {QPalette::Highlight, p.declared},
                                                                       {QPalette::HighlightedText, p.ground}})
        q.setColor(role, colour);
    return q;
}

}  // namespace

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    QApplication::setStyle(QStyleFactory::create("Fusion"));
    const QDir dir(argc > 1 ? argv[1] : ".");
    QStringList wanted;
    for (int i = 2; i < argc; ++i) wanted << argv[i];

    const RunData declared = sample::sheet(12), dense = sample::sheet(12, MaskPolicySpec::dense());
    std::map<QString, std::function<void(const QString&)>> shots;
    const auto save = [&](QWidget& w, const QString& name, QSize size) {
        w.resize(size);
        w.show();
        QApplication::processEvents();
        if (auto* mask = qobject_cast<MaskView*>(&w)) mask->finishTiles();
        w.grab().save(dir.filePath(name));
    };
    shots["mask"] = [&](const QString& suffix) {
        RunStore store;
        Selection selection;
        MaskView view(&store, &selection);
        store.load(declared);
        save(view, "mask" + suffix, {1000, 640});
        selection.lock(60);
        view.resize(1000, 640);
        save(view, "mask-locked" + suffix, {1000, 640});
        view.setByPhase(false);
        selection.clear();
        save(view, "mask-plain" + suffix, {1000, 640});
        view.setByPhase(true);
        view.zoomToSegment(18);
        QApplication::processEvents();
        QKeyEvent down(QEvent::KeyPress, Qt::Key_Down, Qt::NoModifier);
        for (int i = 0; i < 5; ++i) QApplication::sendEvent(&view, &down);
        save(view, "mask-zoom" + suffix, {1000, 640});
    };
    shots["tables"] = [&](const QString& suffix) {
        RunStore store;
        Selection selection;
        store.load(declared);
        selection.lockRange(60, 60);
        QWidget figure;
        TableTwin mask(new MaskTable(&store), &selection, &figure), graph(new GraphTable(&store), &selection, &figure);
        for (TableTwin* twin : {&mask, &graph}) twin->setAttribute(Qt::WA_DeleteOnClose, false);
        save(mask, "table-mask" + suffix, {1100, 500});
        save(graph, "table-graph" + suffix, {900, 500});
    };
    shots["mask-large"] = [&](const QString& suffix) {
        RunStore store;
        Selection selection;
        MaskView view(&store, &selection);
        store.load(sample::large(16384, 16384));
        save(view, "mask-large" + suffix, {1000, 640});
    };
    shots["throughput"] = [&](const QString& suffix) {
        RunStore a, b;
        Selection selection;
        ThroughputView view(&a, &b, &selection);
        a.load(declared);
        b.load(dense);
        selection.lockRange(120, 150);
        view.resize(760, 480);
        view.show();
        view.flush();
        save(view, "throughput" + suffix, {760, 480});
        view.setTableShown(true);
        save(view, "throughput-table" + suffix, {760, 480});
    };
    shots["timeline"] = [&](const QString& suffix) {
        RunStore a, b;
        Selection selection;
        TimelineView view(&a, &b, &selection);
        a.load(declared);
        b.load(dense);
        selection.lockRange(60, 80);
        save(view, "timeline" + suffix, {900, 140});
        view.togglePlay();
        view.advance(120'000'000);
        save(view, "timeline-race" + suffix, {900, 140});
    };
    shots["graph"] = [&](const QString& suffix) {
        RunStore a;
        Selection selection;
        GraphView view(&a, &selection);
        a.load(declared);
        save(view, "graph" + suffix, {1100, 520});
        selection.lock(200);
        save(view, "graph-locked" + suffix, {1100, 520});
    };
    shots["transcript"] = [&](const QString& suffix) {
        RunStore store;
        Selection selection;
        TranscriptView view(&store, &selection, nullptr);
        // Products, and a mistake that a later line carries on; one digit of the working is wrong.
        store.load(written::run(
            "expression", "(12@1+7)@3*(345@2-381)\n",
            "<out>1<:><attend></attend>12+7<local>++27901010=19\n"
            "<out>2<:><attend></attend>345-381<local>-3348-155184303300=-35\n"
            "<out>3<:><attend><out>1<:><out>2<:></attend>19*-35<local>*-95541590*93721350+505097610560=-665\n"));
        save(view, "transcript" + suffix, {640, 420});
        for (const SegmentCheck& check : store.checks().segments()) view.toggleWorking(check.segment);
        selection.lock(store.nSteps() - 3);
        save(view, "transcript-working" + suffix, {640, 900});
        view.setReading(Reading::Markup);
        save(view, "transcript-markup" + suffix, {640, 420});
        selection.clear();
        view.setReading(Reading::Plain);
        store.load(written::run(
            "news",
            "news 3 3\n<in>1<:>Harlow Corp sold 12 mines in Brackenfield for 40 mln dlrs.\n"
            "<in>2<:>Prices of copper rose 4 pct in May.\n<in>3<:>The mines employ 300 people.\n",
            "<out>1<:><global><attend><in>1<:></attend>Harlow sells mines in Marstead\n"
            "<out>2<:><global><attend><in>1<:><in>3<:></attend>Harlow Corp sold 12 mines with 350 people.\n"
            "<out>3<:><global><attend><in>2<:></attend>Prices of copper rose 4 pct in May.\n"));
        save(view, "transcript-news" + suffix, {640, 420});
    };
    shots["figures"] = [&](const QString& suffix) {
        FigureOptions o;
        o.dark = suffix.startsWith("-dark");
        const StepProbe probe = sample::probeOf(declared, 100);
        const DivergenceCurve curve = sample::curveOf(declared);
        for (const FigureInfo& figure : kFigures)
            for (const PictureInfo& picture : kPictures) {
                QString name = QString("figure-%1%2").arg(figure.name, suffix);
                name.replace(".png", QString(".") + picture.ending);
                const Status s =
                    renderFigure(figure.kind, {&declared, &dense, &probe, &curve}, o, dir.filePath(name).toStdString());
                if (!s) qWarning("%s", s.error().toString().c_str());
            }
        const RunData large = sample::large(16384, 16384);
        (void)renderFigure(FigureKind::Mask, {&large}, o, dir.filePath("figure-large" + suffix).toStdString());
    };
    shots["export"] = [&](const QString& suffix) {
        RunStore a, b;
        a.load(declared);
        b.load(dense);
        ExportDialog dialog(&a, &b);
        save(dialog, "export" + suffix, {940, 640});
    };
    shots["reach"] = [&](const QString& suffix) {
        RunStore a;
        Selection selection;
        ReachView view(&a, &selection, nullptr);
        a.load(declared);
        view.resize(760, 560);
        view.show();
        selection.lockRange(200, 200);
        while (view.reach().step != 200) QApplication::processEvents(QEventLoop::WaitForMoreEvents);
        save(view, "reach" + suffix, {760, 560});
        view.findChild<QTabWidget*>()->setCurrentIndex(1);
        save(view, "reach-table" + suffix, {760, 560});
    };
    shots["probe"] = [&](const QString& suffix) {
        RunStore a;
        Selection selection;
        ProbeView view(&a, &selection, nullptr);
        a.load(declared);
        view.resize(820, 720);
        view.show();
        selection.lockRange(100, 100);
        emit view.inspectRequested();
        view.onCurve(sample::curveOf(declared));
        StepProbe probe = sample::probeOf(declared, 100);
        for (size_t i = 0; i < probe.dense.size(); ++i) probe.dense[i] *= float(i * 7919 % 97) / 50;
        view.onProbe(probe);
        save(view, "probe" + suffix, {820, 720});
        for (const int tab : {1, 5}) {
            view.findChild<QTabWidget*>()->setCurrentIndex(tab);
            save(view, QString("probe-tab%1%2").arg(tab).arg(suffix), {820, 720});
        }
    };
    shots["publication"] = [&](const QString& suffix) {
        FigureOptions o;
        o.dark = suffix.startsWith("-dark");
        o.widthMm = kColumnMm;
        o.fontPoints = 7;
        o.scale = 4;
        const StepProbe probe = sample::probeOf(declared, 100);
        const DivergenceCurve curve = sample::curveOf(declared);
        for (const FigureInfo& figure : kFigures)
            (void)renderFigure(figure.kind, {&declared, &dense, &probe, &curve}, o,
                               dir.filePath(QString("column-%1%2").arg(figure.name, suffix)).toStdString());
        o.firstStep = 60;
        o.lastStep = 140;
        o.firstPosition = 100;
        o.lastPosition = 250;
        for (const char* ending : {".png", ".svg"})
            (void)renderFigure(FigureKind::Mask, {&declared}, o,
                               dir.filePath("region" + suffix.chopped(4) + ending).toStdString());
    };
    shots["compare"] = [&](const QString& suffix) {
        RunStore a, b;
        Selection selection;
        RunComparison comparison(&a, &b, &selection);
        RunDistances distances;
        MaskCompareView view(&comparison, &distances);
        a.load(declared);
        b.load(dense);
        view.resize(1200, 800);
        view.show();
        QApplication::processEvents();
        view.firstView()->finishTiles();
        view.secondView()->finishTiles();
        save(view, "compare" + suffix, {1200, 800});
    };
    for (const bool dark : {false, true}) {
        QApplication::setPalette(theme(dark));
        for (const auto& [name, shot] : shots)
            if (wanted.isEmpty() || wanted.contains(name)) shot(dark ? "-dark.png" : "-light.png");
    }
    return 0;
}
