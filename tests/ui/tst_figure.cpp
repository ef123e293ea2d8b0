// Exported pictures: the mask's pixels against the run's intervals, formats, metadata, errors, the dialog. Long: one
// run, its twin, probe and curve are made once for all of it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <QComboBox>
#include <QImageReader>
#include <QLabel>
#include <QListWidget>
#include <QPainter>
#include <QPushButton>
#include <QRegularExpression>
#include <QSettings>
#include <QTemporaryDir>
#include <QThreadPool>
#include <QXmlStreamReader>
#include <QtSvg/QSvgRenderer>
#include <QtTest>
#include <atomic>

#include "engine/files/output_file.h"
#include "engine/trace/exports/report_page.h"
#include "tests/patience.h"
#include "tests/ui/sample_run.h"
#include "ui/export/export_dialog.h"
#include "ui/export/figure.h"
#include "ui/export/figure_captions.h"
#include "ui/export/figure_presets.h"
#include "ui/views/mask/mask_diff.h"
#include "ui/views/plot_parts.h"

using namespace spanscope;

namespace {

/// What the pixel must show, by the rule's words alone: no code of the figure but the layout's rectangle and scales.
struct Expected {
    MaskState state = MaskState::Future;
    Phase phase = Phase::Prompt;
};
Expected expectedAt(const RunData& run, const MaskFigureLayout& l, int px, int py) {
    Expected best;
    const CellRange rows = l.y.cellsAt(py), columns = l.x.cellsAt(l.firstPixel + px);
    for (int r = rows.begin; r < std::min(rows.end, l.nSteps); ++r) {
        const StepRecord& s = run.steps[size_t(l.firstStep + r)];
        for (int c = columns.begin; c < columns.end; ++c) {
            MaskState state = MaskState::Future;
            if (c <= s.position) {
                state = MaskState::NotRead;
                for (const Interval& i : *s.visible) {
                    if (c >= i.begin && c < i.end) state = MaskState::Attended;
                    const int lo = c / 16 * 16, hi = std::min(lo + 16, s.position + 1);
                    if (state == MaskState::NotRead && std::max(i.begin, lo) < std::min(i.end, hi))
                        state = MaskState::Loaded;
                }
            }
            if (state > best.state || (state == best.state && state == MaskState::Attended && s.phase > best.phase))
                best = {state, s.phase};
        }
    }
    return best;
}

QString hex(QRgb c) { return QColor(c).name(); }

}  // namespace

class TestFigure : public QObject {
    Q_OBJECT
    RunData m_run = sample::sheet(8), m_dense = sample::sheet(8, MaskPolicySpec::dense());
    StepProbe m_probe = sample::probeOf(m_run, 100);
    DivergenceCurve m_curve = sample::curveOf(m_run);
    QTemporaryDir m_dir;
    QString path(const char* name) const { return m_dir.filePath(name); }

    void checkPixels(const RunData& run, const FigureOptions& o) {
        const QString file = path("mask.png");
        const Status status = renderFigure(FigureKind::Mask, {&run}, o, file.toStdString());
        QVERIFY2(status.ok(), status.ok() ? "" : status.error().toString().c_str());
        const QImage image = QImage(file).convertToFormat(QImage::Format_RGB32);
        const MaskFigureLayout l = maskFigureLayout(run, o);
        QVERIFY(image.rect().contains(l.plot));
        const Palette& p = Palette::of(o.dark);
        int attended = 0, notRead = 0, loaded = 0, future = 0;
        for (int y = 0; y < l.plot.height(); ++y)
            for (int x = 0; x < l.plot.width(); ++x) {
                const QRgb found = image.pixel(l.plot.left() + x, l.plot.top() + y);
                const Expected e = expectedAt(run, l, x, y);
                bool good = false;
                switch (e.state) {
                    case MaskState::Attended:
                        good = found == (o.byPhase ? p.phase(e.phase) : p.attended).rgb();
                        ++attended;
                        break;
                    case MaskState::Loaded:
                        good = o.showLoaded ? found == p.loaded.rgb() || found == p.loadedDot.rgb()
                                            : found == p.notRead.rgb() || found == p.notReadLine.rgb();
                        ++loaded;
                        break;
                    case MaskState::NotRead:
                        good = found == p.notRead.rgb() || found == p.notReadLine.rgb();
                        ++notRead;
                        break;
                    case MaskState::Future:
                        good = found == p.future.rgb();
                        ++future;
                        break;
                }
                QVERIFY2(good, qPrintable(QString("pixel %1,%2 is %3, expected %4")
                                              .arg(x)
                                              .arg(y)
                                              .arg(hex(found), maskStateName(e.state))));
            }
        QVERIFY(attended > 100 && notRead > 100 && loaded > 20 && future > 20);
    }

