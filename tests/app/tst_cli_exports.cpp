// What the command line exports and compares: data files, figures, replays, recorded runs. On tiny random models.
#include <QtTest>

#include "engine/trace/exports/exports.h"
#include "engine/trace/trace.h"
#include "engine/types/interval_algebra.h"
#include "engine/types/reach.h"
#include "engine/types/run_alignment.h"
#include "engine/types/step_cost.h"
#include "tests/app/cli_process.h"
#include "ui/export/figure_list.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

class TestCliExports : public CliTest {
    Q_OBJECT
  private slots:
    void initTestCase() { QVERIFY(makeModel()); }

    void traceExportsAndDiff() {
        const QString trace = file("run.spantrace"), other = file("other.spantrace");
        const QStringList common{"run", "-m", m_model,       "--task", "expression", "-p",     "(1+2)*3",
                                 "-n",  "20", "--attention", "both",   "-q",         "--trace"};
        QCOMPARE(run(common + QStringList{trace}).exitCode, 0);
        QCOMPARE(run(common + QStringList{other, "--temp", "2", "--seed", "3"}).exitCode, 0);
        const auto recorded = readTrace(trace.toStdString());
        QVERIFY(recorded.ok());
        QCOMPARE(recorded->damage, std::string());
        QCOMPARE(recorded->runs.size(), size_t{2});
        QVERIFY(recorded->runs[0]->stats.loadNs > 0);

        QStringList arguments{"export", trace};
        QStringList written;
        for (const DataExport& row : dataExports()) {
            if (row.needs != ExportNeeds::Nothing) continue;
            written << file("out.") + row.ending;
            arguments << QString(row.option).section(',', 0, 0) << written.back();
        }
        const Outcome exported = run(arguments);
        QVERIFY2(exported.exitCode == 0, exported.err.constData());
        QVERIFY(exported.out.isEmpty());
        for (const QString& path : written) QVERIFY2(QFileInfo(path).size() > 0, qPrintable(path));
        QCOMPARE(run({"export", trace}).exitCode, 2);
        QCOMPARE(run({"export", trace, "--run", "7", "--npy", file("x.npy")}).exitCode, 3);

        QCOMPARE(run({"diff", trace, trace}).exitCode, 0);
        const Outcome diff = run({"diff", trace, other, "--json"});
        QCOMPARE(diff.exitCode, 1);
        const Json differences = diff.json();
        QCOMPARE(differences["equal"], false);
        const Json& first = differences["runs"][0];
        const auto changed = readTrace(other.toStdString());
        size_t expected = 0;
        while (recorded->runs[0]->steps[expected].token.id == changed->runs[0]->steps[expected].token.id) ++expected;
        QCOMPARE(first["first_token_difference"].get<size_t>(), expected);
        QCOMPARE(first["lines_different"].get<size_t>() > 0, true);

        const Outcome inside = run({"diff", trace, "--json"});  // the two modes of one recording
        const RunAlignment modes = alignRuns(*recorded->runs[0], *recorded->runs[1]);
        QCOMPARE(inside.exitCode, modes.identical() ? 0 : 1);
        const Json insideJson = inside.json();
        QCOMPARE(insideJson["runs"].size(), size_t{1});
        const Json& pair = insideJson["runs"][0];
        QCOMPARE(pair["against"].get<std::string>(), std::string("dense"));
        QCOMPARE(pair["lines"].get<size_t>(), modes.lines.size());
        QCOMPARE(pair["lines_different"].get<int32_t>(), modes.nDifferent);
        QVERIFY(pair["masks_different"].is_number());
        QVERIFY(
            run({"diff", trace}).out.startsWith(QByteArray("declared | dense: " + QByteArray(modes.words().c_str()))));
        const QString alone = file("alone.spantrace");
        QVERIFY(writeTrace(alone.toStdString(), {recorded->runs[0].get()}));
        const Outcome lonely = run({"diff", alone});
        QCOMPARE(lonely.exitCode, 2);
        QVERIFY2(lonely.err.contains("no dense run"), lonely.err.constData());
        const Outcome info = run({"info", trace, "--json"});
        QCOMPARE(info.json()["runs"].size(), size_t{2});
    }