  private slots:
    /// XML has no control characters: whatever the run says of itself, an SVG is one.
    void svgIsWellFormedWhateverTheTextIs() {
        const std::string text =
            std::string("\x01\x08\x0b\x1b[31m\x7f\xc2\x9b\xef\xbf\xbe<&\">]]> \xf0\x9f\x98\x80 \xff") + '\0' + "end";
        RunData run = m_run, dense = m_dense;
        for (RunData* r : {&run, &dense}) {
            for (std::string* field :
                 {&r->header.modelName, &r->header.device, &r->header.machine, &r->header.programVersion,
                  &r->header.warning, &r->header.settings.task, &r->header.settings.promptText, &r->answer})
                *field = text;
            for (TokenInfo& t : r->header.prompt) t.text = text;
            for (StepRecord& s : r->steps) s.token.text = text;
        }
        FigureOptions o;
        for (const std::string& title : {std::string(), text}) {
            o.title = o.caption = title;
            for (const FigureInfo& figure : kFigures) {
                const QString file = path("hostile.svg");
                const Status status =
                    renderFigure(figure.kind, {&run, &dense, &m_probe, &m_curve}, o, file.toStdString());
                QVERIFY2(status.ok(), status.ok() ? "" : status.error().toString().c_str());
                QFile f(file);
                QVERIFY(f.open(QIODevice::ReadOnly));
                QXmlStreamReader xml(&f);
                while (!xml.atEnd()) xml.readNext();
                QVERIFY2(!xml.hasError(),
                         qPrintable(
                             QString("%1: %2, line %3").arg(figure.name).arg(xml.errorString()).arg(xml.lineNumber())));
                QVERIFY(QSvgRenderer(file).isValid());
            }
        }
    }

    void maskPixelsAreTheIntervals_data() {
        QTest::addColumn<int>("scale");
        QTest::addColumn<bool>("dark");
        QTest::addColumn<bool>("byPhase");
        QTest::addColumn<bool>("loaded");
        QTest::newRow("1x light") << 1 << false << true << true;
        QTest::newRow("2x dark one colour") << 2 << true << false << true;
        QTest::newRow("3x no rounding") << 3 << false << true << false;
        QTest::newRow("4x dark") << 4 << true << true << true;
    }
    void maskPixelsAreTheIntervals() {
        QFETCH(int, scale);
        QFETCH(bool, dark);
        QFETCH(bool, byPhase);
        QFETCH(bool, loaded);
        FigureOptions o;
        o.scale = scale;
        o.width = 500;
        o.dark = dark;
        o.byPhase = byPhase;
        o.showLoaded = loaded;
        checkPixels(m_run, o);
    }
    void pooledMaskPixels() {
        FigureOptions o;  // far more cells than pixels both ways
        o.scale = 1;
        o.width = 320;
        checkPixels(sample::large(1500, 1200), o);
    }
    void partOfARun() {
        FigureOptions o;
        o.scale = 1;
        o.firstStep = 60;
        o.lastStep = 119;
        const MaskFigureLayout l = maskFigureLayout(m_run, o);
        QCOMPARE(l.nSteps, 60);
        checkPixels(m_run, o);
    }

    /// A page for print: the region that was asked for, exactly as wide as asked for, cells still the intervals.
    void regionsAndSizes_data() {
        QTest::addColumn<double>("mm");
        QTest::addColumn<double>("points");
        QTest::addColumn<int>("scale");
        QTest::newRow("one column") << kColumnMm << 7.0 << 4;
        QTest::newRow("two columns") << kTwoColumnsMm << 0.0 << 2;
        QTest::newRow("large letters") << 120.0 << 13.0 << 3;
    }
    void regionsAndSizes() {
        QFETCH(double, mm);
        QFETCH(double, points);
        QFETCH(int, scale);
        FigureOptions o;
        o.scale = scale;
        o.widthMm = mm;
        o.fontPoints = points;
        o.firstStep = 40;
        o.lastStep = 150;
        o.firstPosition = 50;
        o.lastPosition = 205;
        const MaskFigureLayout l = maskFigureLayout(m_run, o);
        QCOMPARE(l.nSteps, 111);
        QCOMPARE(l.firstColumn, 50);
        QCOMPARE(l.nColumns, 156);
        QCOMPARE(l.x.cellsAt(l.firstPixel).begin, 50);
        checkPixels(m_run, o);
        o.firstStep = o.firstPosition = 0;
        o.lastStep = o.lastPosition = -1;
        for (const FigureInfo& figure : kFigures) {
            if (scale < 4 && figure.kind != FigureKind::Mask) continue;  // the page is the same thing for all of them
            const ExportSource source{&m_run, &m_dense, &m_probe, &m_curve, 60};
            const auto png = figureBytes(figure.kind, PictureFormat::Png, source, o);
            QVERIFY(png.ok());
            const QImage image = QImage::fromData(QByteArray::fromStdString(*png));
            QVERIFY2(std::abs(image.width() - mm / 25.4 * 96 * scale) <= 1, figure.name);
            QVERIFY(std::abs(1000.0 * image.width() / image.dotsPerMeterX() - mm) < 0.2);
            const auto svg = figureBytes(figure.kind, PictureFormat::Svg, source, o);
            QVERIFY(svg.ok());
            QVERIFY2(svg->substr(0, 400).find(QString("width=\"%1mm\"").arg(mm, 0, 'f', 3).toStdString()) !=
                         std::string::npos,
                     figure.name);
            const auto pdf = figureBytes(figure.kind, PictureFormat::Pdf, source, o);
            QVERIFY(pdf.ok());
            static const QRegularExpression box("/MediaBox \\[0 0 ([0-9.]+) ");
            const auto match = box.match(QString::fromLatin1(pdf->data(), qsizetype(pdf->size())));
            QVERIFY(match.hasMatch());
            QVERIFY2(std::abs(match.captured(1).toDouble() - mm / 25.4 * 72) < 0.51, qPrintable(match.captured(1)));
        }
    }

    /// Numbers of a scale: never "0, 0, 0, 0" and never more digits than a label has room for.
    void axisNumbers() {
        for (const double most : {1.8e-7, 4.2e-4, 0.013, 0.5, 7.0, 123.0, 4.1e6}) {
            const AxisNumbers numbers(most);
            QSet<QString> texts;
            for (const double share : {0.0, 0.0625, 0.25, 0.5625, 1.0}) {
                const QString text = numbers.text(share * most);
                QVERIFY2(text.size() <= 6, qPrintable(text));
                texts << text;
            }
            QCOMPARE(texts.size(), qsizetype{5});
        }
        QCOMPARE(AxisNumbers(1.8e-7).name("nats"), QStringLiteral("10\u207b\u2079 nats"));
        QCOMPARE(AxisNumbers(1.8e-7).text(1.8e-7), QString("180"));
        QCOMPARE(AxisNumbers(0.5).name("nats"), QString("nats"));
    }