    /// Help and manual say what the tables say: neither is written by hand.
    void helpAndManualListEveryExport() {
        const auto needs = [](ExportNeeds what) -> QString {
            switch (what) {
                case ExportNeeds::Nothing: break;
                case ExportNeeds::Other: return "a second run";
                case ExportNeeds::Probe: return "a replay (`-m`)";
                case ExportNeeds::Curve: return "a replay (`-m`)";
            }
            return {};
        };
        const Outcome help = run({"export", "--help"});
        QString table = "| option | file | what is in it | needs |\n|---|---|---|---|\n";
        for (const DataExport& row : dataExports()) {
            QVERIFY2(help.out.contains(row.option) && help.out.contains(row.about), row.option);
            table += QString("| `%1` | .%2 | %3 | %4 |\n")
                         .arg(QString(row.option).replace(",", "`, `"), row.ending, row.about, needs(row.needs));
        }
        table += "\n| `--figure` | what it shows | needs |\n|---|---|---|\n";
        for (const FigureInfo& figure : kFigures) {
            QVERIFY2(help.out.contains(figure.name), figure.name);
            table += QString("| `%1` | %2 | %3 |\n").arg(figure.name, figure.about, needs(figure.needs));
        }
        for (const PictureInfo& picture : kPictures)
            QVERIFY2(help.out.contains("--" + QByteArray(picture.ending)), picture.ending);
        QFile manual(SPANSCOPE_SOURCE_DIR "/app/cli/README.md");
        QVERIFY(manual.open(QIODevice::ReadOnly));
        if (!QString::fromUtf8(manual.readAll()).contains(table))
            QFAIL(qPrintable("app/cli/README.md must have these tables:\n\n" + table));
    }

    void figuresWhereTheBuildHasThem() {
        const QString trace = file("figure.spantrace");
        QCOMPARE(run({"run", "-m", m_model, "-p", "1+2", "-n", "12", "-q", "--trace", trace}).exitCode, 0);
        const Outcome o =
            run({"export", trace, "--png", file("m.png"), "--svg", file("m.svg"), "--pdf", file("m.pdf")});
        if (o.exitCode == 3 && o.err.contains("it is not there")) QSKIP("built without the window");
        QVERIFY2(o.exitCode == 0, o.err.constData());
        QVERIFY(QFile::exists(file("m.png")));
        auto starts = [&](const char* name, const char* with) {
            QFile f(file(name));
            return f.open(QIODevice::ReadOnly) && f.read(200).contains(with);
        };
        QVERIFY(starts("m.png", "PNG") && starts("m.svg", "<svg") && starts("m.pdf", "%PDF"));
    }

    /// Every figure at once, and the command line that stands beside them makes the same bytes again.
    void allFiguresAndTheirCommand() {
        const QString trace = file("all.spantrace"), folder = file("figures");
        QCOMPARE(run({"run", "-m", m_model, "-p", "1+2", "-n", "16", "-q", "--attention", "both", "--trace", trace})
                     .exitCode,
                 0);
        QStringList ask{"export", trace,    "-m",           m_model, "--all-figures",   folder,   "--format",
                        "svg",    "-q",     "--step",       "5",     "--column",        "single", "--font-size",
                        "7",      "--dark", "--first-step", "2",     "--last-position", "30"};
        const Outcome o = run(ask);
        if (o.exitCode == 3 && o.err.contains("it is not there")) QSKIP("built without the window");
        QVERIFY2(o.exitCode == 0, o.err.constData());
        QVERIFY(o.out.isEmpty());
        QFile captions(folder + "/captions.md");
        QVERIFY(captions.open(QIODevice::ReadOnly));
        const QString text = QString::fromUtf8(captions.readAll());
        QMap<QString, QByteArray> first;
        for (const FigureInfo& figure : kFigures) {
            const QString name = QString("%1.svg").arg(figure.name);
            QFile f(folder + "/" + name);
            if (!f.open(QIODevice::ReadOnly)) {
                QVERIFY(!text.contains("(`" + name + "`)"));
                continue;
            }
            QVERIFY2(text.contains("(`" + name + "`)"), figure.name);
            first[f.fileName()] = f.readAll();
            QVERIFY(f.remove());
        }
        QVERIFY(first.size() >= 6);
        const QString line = text.section("    spanscope-cli export ", 1, 1).section('\n', 0, 0);
        QVERIFY(!line.isEmpty());
        QStringList again{"export"};
        again << QProcess::splitCommand(line) << "-m" << m_model << "-q";
        for (QString& word : again) word.remove('\'');
        const Outcome second = run(again);
        QVERIFY2(second.exitCode == 0, second.err.constData());
        for (auto it = first.begin(); it != first.end(); ++it) {
            QFile f(it.key());
            QVERIFY2(f.open(QIODevice::ReadOnly), qPrintable(it.key()));
            // Axes of a plot come in any order: QCustomPlot has them in a hash.
            const auto parts = [](const QByteArray& svg) {
                QList<QByteArray> lines = svg.split('\n');
                std::sort(lines.begin(), lines.end());
                return lines;
            };
            QVERIFY2(parts(f.readAll()) == parts(it.value()), qPrintable(it.key()));
        }
        // Without the run's model those that need a replay are left out, and it is said.
        const Outcome without = run({"export", trace, "--all-figures", file("few"), "--format", "svg"});
        QVERIFY2(without.exitCode == 0, without.err.constData());
        QVERIFY(without.err.contains("need a replay"));
        QVERIFY(QFile::exists(file("few/mask.svg")) && !QFile::exists(file("few/attention.svg")));
        QCOMPARE(run({"export", trace, "--png", file("x.png"), "--width", "500", "--width-mm", "80"}).exitCode, 2);
        QCOMPARE(run({"export", trace, "--png", file("x.png"), "--column", "triple"}).exitCode, 2);
        QCOMPARE(
            run({"export", trace, "--png", file("x.png"), "--first-position", "9", "--last-position", "3"}).exitCode,
            2);
        QCOMPARE(run({"export", trace, "--format", "svg", "--png", file("x.png")}).exitCode, 2);
    }

    void reachFromTheCommandLine() {
        const QString trace = file("reach.spantrace");
        QCOMPARE(run({"run", "-m", m_model, "-p", "1+2", "-n", "12", "-q", "--trace", trace}).exitCode, 0);
        const Outcome o =
            run({"export", trace, "--step", "7", "--reach-json", file("r.json"), "--reach-csv", file("r.csv")});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const auto recorded = readTrace(trace.toStdString());
        const Reach reach = reachOf(*recorded->runs[0], 7);
        QFile json(file("r.json"));
        QVERIFY(json.open(QIODevice::ReadOnly));
        const Json said = Json::parse(json.readAll().toStdString());
        QCOMPARE(said["step"].get<int>(), 7);
        QCOMPARE(said["position"].get<int>(), reach.position);
        QCOMPARE(said["hops"].size(), reach.hops.size());
        for (size_t k = 0; k < reach.hops.size(); ++k)
            QCOMPARE(said["hops"][k]["tokens"].get<int64_t>(), nTokens(reach.hops[k]));
        QCOMPARE(said["never"]["tokens"].get<int64_t>(), nTokens(reach.never));
        QFile csv(file("r.csv"));
        QVERIFY(csv.open(QIODevice::ReadOnly));
        const auto rows = QString::fromUtf8(csv.readAll()).split("\r\n");
        QCOMPARE(rows.size(), qsizetype{reach.position} + 3);  // head, one a position, the end
        for (int at = 0; at <= reach.position; ++at) {
            const int between = reach.between(at);
            QVERIFY(rows[at + 1].endsWith(
                between < 0 ? QString("never,") : QString(between == 0 ? "direct,%1" : "indirect,%1").arg(between)));
        }
    }

    /// The numbers of `whatif` are those of a step's bytes, written out here once more from the recording's own fields.
    void whatIfFromTheCommandLine() {
        const QString trace = file("whatif.spantrace");
        QCOMPARE(run({"run", "-m", m_model, "-p", "1+2", "-n", "24", "-q", "--attention", "both", "--trace", trace})
                     .exitCode,
                 0);
        const auto recorded = readTrace(trace.toStdString());
        const RunData& declared = *recorded->runs[0];
        const auto weights = double(declared.header.weightBytesPerStep);
        const auto perToken = double(declared.stats.kvBytesPerToken);
        QVERIFY(weights > 0 && perToken > 0);
        const Outcome o =
            run({"whatif", trace, "--context", "1000,5000", "--batch", "1,8", "--bandwidth", "100", "--fixed", "7",
                 "--kv-type", QString::fromStdString(declared.header.kvType).toLower(), "--json"});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const Json said = o.json();
        QCOMPARE(said["rows"].size(), size_t{4});
        for (const Json& row : said["rows"]) {
            const double tokens = row["context_tokens"], batch = row["batch"];
            const double bytes = weights + batch * tokens * perToken;
            QVERIFY(std::abs(row["dense"]["step_ms"].get<double>() - (bytes / 100 + 7000) / 1e6) < 1e-9);
            QVERIFY(std::abs(row["ceiling"].get<double>() - (bytes / 100 + 7000) / (weights / 100 + 7000)) < 1e-9);
            QVERIFY(row["speed_up"].get<double>() <= row["ceiling"].get<double>());
        }
        QVERIFY(said["measured"].size() > 0);
        const Outcome table = run({"whatif", trace, "--memory", "h200", "--page", "64", "--spans", "tokens"});
        QVERIFY2(table.exitCode == 0 && table.out.contains("4800 GB/s"), table.out.constData());
        QCOMPARE(run({"whatif", trace, "--measure", "-q"}).exitCode, 0);
        QCOMPARE(run({"whatif", trace, "--memory", "abacus"}).exitCode, 2);
        QCOMPARE(run({"whatif", trace, "--page", "0"}).exitCode, 2);
        QCOMPARE(run({"whatif", trace, "--context", "-5"}).exitCode, 2);
        QCOMPARE(run({"whatif", trace, "--bandwidth", "nan"}).exitCode, 2);
        QCOMPARE(run({"whatif", trace, "--run", "9"}).exitCode, 3);
        QCOMPARE(run({"whatif", file("none.spantrace")}).exitCode, 3);

        // A recording from before weights were told is refused with the field that it lacks.
        RunData old = declared;
        old.header.weightBytesPerStep = 0;
        const QString before = file("before.spantrace");
        QVERIFY(writeTrace(before.toStdString(), {&old}));
        const Outcome refused = run({"whatif", before});
        QCOMPARE(refused.exitCode, 2);
        QVERIFY2(refused.err.contains("weight_bytes_per_step"), refused.err.constData());
        QCOMPARE(run({"export", before, "--whatif-csv", file("no.csv")}).exitCode, 2);
        QVERIFY(!QFile::exists(file("no.csv")));

        QFile page(SPANSCOPE_SOURCE_DIR "/docs/what-if.md");
        QVERIFY(page.open(QIODevice::ReadOnly));
        const QString text = QString::fromUtf8(page.readAll());
        for (const MemoryRate& rate : memoryRates()) {
            const QString line =
                QString("| `%1` | %2 | %3 | %4 |\n").arg(rate.id, rate.name).arg(rate.gbPerS).arg(rate.source);
            QVERIFY2(text.contains(line), qPrintable("docs/what-if.md must have: " + line));
        }
    }