    /// What the command line says makes the same figures is asked of the command line itself (tst_cli_exports); here,
    /// what stands in the file.
    void captionsSayWhatAndHow() {
        RunData run = m_run;
        run.header.settings.promptText = "1+2 'x'\n<b> *bold* [x](y)";
        FigureOptions o;
        o.widthMm = 88;
        o.dark = true;
        o.firstStep = 3;
        const ExportSource source{&run, &m_dense, nullptr, nullptr, 12};
        const std::string text = captionFile({{FigureKind::Mask, "a-mask.pdf"}, {FigureKind::Reach, "a-reach.pdf"}},
                                             PictureFormat::Pdf, source, o, "a b.spantrace", ".");
        const QString page = QString::fromStdString(text);
        for (const char* part :
             {"**Figure 1** (`a-mask.pdf`)", "**Figure 2** (`a-reach.pdf`)", "model: sample",
              "spanscope-cli export 'a b.spantrace' --all-figures . --format pdf --width-mm 88 --dark "
              "--first-step 3 --step 12",
              "-p $'1+2 \\'x\\'\\n<b> *bold* [x](y)'", "step 12"})
            QVERIFY2(page.contains(part), qPrintable(QString(part) + "\n" + page));
        const QString prose = page.section("## Again", 0, 0);
        QVERIFY(!prose.contains("<b>") && !prose.contains("[x](y)") && !prose.contains(" *bold*"));
        run.header.branch = {3, 57, BranchEdit::Span};  // no command makes this one
        const QString branch = QString::fromStdString(
            captionFile({{FigureKind::Mask, "a-mask.pdf"}}, PictureFormat::Pdf, source, o, "a.spantrace", "."));
        QVERIFY2(
            branch.contains("goes on: from step 57 of run 3, span edited") && !branch.contains("spanscope-cli run"),
            qPrintable(branch));
    }

    void presetsAreKept() {
        QCoreApplication::setOrganizationName("spanscope-test");
        QCoreApplication::setApplicationName("tst_figure");
        QSettings().clear();
        QVERIFY(keptPresets().isEmpty() && !lastSettings());
        FigurePreset mine{"Mine <b>", PictureFormat::Svg, {}};
        mine.options.widthMm = 123.5;
        mine.options.fontPoints = 9;
        mine.options.legend = false;
        QVERIFY(keepPreset(mine));
        QVERIFY(!keepPreset({builtInPresets().front().name, PictureFormat::Png, {}}));
        QVERIFY(!keepPreset({"  ", PictureFormat::Png, {}}));
        QCOMPARE(keptPresets().size(), qsizetype{1});
        const FigurePreset back = keptPresets().front();
        QCOMPARE(back.name, mine.name);
        QVERIFY(back.format == PictureFormat::Svg && back.options.widthMm == 123.5 && !back.options.legend);
        RunStore store, none;
        store.load(m_run);
        ExportDialog dialog(&store, &none);
        auto* preset = dialog.findChild<QComboBox*>("exportPreset");
        preset->setCurrentIndex(preset->findData(mine.name));
        emit preset->activated(preset->currentIndex());
        QCOMPARE(dialog.options().widthMm, 123.5);
        QVERIFY(!dialog.options().legend);
        dialog.deletePreset();
        QVERIFY(keptPresets().isEmpty());
        // What was used last is there the next time; a title is not.
        dialog.rememberSettings();
        FigureOptions o = dialog.options();
        o.dark = true;
        o.title = "Once";
        dialog.setOptions(o);
        dialog.choose(FigureKind::Mask);
        dialog.startExport(path("remembered.svg"));
        ExportDialog next(&store, &none);
        next.rememberSettings();
        QVERIFY(next.options().dark && next.options().title.empty());
        // Whatever somebody wrote into the settings, options stay in their ranges.
        QSettings().setValue("export/last/widthMm", "nan");
        QSettings().setValue("export/last/scale", 99);
        QCOMPARE(lastSettings()->options.widthMm, 0.0);
        QCOMPARE(lastSettings()->options.scale, 4);
        QSettings().clear();
    }

    void allFiguresAtOnce() {
        RunStore store, dense;
        store.load(m_run);
        dense.load(m_dense);
        ExportDialog dialog(&store, &dense);
        static const DataExport trace{"Trace",
                                      "spantrace",
                                      "--spantrace",
                                      "it",
                                      ExportNeeds::Nothing,
                                      [](const ExportSource& source, const std::string& p, const ExportTools&) {
                                          return writeFile(p, std::to_string(source.run->steps.size()));
                                      }};
        dialog.setDataExports({&trace, 1});
        dialog.setInspection(m_probe, m_curve);
        dialog.setSelectedSteps(20, 20);
        QDir(m_dir.path()).mkdir("all");
        const QDir folder(m_dir.filePath("all"));
        dialog.startAllFigures(folder.path());
        QTRY_VERIFY2_WITH_TIMEOUT(dialog.message().startsWith("Written"), qPrintable(dialog.message()),
                                  test::patience(60000));
        for (const FigureInfo& figure : kFigures)
            QVERIFY2(!QImage(folder.filePath(QString("sample-sheet-%1.png").arg(figure.name))).isNull(), figure.name);
        QVERIFY(folder.exists("sample-sheet.spantrace"));
        QFile captions(folder.filePath("sample-sheet-captions.md"));
        QVERIFY(captions.open(QIODevice::ReadOnly));
        const QByteArray text = captions.readAll();
        QCOMPARE(text.count("**Figure "), qsizetype(kFigures.size()));
        QVERIFY(text.contains("export sample-sheet.spantrace"));
        dialog.startAllFigures("/nonexistent/folder");
        QTRY_VERIFY(!dialog.message().startsWith("Writing"));
        QVERIFY(dialog.message().contains("/nonexistent/folder") && !dialog.message().startsWith("Written"));
    }

    /// The report is written by the engine, which does not know the window's palette: its colours are compared with it.
    void theReportHasTheColoursOfTheWindow() {
        const QString style = QString::fromUtf8(trace::kReportStyle);
        const qsizetype split = style.indexOf("prefers-color-scheme:dark");
        QVERIFY(split > 0);
        for (const bool dark : {false, true}) {
            const Palette& p = Palette::of(dark);
            const QString half = dark ? style.mid(split) : style.left(split);
            std::vector<std::pair<QString, QColor>> colors{{"mask", p.ground},       {"maskink", p.ink},
                                                           {"masksoft", p.inkSoft},  {"future", p.future},
                                                           {"notread", p.notRead},   {"notreadline", p.notReadLine},
                                                           {"loaded", p.loaded},     {"loadeddot", p.loadedDot},
                                                           {"scaffold", p.scaffold}, {"in", p.in},
                                                           {"out", p.out},           {"own", p.accent},
                                                           {"attended", p.attended}};
            for (int k = 0; k < kPhases; ++k) colors.emplace_back(phaseName(Phase(k)), p.phase(Phase(k)));
            for (const auto& [name, color] : colors)
                QVERIFY2(half.contains(QString("--%1:%2").arg(name, color.name())), qPrintable(name));
        }
    }