    void differencesAndProbesFromTheCommandLine() {
        const QString trace = file("probe.spantrace");
        QCOMPARE(run({"run", "-m", m_model, "-p", "1+2", "-n", "20", "-q", "--attention", "both", "--trace", trace})
                     .exitCode,
                 0);
        const auto lines = [&](const char* name) {
            QFile f(file(name));
            return f.open(QIODevice::ReadOnly) ? QString::fromUtf8(f.readAll()).split("\r\n") : QStringList();
        };
        const Outcome o = run({"export",
                               trace,
                               "-m",
                               m_model,
                               "--step",
                               "7",
                               "--layer",
                               "1",
                               "--head",
                               "2",
                               "--attention-csv",
                               file("a.csv"),
                               "--heads-csv",
                               file("h.csv"),
                               "--divergence-csv",
                               file("k.csv"),
                               "--difference-npy",
                               file("d.npy"),
                               "--difference-csv",
                               file("d.csv")});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const auto recorded = readTrace(trace.toStdString());
        const RunData& declared = recorded->runs[0]->header.settings.attention == MaskPolicySpec::declared()
                                      ? *recorded->runs[0]
                                      : *recorded->runs[1];
        double dense = 0, restricted = 0;
        const auto attention = lines("a.csv");
        QCOMPARE(attention.size(), qsizetype(declared.steps[7].position) + 3);  // head, one a position, the end
        for (qsizetype i = 1; i + 1 < attention.size(); ++i) {
            const auto cells = attention[i].trimmed().split(',');
            QVERIFY(cells.size() >= 9 && cells[1] == "1" && cells[2] == "2");
            dense += cells[cells.size() - 2].toDouble();
            restricted += cells.back().toDouble();
        }
        QVERIFY(std::abs(dense - 1) < 1e-3 && std::abs(restricted - 1) < 1e-3);
        QCOMPARE(lines("h.csv").size(), qsizetype{2 * 4 + 2});
        QCOMPARE(lines("k.csv").size(), qsizetype(declared.steps.size()) + 2);
        QFile npy(file("d.npy"));
        QVERIFY(npy.open(QIODevice::ReadOnly));
        const QByteArray bytes = npy.readAll();
        QVERIFY(bytes.startsWith("\x93NUMPY"));
        QVERIFY(bytes.contains(
            QString("(%1, %2)").arg(declared.steps.size()).arg(declared.steps.back().position + 1).toLatin1()));
        const Outcome without = run({"export", trace, "--run", "0", "--figure", "difference", "--against",
                                     file("none.spantrace"), "--png", file("d.png")});
        QCOMPARE(without.exitCode, 3);
        const Outcome far = run({"export", trace, "-m", m_model, "--step", "999", "--attention-csv", file("x.csv")});
        QCOMPARE(far.exitCode, 2);
        QVERIFY(!QFile::exists(file("x.csv")));
    }
};

QTEST_GUILESS_MAIN(TestCliExports)
#include "tst_cli_exports.moc"