    void everyFigureInEveryFormat_data() {
        QTest::addColumn<int>("kind");
        for (const FigureInfo& figure : kFigures) QTest::newRow(figure.name) << int(figure.kind);
    }
    void everyFigureInEveryFormat() {
        QFETCH(int, kind);
        const auto k = FigureKind(kind);
        FigureOptions o;
        for (const char* name : {"f.png", "f.svg", "f.pdf"}) {
            const Status s = renderFigure(k, {&m_run, &m_dense, &m_probe, &m_curve}, o, path(name).toStdString());
            QVERIFY2(s.ok(), s.ok() ? "" : s.error().toString().c_str());
        }
        const QImage png(path("f.png"));
        QVERIFY(png.width() > (k == FigureKind::Heads ? 900 : 1200) && png.width() <= 1800);
        QCOMPARE(qRound(png.dotsPerMeterX() * 0.0254), 192);
        QCOMPARE(png.text("Attention"), QString("declared"));
        QVERIFY(!png.text("Description").isEmpty());
        QSvgRenderer svg(path("f.svg"));
        QVERIFY(svg.isValid());
        QImage drawn(svg.viewBoxF().size().toSize(), QImage::Format_RGB32);
        drawn.fill(Qt::magenta);
        QPainter painter(&drawn);
        svg.render(&painter);
        painter.end();
        QCOMPARE(drawn.size(), png.size() / 2);
        // The vector file shows what the bitmap shows: compare coarsely, text is set by another engine.
        const QImage a = drawn.scaled(60, 40, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
        const QImage b =
            png.scaled(60, 40, Qt::IgnoreAspectRatio, Qt::SmoothTransformation).convertToFormat(QImage::Format_RGB32);
        qint64 difference = 0;
        for (int y = 0; y < 40; ++y)
            for (int x = 0; x < 60; ++x) difference += std::abs(qGray(a.pixel(x, y)) - qGray(b.pixel(x, y)));
        QVERIFY2(difference / 2400 < 6, qPrintable(QString::number(difference / 2400)));
        QFile pdf(path("f.pdf"));
        QVERIFY(pdf.open(QIODevice::ReadOnly));
        const QByteArray bytes = pdf.readAll();
        QVERIFY(bytes.startsWith("%PDF-") && bytes.trimmed().endsWith("%%EOF"));
        QVERIFY(!bytes.contains("/DCTDecode"));  // cells stay exact: no lossy pictures
    }

    /// The picture of the difference holds nothing but the states of its cells.
    void differencePixels() {
        FigureOptions o;
        o.scale = 1;
        o.caption = o.title = "-";
        o.legend = false;
        const auto png = figureBytes(FigureKind::Difference, PictureFormat::Png, {&m_run, &m_dense}, o);
        QVERIFY(png.ok());
        const QImage image = QImage::fromData(QByteArray::fromStdString(*png));
        const MaskFigureLayout l = maskFigureLayout(m_run, o);
        const MaskDiff diff = diffRuns(m_run, m_dense);
        int nOnlyDense = 0;
        for (int y = 0; y < l.plot.height(); y += 5)
            for (int x = 0; x < l.plot.width(); x += 7) {
                const CellRange rows = l.y.cellsAt(y), columns = l.x.cellsAt(x);
                DiffState most = DiffState::Future;
                for (int r = rows.begin; r < std::min(rows.end, int(diff.rows.size())); ++r)
                    for (int c = columns.begin; c < columns.end; ++c)
                        most = std::max(most, diffCell(diff.rows[size_t(r)], c));
                QCOMPARE(image.pixel(l.plot.left() + x, l.plot.top() + y), diffPixel(most, Palette::light(), x, y, 1));
                nOnlyDense += most == DiffState::OnlySecond;
            }
        QVERIFY(nOnlyDense > 50);
    }

    void whatIsMissingIsSaid() {
        for (const auto& [kind, word] : {std::pair{FigureKind::Difference, "second run"},
                                         {FigureKind::Attention, "inspect"},
                                         {FigureKind::Heads, "inspect"},
                                         {FigureKind::Divergence, "inspect"}}) {
            const Status s = renderFigure(kind, {&m_run}, {}, path("no.png").toStdString());
            QVERIFY(!s.ok());
            QVERIFY2(s.error().message.find(word) != std::string::npos, s.error().message.c_str());
        }
        RunStore store, none;
        store.load(m_run);
        ExportDialog dialog(&store, &none);
        dialog.choose(FigureKind::Attention);
        QVERIFY(!dialog.findChild<QPushButton*>("exportButton")->isEnabled());
        QVERIFY(dialog.findChild<QLabel*>("exportPreview")->text().contains("Inspect"));
        dialog.setInspection(m_probe, m_curve);
        QVERIFY(dialog.findChild<QPushButton*>("exportButton")->isEnabled());
        QVERIFY(dialog.exportTo(path("attention.png")));
        StepProbe other = m_probe;  // of another run: not this one's attention
        other.runId = m_run.header.runId + 1;
        ExportDialog second(&store, &none);
        second.choose(FigureKind::Heads);
        second.setInspection(other, {});
        QVERIFY(!second.findChild<QPushButton*>("exportButton")->isEnabled());
    }

    void sameBytesEveryTime() {
        const auto a = figureBytes(FigureKind::Mask, PictureFormat::Png, {&m_run}, {}),
                   b = figureBytes(FigureKind::Mask, PictureFormat::Png, {&m_run}, {});
        QVERIFY(a.ok() && b.ok());
        QVERIFY(*a == *b);
        QVERIFY(renderFigure(FigureKind::Mask, {&m_run}, {}, path("same.png").toStdString()).ok());
        QFile file(path("same.png"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QVERIFY(file.readAll().toStdString() == *a);
    }

    void errorsSayWhat() {
        const Status ending = renderFigure(FigureKind::Mask, {&m_run}, {}, path("mask.gif").toStdString());
        QVERIFY(!ending.ok());
        QCOMPARE(QString::fromStdString(ending.error().found), QString(".gif"));
        const Status nowhere = renderFigure(FigureKind::Mask, {&m_run}, {}, "/nonexistent/folder/mask.png");
        QVERIFY(!nowhere.ok());
        QVERIFY(nowhere.error().code == ErrorCode::Io);
        QVERIFY(nowhere.error().toString().find("/nonexistent/folder/mask.png") == 0);
        const RunData nothing;
        const Status empty = renderFigure(FigureKind::Mask, {&nothing}, {}, path("mask.png").toStdString());
        QVERIFY(!empty.ok());
        RunData hostile;
        StepRecord s;
        s.position = INT32_MAX;
        s.segment = 7;
        hostile.steps.assign(40, s);
        (void)figureBytes(FigureKind::Mask, PictureFormat::Png, {&hostile}, {});
        (void)figureBytes(FigureKind::Throughput, PictureFormat::Png, {&hostile, &hostile}, {});
        (void)figureBytes(FigureKind::Timeline, PictureFormat::Png, {&hostile}, {});
        QVERIFY(!figureBytes(FigureKind::Graph, PictureFormat::Png, {&hostile}, {}).ok());
    }

    void dialogPreviewsAndWrites() {
        RunStore store, dense;
        ExportDialog dialog(&store, &dense);
        dialog.show();
        auto* preview = dialog.findChild<QLabel*>("exportPreview");
        QVERIFY(!dialog.findChild<QPushButton*>("exportButton")->isEnabled());
        QVERIFY(preview->text().contains("run a prompt"));
        store.load(m_run);
        dense.load(m_dense);
        dialog.refreshPreview();
        QVERIFY(!preview->pixmap(Qt::ReturnByValue).isNull());
        static std::string seen;  // the rows of the table are plain functions
        const DataExport npy{"Mask as NumPy array",
                             "npy",
                             "--npy",
                             "uint8",
                             ExportNeeds::Nothing,
                             [](const ExportSource& source, const std::string& p, const ExportTools& tools) -> Status {
                                 seen = p + (source.other ? " dense " : " ") + std::to_string(source.run->steps.size());
                                 seen += tools.maskPng(*source.run).substr(1, 3);
                                 return {};
                             }};
        dialog.setDataExports({&npy, 1});
        dialog.choose(FigureKind::Throughput);
        auto* format = dialog.findChild<QComboBox*>("exportFormat");
        format->setCurrentText("SVG");
        QCOMPARE(dialog.suggestedName(), QString("sample-sheet-throughput.svg"));
        QVERIFY(dialog.exportTo(path("dialog.svg")));
        QVERIFY(QSvgRenderer(path("dialog.svg")).isValid());
        dialog.chooseData("npy");
        QVERIFY(dialog.exportTo("/x/y.npy"));
        QCOMPARE(QString::fromStdString(seen), QString("/x/y.npy dense %1PNG").arg(m_run.steps.size()));
        dialog.choose(FigureKind::Mask);
        QVERIFY(!dialog.exportTo("/nonexistent/a.png"));
        QVERIFY(dialog.message().contains("/nonexistent/a.png"));
        dialog.setSelectedSteps(10, 20);
        dialog.findChild<QComboBox*>("exportTheme")->setCurrentIndex(1);
        QVERIFY(dialog.options().dark);
        // Every control can be reached and says what it is.
        for (QWidget* w : dialog.findChildren<QWidget*>())
            if (!w->objectName().startsWith("qt_") && w->focusPolicy() & Qt::TabFocus &&
                w->objectName().startsWith("export"))
                QVERIFY2(!w->toolTip().isEmpty() || !w->accessibleName().isEmpty() || qobject_cast<QPushButton*>(w) ||
                             qobject_cast<QLabel*>(w),
                         qPrintable(w->objectName()));
    }

    /// A large data file takes its time, the window does not: it is written by another thread, from the run as it was.
    void dataIsWrittenBesideTheWindow() {
        RunStore store, none;
        store.load(m_run);
        auto dialog = std::make_unique<ExportDialog>(&store, &none);
        static QThread* writer = nullptr;
        static std::atomic<bool> go{false};
        static size_t nSteps = 0;
        const DataExport slow{"Slow",
                              "npy",
                              "--npy",
                              "uint8",
                              ExportNeeds::Nothing,
                              [](const ExportSource& source, const std::string& to, const ExportTools&) -> Status {
                                  while (!go) QThread::msleep(1);
                                  writer = QThread::currentThread();
                                  nSteps = source.run->steps.size();
                                  if (to == "/bad") return Error{ErrorCode::Io, "no <b>room</b>", to};
                                  return {};
                              }};
        dialog->setDataExports({&slow, 1});
        dialog->chooseData("npy");
        dialog->startExport("/good");
        QVERIFY(dialog->message().startsWith("Writing"));
        QVERIFY(!dialog->findChild<QPushButton*>("exportButton")->isEnabled());
        store.clear();
        go = true;
        QTRY_VERIFY(dialog->message().startsWith("Written"));
        QVERIFY(writer != QThread::currentThread());
        QCOMPARE(nSteps, m_run.steps.size());
        store.load(m_run);
        dialog->startExport("/bad");
        QTRY_VERIFY(dialog->message().contains("no <b>room</b>"));
        go = false;
        dialog->startExport("/good");
        dialog.reset();  // a dialog that is closed meanwhile
        go = true;
        QVERIFY(QThreadPool::globalInstance()->waitForDone(5000));
        QCoreApplication::processEvents();
    }

    /// A long run's picture too.
    void aLongRunIsDrawnBesideTheWindow() {
        RunStore store, none;
        store.load(sample::large(60'000, 500));
        ExportDialog dialog(&store, &none);
        dialog.show();
        dialog.choose(FigureKind::Mask);
        auto* preview = dialog.findChild<QLabel*>("exportPreview");
        QCOMPARE(preview->text(), QStringLiteral("Drawing\u2026"));
        QTRY_VERIFY(!preview->pixmap(Qt::ReturnByValue).isNull());
        dialog.startExport(path("long.png"));
        QTRY_VERIFY2(dialog.message().startsWith("Written"), qPrintable(dialog.message()));
        QVERIFY(!QImage(path("long.png")).isNull());
    }

    /// A picture goes into a pipe or a device; no file takes its place.
    void aPipeStaysOne() {
        const QByteArray pipe = path("pipe").toLocal8Bit();
        QCOMPARE(mkfifo(pipe.constData(), 0600), 0);
        const int end = open(pipe.constData(), O_RDWR);
        QVERIFY(end >= 0 && fcntl(end, F_SETPIPE_SZ, 1 << 20) >= 1 << 20);  // so that nobody need read meanwhile
        FigureOptions small;
        small.scale = 1;
        const Status ok = renderFigure(FigureKind::Mask, {&m_run}, small, pipe.toStdString(), PictureFormat::Png);
        QVERIFY2(ok.ok(), ok.ok() ? "" : ok.error().toString().c_str());
        struct stat what {};
        QVERIFY(::stat(pipe.constData(), &what) == 0 && S_ISFIFO(what.st_mode));
        char head[4] = {};
        QCOMPARE(read(end, head, 4), ssize_t{4});
        QCOMPARE(QByteArray(head + 1, 3), QByteArray("PNG"));
        close(end);
    }
};

QTEST_MAIN(TestFigure)
#include "tst_figure.moc"
