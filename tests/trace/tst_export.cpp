// Exports read back by readers written here (NPY, CSV) or by the libraries that define them (JSON, zip).
// Long: the readers stand here once for all formats.
#include <unzip.h>
#include <zlib.h>

#include <QRandomGenerator>
#include <QXmlStreamReader>
#include <QtTest>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/files/csv_cell.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/run_deflate.h"
#include "engine/trace/trace.h"
#include "engine/types/speed_up.h"
#include "tests/model/tiny_model.h"
#include "tests/reading/written_run.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

struct Npy {
    std::string descr, shape, data;
};

/// As numpy.load does it: magic, version, header length, a Python dict.
Npy parseNpy(const std::string& bytes) {
    Npy npy;
    if (bytes.compare(0, 8, std::string("\x93NUMPY\x01\x00", 8)) != 0) return npy;
    const size_t length = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
    const QString header = QString::fromStdString(bytes.substr(10, length));
    static const QRegularExpression dict(
        "^\\{'descr': '([^']+)', 'fortran_order': False, 'shape': (\\([^)]*\\)), \\} *\n$");
    const auto match = dict.match(header);
    if (!match.hasMatch() || (10 + length) % 64 != 0) return npy;
    return {match.captured(1).toStdString(), match.captured(2).toStdString(), bytes.substr(10 + length)};
}

/// RFC 4180.
std::vector<std::vector<std::string>> parseCsv(const std::string& text) {
    std::vector<std::vector<std::string>> rows(1, {""});
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
                rows.back().back() += '"';
                ++i;
            } else if (c == '"') {
                quoted = false;
            } else {
                rows.back().back() += c;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            rows.back().emplace_back();
        } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
            rows.emplace_back(1, "");
            ++i;
        } else {
            rows.back().back() += c;
        }
    }
    rows.pop_back();
    return rows;
}

void checkMask(const std::string& data, const RunData& run) {
    const size_t nContext = run.header.prompt.size() + run.steps.size();
    QCOMPARE(data.size(), run.steps.size() * nContext);
    for (size_t i = 0; i < run.steps.size(); ++i) {
        for (size_t k = 0; k < nContext; ++k) {
            const StepRecord& s = run.steps[i];
            const int expected = int(k) > s.position ? 0 : mayRead(*s.visible, s.position, int32_t(k)) ? 2 : 1;
            QCOMPARE(int(data[i * nContext + k]), expected);
        }
    }
}

}  // namespace

class TestExport : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;

  private slots:
    void maskNpy() {
        const RunData run = sampleRun();
        const std::string path = m_folder.file("m.npy");
        QVERIFY(exportMaskNpy({&run}, path).ok());
        const Npy npy = parseNpy(readFile(path));
        QCOMPARE(npy.descr, std::string("|u1"));
        QCOMPARE(npy.shape, std::string("(5, 11)"));
        checkMask(npy.data, run);
    }

    void maskNpz() {
        const RunData run = sampleRun();
        const std::string path = m_folder.file("m.npz");
        QVERIFY(exportMaskNpz({&run}, path).ok());
        std::map<std::string, Npy> arrays;
        unzFile zip = unzOpen64(path.c_str());
        QVERIFY(zip);
        for (int ok = unzGoToFirstFile(zip); ok == UNZ_OK; ok = unzGoToNextFile(zip)) {
            char name[64];
            unz_file_info64 info;
            QCOMPARE(unzGetCurrentFileInfo64(zip, &info, name, sizeof name, nullptr, 0, nullptr, 0), UNZ_OK);
            std::string bytes(info.uncompressed_size, '\0');
            QCOMPARE(unzOpenCurrentFile(zip), UNZ_OK);
            QCOMPARE(unzReadCurrentFile(zip, bytes.data(), unsigned(bytes.size())), int(bytes.size()));
            QCOMPARE(unzCloseCurrentFile(zip), UNZ_OK);  // checks the CRC
            arrays[name] = parseNpy(bytes);
        }
        unzClose(zip);
        checkMask(arrays["mask.npy"].data, run);
        QCOMPARE(arrays["tokens.npy"].shape, std::string("(11,)"));
        const auto* tokens = reinterpret_cast<const int32_t*>(arrays["tokens.npy"].data.data());
        QCOMPARE(tokens[0], 10);
        QCOMPARE(tokens[10], 24);
        const auto* attended = reinterpret_cast<const int32_t*>(arrays["attended.npy"].data.data());
        for (size_t i = 0; i < run.steps.size(); ++i) QCOMPARE(attended[i], run.steps[i].attended);
        const Npy& text = arrays["metadata.npy"];
        const QString metadata =
            QString::fromUcs4(reinterpret_cast<const char32_t*>(text.data.data()), qsizetype(text.data.size() / 4));
        QCOMPARE(text.descr, "<U" + std::to_string(text.data.size() / 4));
        const auto json = nlohmann::json::parse(metadata.toStdString());
        QCOMPARE(json["answer"].get<std::string>(), run.answer);
        QCOMPARE(json["run"]["settings"]["prompt_text"].get<std::string>(), run.header.settings.promptText);
    }

    void emptyRunsAreExported() {
        RunData run = sampleRun();
        run.steps.clear();
        run.segments.clear();
        run.violations.clear();
        QVERIFY(exportMaskNpy({&run}, m_folder.file("e.npy")).ok());
        QCOMPARE(parseNpy(readFile(m_folder.file("e.npy"))).shape, std::string("(0, 6)"));
        QVERIFY(exportMaskNpz({&run}, m_folder.file("e.npz")).ok());
        QVERIFY(exportSpansCsv({&run}, m_folder.file("e.csv")).ok());
        QCOMPARE(parseCsv(readFile(m_folder.file("e.csv"))).size(), size_t{1});
        QVERIFY(exportIntervalsJson({&run}, m_folder.file("e.json")).ok());
        QVERIFY(nlohmann::json::parse(readFile(m_folder.file("e.json")))["steps"].empty());
        QVERIFY(exportReportHtml({&run}, m_folder.file("e.html")).ok());
    }

    void spansCsv() {
        const RunData run = sampleRun();
        QVERIFY(exportSpansCsv({&run}, m_folder.file("s.csv")).ok());
        const auto rows = parseCsv(readFile(m_folder.file("s.csv")));
        size_t at = 1;
        for (const StepRecord& s : run.steps) {
            int n = 0;
            for (const Interval& i : *s.visible) {
                const Interval c = clipToQuery(i, s.position);
                if (c.begin >= c.end) continue;
                const auto& row = rows.at(at++);
                QCOMPARE(row.size(), rows[0].size());
                QCOMPARE(row[0], std::to_string(s.index));
                QCOMPARE(row[3], s.token.text == "=3\n" ? "'=3\n" : s.token.text);  // no formula
                QCOMPARE(row[4], std::string(phaseName(s.phase)));
                QCOMPARE(row[7], std::to_string(n++));
                QCOMPARE(row[8], std::to_string(c.begin));
                QCOMPARE(row[9], std::to_string(c.end));
                QCOMPARE(row[10], std::to_string(s.attended));
                QCOMPARE(std::stof(row[16]), s.logprob);
                QVERIFY(row[16].find(',') == std::string::npos);
            }
        }
        QCOMPARE(at, rows.size());
    }

    void segmentsCsv() {
        const RunData run = sampleRun();
        QVERIFY(exportSegmentsCsv({&run}, m_folder.file("g.csv")).ok());
        const auto rows = parseCsv(readFile(m_folder.file("g.csv")));
        QCOMPARE(rows.size(), size_t{4});
        QCOMPARE(rows[2][1], std::string("out"));
        QCOMPARE(rows[2][2], std::string("1"));
        QCOMPARE(rows[2][7], std::string("in:5!"));
        QCOMPARE(rows[3][4], std::string("11"));  // open: ends where the run does
        QCOMPARE(rows[3][7], std::string("out:1"));
        QCOMPARE(rows[3][8], std::string("3"));
        int64_t attended = 0;
        for (size_t i = 1; i < rows.size(); ++i) attended += std::stoll(rows[i][11]);
        QCOMPARE(attended, run.stats.attendedTokens);
    }

    /// What each segment says and whether it is right, the same in every export; ids of every token.
    void checksAndTokens() {
        std::string response =
            "<out>1<:><attend></attend>12+7<local>++27901010=19\n<out>2<:><attend></attend>3-8<local>-38-8350=-6\n";
        RunData run = written::run("expression", "(12@1+7)@3*(3@2-8)\n", response);
        run.header.exactAnswer = "-95";
        run.answer = "-6";
        QVERIFY(exportSegmentsCsv({&run}, m_folder.file("g.csv")).ok());
        const auto rows = parseCsv(readFile(m_folder.file("g.csv")));
        QCOMPARE(rows[0].size(), rows[3].size());
        QCOMPARE(rows[0][16], std::string("says"));
        QCOMPARE(rows[2][16], std::string("1: 12 + 7 = 19"));
        QCOMPARE(rows[2][17], std::string("right"));
        QCOMPARE(rows[3][17], std::string("wrong value"));
        QCOMPARE(rows[3][18], std::string("3 \u2212 8 = \u22125"));
        QVERIFY(exportIntervalsJson({&run}, m_folder.file("i.json")).ok());
        const auto json = nlohmann::json::parse(readFile(m_folder.file("i.json")));
        QCOMPARE(json["checks"].size(), size_t{2});
        QCOMPARE(json["checks"][1]["verdict"], "wrong value");
        QVERIFY(exportTranscriptMarkdown({&run}, m_folder.file("t.md")).ok());
        const QString page = QString::fromStdString(readFile(m_folder.file("t.md")));
        for (const char* text :
             {"**Answer:** -6 \u2717 (wrong: the exact value is -95)", "**Checked:** 1 of 2 lines right",
              "\n1: 12 + 7 = 19  \u2713\n", "<local>++27901010=19", "| wrong value: 3 \u2212 8 = \u22125 |"})
            QVERIFY2(page.contains(QString::fromUtf8(text)), text);
        QVERIFY(exportReportHtml({&run}, m_folder.file("r.html")).ok());
        const QString html = QString::fromStdString(readFile(m_folder.file("r.html")));
        QVERIFY(html.contains("<span class=\"wrong\">") && html.contains(QString::fromUtf8("2: </span>3 \u2212 8")));
        QVERIFY(exportTokensCsv({&run}, m_folder.file("k.csv")).ok());
        const auto tokens = parseCsv(readFile(m_folder.file("k.csv")));
        QCOMPARE(tokens.size(), 1 + run.header.prompt.size() + run.steps.size());
        for (size_t i = 0; i < run.steps.size(); ++i) {
            const auto& row = tokens[1 + run.header.prompt.size() + i];
            QCOMPARE(row[1], std::to_string(i));
            QCOMPARE(row[2], std::to_string(run.steps[i].token.id));
        }
        run.stats.stop = StopReason::Cancelled;
        QVERIFY(exportTranscriptMarkdown({&run}, m_folder.file("t.md")).ok());
        QVERIFY(readFile(m_folder.file("t.md")).find("**Answer:** none, cancelled\n") != std::string::npos);
    }

    void intervalsJson() {
        const RunData run = sampleRun();
        QVERIFY(exportIntervalsJson({&run}, m_folder.file("i.json")).ok());
        const auto json = nlohmann::json::parse(readFile(m_folder.file("i.json")));
        QCOMPARE(json["steps"].size(), run.steps.size());
        for (size_t i = 0; i < run.steps.size(); ++i) {
            int64_t n = 0;
            for (const auto& pair : json["steps"][i]["intervals"]) n += pair[1].get<int64_t>() - pair[0].get<int64_t>();
            QCOMPARE(n, run.steps[i].attended);
        }
        QCOMPARE(json["stats"]["stop"], "eos");
    }

    void markdown() {
        RunData run = sampleRun();
        run.steps[2].token.text = "```\nfence";
        QVERIFY(exportTranscriptMarkdown({&run}, m_folder.file("t.md")).ok());
        const QString page = QString::fromStdString(readFile(m_folder.file("t.md")));
        QVERIFY(page.contains("\n````text\n"));  // longer than the fence inside
        QVERIFY(page.contains("**Answer:** 3"));
        QVERIFY(page.contains("unknown label"));
        QVERIFY(page.contains("18446744073709551615"));
    }

    void html() {
        const RunData run = sampleRun(), dense = sampleRun(4, MaskPolicySpec::dense());
        const std::string path = m_folder.file("r.html");
        QVERIFY(exportReportHtml({&run, &dense}, path,
                                 {{}, {}, [](const RunData&) { return std::string("\x89PNG not really"); }})
                    .ok());
        const QString page = QString::fromStdString(readFile(path));
        // Nothing of a person's or a model's text may become markup, or end the data block.
        QVERIFY(!page.contains("</script> &"));
        QVERIFY(page.contains("1+2 &quot;quoted&quot;, &lt;/script&gt; &amp; &lt;b&gt;"));
        QCOMPARE(page.count("<script"), page.count("</script>"));
        // Self-contained: no address is fetched.
        static const QRegularExpression remote("(src|href)\\s*=\\s*\"(?!data:)");
        QVERIFY(!page.contains(remote));
        QVERIFY(!page.contains("@import") && !page.contains("url("));
        QVERIFY(page.contains("data:image/png;base64,iVBORyBub3Q"));
        QVERIFY(page.contains("prefers-color-scheme"));
        // The data block is JSON and says what the run says.
        const QString open = "<script type=\"application/json\" id=\"run\">";
        const qsizetype begin = page.indexOf(open) + open.size();
        const auto json =
            nlohmann::json::parse(page.mid(begin, page.indexOf("</script>", begin) - begin).toStdString());
        QCOMPARE(json["nPrompt"], 6);
        QCOMPARE(json["steps"].size(), run.steps.size());
        for (size_t i = 0; i < run.steps.size(); ++i) {
            int64_t n = 0;
            for (const auto& pair : json["masks"][json["steps"][i][0].get<size_t>()]) {
                const int64_t end = pair[1].get<int64_t>() < 0
                                        ? run.steps[i].causal
                                        : std::min<int64_t>(pair[1].get<int64_t>(), run.steps[i].causal);
                n += end - pair[0].get<int64_t>();
            }
            QCOMPARE(n, run.steps[i].attended);
        }
        QCOMPARE(json["segments"].size(), run.segments.size());
        for (size_t i = 0; i < run.segments.size(); ++i) {
            QCOMPARE(json["segments"][i][1].get<int>(), int(run.segments[i].kind));
            QCOMPARE(json["segments"][i][2].get<int>(), run.segments[i].begin);
        }
        // The legend names the phases that the run has, and no others.
        for (const Phase phase :
             {Phase::Declare, Phase::Global, Phase::Focus, Phase::Local, Phase::Close, Phase::Free}) {
            const bool there = std::any_of(run.steps.begin(), run.steps.end(),
                                           [phase](const StepRecord& s) { return s.phase == phase; });
            QCOMPARE(page.contains(QString("<i class=\"k-%1\"></i>attended: %1").arg(phaseName(phase))), there);
        }
        QCOMPARE(page.count("class=\"t\"") + page.count("class=\"t "),
                 qsizetype(run.header.prompt.size() + run.steps.size()));
    }

    void speedUpCountsStepsThatBothHave() {
        RunData declared = sampleRun(), dense = sampleRun(4, MaskPolicySpec::dense());
        for (StepRecord& s : dense.steps) s.atNs *= 3;
        dense.stats.decodeNs *= 3;
        SpeedUp up = speedUp(declared, dense);
        QVERIFY(std::abs(up.factor - 3) < 1e-9);
        QVERIFY(up.sameLength() && up.note().empty());
        // The dense run ends two steps earlier, and the declared run's last steps are slow ones: they count for
        // nothing.
        dense.steps.resize(3);
        dense.stats.responseTokens = 4;
        for (size_t i = 3; i < declared.steps.size(); ++i) declared.steps[i].atNs *= 100;
        declared.stats.decodeNs = declared.steps.back().atNs;
        up = speedUp(declared, dense);
        QVERIFY(std::abs(up.factor - 3) < 1e-9);
        QCOMPARE(up.nSteps, 3);
        QCOMPARE(up.note(), std::string("over the first 3 steps, which both have; declared took 5, dense 3"));
        QVERIFY(exportReportHtml({&declared, &dense}, m_folder.file("s.html")).ok());
        const QString page = QString::fromStdString(readFile(m_folder.file("s.html")));
        QVERIFY(page.contains("<span>Speed-up</span><b>3.00x</b>"));
        QVERIFY(page.contains("over the first 3 steps, which both have"));
        // Only a run and its dense twin are compared: no two of one mode, no two prompts.
        RunData other = dense;
        other.header.settings.attention = MaskPolicySpec::declared();
        QCOMPARE(speedUp(declared, other).factor, 0.0);
        QCOMPARE(speedUp(dense, other).factor, 0.0);
        other = dense;
        other.header.formattedPrompt = "2+@1 2\n";
        QCOMPARE(speedUp(declared, other).factor, 0.0);
        dense.steps.resize(1);
        QCOMPARE(speedUp(declared, dense).factor, 0.0);
        QVERIFY(speedUp(declared, dense).note().empty());
    }

    /// The table is what dialog, command line and manual are made from: every row stands for itself and writes a file.
    void everyRowWritesItsFile() {
        const RunData run = sampleRun(), dense = sampleRun(4, MaskPolicySpec::dense());
        StepProbe probe;
        probe.dense = probe.restricted = {0.5F, 0.5F};
        probe.nLayers = probe.nHeads = 1;
        probe.massKept = probe.massKeptNoSink = {1};
        DivergenceCurve curve;
        curve.klNats.assign(run.steps.size(), 0.1F);
        curve.sameTop.assign(run.steps.size(), 1);
        curve.topDense.assign(run.steps.size(), 3);
        curve.topRestricted.assign(run.steps.size(), 3);
        const ExportSource all{&run, &dense, &probe, &curve};
        std::set<std::string> titles, endings, options;
        for (const DataExport& row : dataExports()) {
            QVERIFY2(titles.insert(row.title).second && endings.insert(row.ending).second, row.title);
            for (const QString& option : QString(row.option).split(',')) {
                QVERIFY2(option.startsWith("--"), row.option);
                QVERIFY2(options.insert(option.toStdString()).second, row.option);
            }
            QVERIFY2(row.about[0] && !QString(row.about).contains('\n') && !QString(row.about).contains('|'),
                     row.title);
            QCOMPARE(hasWhatIsNeeded({&run}, row.needs), row.needs == ExportNeeds::Nothing);
            QVERIFY(hasWhatIsNeeded(all, row.needs));
            const std::string path = m_folder.file(("row." + std::string(row.ending)).c_str());
            const Status written = row.write(all, path, {});
            QVERIFY2(written.ok(), written.ok() ? "" : written.error().toString().c_str());
            QVERIFY2(readFile(path).size() > 20, row.title);
            QVERIFY2(!row.write(all, m_folder.file("missing/row"), {}).ok(), row.title);
        }
    }

    void whatCannotBeWrittenLeavesNothing() {
        const RunData run = sampleRun();
        const std::string path = m_folder.file("missing/x.npy");
        for (const Status& ok : {exportMaskNpy({&run}, path), exportMaskNpz({&run}, path), exportSpansCsv({&run}, path),
                                 exportReportHtml({&run}, path)}) {
            QVERIFY(!ok.ok());
            QCOMPARE(ok.error().code, ErrorCode::Io);
        }
        QCOMPARE(QDir(QString::fromStdString(m_folder.path())).entryList({"*.part"}, QDir::Files).size(), 0);
    }

    void bytesBeyondCountingAreTheLargestNumber() {
        RunStats s;
        s.loadedTokens = int64_t{1} << 60;
        s.kvBytesPerToken = int64_t{1} << 40;
        QCOMPARE(s.kvLoadedBytes(), INT64_MAX);
        s.loadedTokens = 3;
        QCOMPARE(s.kvLoadedBytes(), int64_t{3} << 40);
    }

    void foldersAndDevicesStayWhatTheyAre() {
        const RunData run = sampleRun();
        // A folder is refused before anything is written, and nothing of a run that could be lost is begun.
        const auto trace = TraceWriter::create(m_folder.path());
        QVERIFY(!trace.ok());
        QCOMPARE(trace.error().code, ErrorCode::Io);
        QVERIFY(QString::fromStdString(trace.error().toString()).contains("folder"));
        QVERIFY(!QFile::exists(QString::fromStdString(m_folder.path()) + ".part"));
        // A device takes what is written; no file takes its place. (A link, so that a failing test breaks no machine.)
        const QString device = QString::fromStdString(m_folder.file("device"));
        QVERIFY(QFile::link("/dev/null", device));
        QVERIFY(exportSpansCsv({&run}, device.toStdString()).ok());
        QVERIFY(writeTrace(device.toStdString(), {&run}).ok());
        const Status npz = exportMaskNpz({&run}, device.toStdString());  // a zip is written with steps back
        QVERIFY(!npz.ok());
        QVERIFY(QFileInfo(device).isSymLink());
        QVERIFY(!QFile::exists(device + ".part"));
    }

    /// Text that does something elsewhere: in a spreadsheet, in XML, in Markdown.
    static RunData hostileRun() {
        RunData run = sampleRun();
        const std::string text =
            std::string("\x01\x08\x0b\x1b[31m\x7f\xc2\x9b\xef\xbf\xbe\xff\xed\xa0\x80<&\">|`*[x](y) ]]> --> \u202e") +
            '\0' + "end";
        for (std::string* field : {&run.header.modelName, &run.header.device, &run.header.machine,
                                   &run.header.programVersion, &run.header.warning, &run.header.settings.task,
                                   &run.header.settings.promptText, &run.header.formattedPrompt, &run.answer})
            *field = text;
        for (TokenInfo& t : run.header.prompt) t.text = text;
        for (StepRecord& s : run.steps) s.token.text = text;
        for (ProtocolViolation& v : run.violations) v.effect = text;
        return run;
    }

    /// Characters that XML 1.0 does not have (2.2), and C1.
    static bool hasControls(const QString& text) {
        for (const QChar c : text)
            if ((c < QChar(0x20) && c != '\n' && c != '\t' && c != '\r') || (c >= QChar(0x7F) && c < QChar(0xA0)) ||
                c >= QChar(0xFFFE))
                return true;
        return false;
    }

    void pagesAreWellFormedWhateverTheTextIs() {
        const RunData run = hostileRun();
        QVERIFY(exportReportHtml({&run}, m_folder.file("h.html")).ok());
        QVERIFY(exportTranscriptMarkdown({&run}, m_folder.file("h.md")).ok());
        for (const char* name : {"h.html", "h.md"}) {
            const std::string bytes = readFile(m_folder.file(name));
            const QString page = QString::fromUtf8(bytes.data(), qsizetype(bytes.size()));
            QCOMPARE(page.toStdString(), bytes);  // UTF-8, whatever the tokens were
            QVERIFY2(!hasControls(page), name);
            QVERIFY(page.contains("end"));  // nothing is cut at a NUL
        }
        // As XML, which forgives nothing: the page's own markup is closed, scripts and styles aside.
        QString page = QString::fromStdString(readFile(m_folder.file("h.html")));
        static const QRegularExpression blocks("<(script|style)[^>]*>.*?</\\1>",
                                               QRegularExpression::DotMatchesEverythingOption),
            empty("<(meta|img|br|hr)([^>]*)>");
        page.remove(blocks).replace(empty, "<\\1\\2/>").remove("<!DOCTYPE html>");
        QXmlStreamReader xml(page);
        while (!xml.atEnd()) xml.readNext();
        QVERIFY2(!xml.hasError(), qPrintable(xml.errorString() + " at " + page.mid(xml.characterOffset() - 60, 120)));
        // Markdown: every row of a table has as many columns as its head; nothing of the text is a link or an element.
        const QString md = QString::fromStdString(readFile(m_folder.file("h.md")));
        static const QRegularExpression bar("(?<!\\\\)\\|");
        qsizetype columns = -1;
        for (const QString& line : md.split('\n')) {
            columns = line.startsWith('|') ? (columns < 0 ? line.count(bar) : columns) : -1;
            if (columns >= 0) QCOMPARE(line.count(bar), columns);
        }
        const QString prose = md.section("## Segments", 1);
        QVERIFY(!prose.contains("[x](y)") && !prose.contains("<&"));
    }

    void cellsAreNoFormulas_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("cell");
        for (const char* formula : {"=1+1", "+1+1", "-1+1", "@SUM(A1)", "=", "-", "+", "-cmd|' /C calc'!A0", "+5"})
            QTest::newRow(formula) << QString(formula) << "'" + QString(formula);
        QTest::newRow("tab") << "\t=1"
                             << "'\t=1";
        QTest::newRow("carriage return") << "\r=1"
                                         << "\"'\r=1\"";
        QTest::newRow("newline") << "\n=1"
                                 << "\"'\n=1\"";
        QTest::newRow("quoted all the same") << "=A1,\"x\""
                                             << "\"'=A1,\"\"x\"\"\"";
        for (const char* plain : {"", "12", "-12", "-0.5", "-1e-7", "a=b", "<out>", "'=1"})
            QTest::newRow(plain[0] ? plain : "empty") << QString(plain) << QString(plain);
    }

    void cellsAreNoFormulas() {
        QFETCH(QString, text);
        QFETCH(QString, cell);
        QCOMPARE(QString::fromStdString(csvCell(text.toStdString())), cell);
        RunData run = sampleRun();
        for (StepRecord& s : run.steps) s.token.text = text.toStdString();
        QVERIFY(exportSpansCsv({&run}, m_folder.file("f.csv")).ok());
        const auto rows = parseCsv(readFile(m_folder.file("f.csv")));
        for (size_t r = 1; r < rows.size(); ++r) {
            QVERIFY(rows[r][3].empty() || !QString("=+@\t\r\n").contains(QChar(rows[r][3][0])));
            QVERIFY(std::stod(rows[r][16]) <= 0);  // numbers stay numbers: every logarithm here is negative
        }
    }

    /// Inflated again by zlib, the runs are the bytes that they stood for; the sum is that of the bytes.
    void runsAreTheSameBytes() {
        QRandomGenerator random(7);
        for (int round = 0; round < 200; ++round) {
            std::string packed, expected;
            trace::RunDeflate deflate([&](std::string_view bytes) { packed += bytes; });
            const int n = random.bounded(1, 30);
            for (int i = 0; i < n; ++i) {
                if (random.bounded(4) == 0) {
                    std::string text(random.bounded(round % 10 == 0 ? 200000U : 3000U), '\0');
                    for (char& c : text) c = static_cast<char>(random.bounded(256));
                    deflate.bytes(text);
                    expected += text;
                } else {
                    const auto length =
                        static_cast<size_t>(std::pow(2.0, random.bounded(round % 10 == 0 ? 21.5 : 14.0)));
                    const auto value = static_cast<uint8_t>(random.bounded(3));
                    deflate.run(value, length);
                    expected.append(length, static_cast<char>(value));
                }
            }
            QVERIFY(deflate.finish());
            QCOMPARE(deflate.nBytes(), expected.size());
            QCOMPARE(uLong(deflate.crc()),
                     crc32_z(0, reinterpret_cast<const Bytef*>(expected.data()), expected.size()));
            std::string unpacked(expected.size() + 64, '\0');
            z_stream in{};
            QCOMPARE(inflateInit2(&in, -MAX_WBITS), Z_OK);
            in.next_in = reinterpret_cast<Bytef*>(packed.data());
            in.avail_in = static_cast<uInt>(packed.size());
            in.next_out = reinterpret_cast<Bytef*>(unpacked.data());
            in.avail_out = static_cast<uInt>(unpacked.size());
            const int end = inflate(&in, Z_FINISH);
            unpacked.resize(in.total_out);
            inflateEnd(&in);
            QCOMPARE(end, Z_STREAM_END);
            QVERIFY(unpacked == expected);
        }
    }

    /// A mask costs its runs, not its cells: 16 times as many cells in 4 times the steps.
    void packingALongRunIsLinear() {
        const auto longRun = [](int32_t nSteps) {
            RunData run = sampleRun();
            const StepRecord first = run.steps[0];
            run.steps.clear();
            for (int32_t i = 0; i < nSteps; ++i) {
                StepRecord s = first;
                s.index = i;
                s.position = first.position + i;
                s.visible = std::make_shared<const IntervalList>(
                    IntervalList{{0, 2}, {s.position / 2 + 2, s.position / 2 + 3}, {s.position, kOpenEnd}});
                run.steps.push_back(std::move(s));
            }
            return run;
        };
        std::array<double, 2> seconds{};
        for (int k : {0, 1}) {
            const RunData run = longRun(k == 0 ? 8000 : 32000);
            double best = 1e9;
            for (int turn = 0; turn < 3; ++turn) {
                QElapsedTimer clock;
                clock.start();
                QVERIFY(exportMaskNpz({&run}, m_folder.file("long.npz")).ok());
                best = std::min(best, double(clock.nsecsElapsed()) * 1e-9);
            }
            seconds[size_t(k)] = best;
        }
        QVERIFY2(seconds[1] < 8 * seconds[0] + 0.5, qPrintable(QString("%1 s, %2 s").arg(seconds[0]).arg(seconds[1])));
        QVERIFY(QFileInfo(QString::fromStdString(m_folder.file("long.npz"))).size() < 32 << 20);
    }

    void exportsCanBeStopped() {
        const RunData run = sampleRun();
        for (const auto make : {exportMaskNpy, exportMaskNpz}) {
            const Status stopped = make({&run}, m_folder.file("stopped"), {[](double) { return false; }, {}, {}});
            QVERIFY(!stopped.ok());
            QCOMPARE(stopped.error().code, ErrorCode::Cancelled);
            QVERIFY(!QFile::exists(QString::fromStdString(m_folder.file("stopped"))));
        }
        QCOMPARE(QDir(QString::fromStdString(m_folder.path())).entryList({"*.part"}, QDir::Files).size(), 0);
    }

    void failuresOfNpzSayWhy() {
        const RunData run = sampleRun();
        const Status missing = exportMaskNpz({&run}, m_folder.file("missing/x.npz"));
        QVERIFY(!missing.ok() && QString::fromStdString(missing.error().toString()).contains("No such file"));
        const Status full = exportMaskNpz({&run}, "/dev/full");
        QVERIFY(!full.ok() && QString::fromStdString(full.error().toString()).contains("needs a file"));
    }

    void linksStayLinks() {
        const RunData run = sampleRun();
        const QString file = QString::fromStdString(m_folder.file("behind")),
                      link = QString::fromStdString(m_folder.file("link"));
        QVERIFY(QFile::link(file, link));
        for (int turn = 0; turn < 2; ++turn) {  // first the link leads nowhere
            QVERIFY(exportMaskNpz({&run}, link.toStdString()).ok());
            QVERIFY(exportSpansCsv({&run}, link.toStdString()).ok());
            QVERIFY(QFileInfo(link).isSymLink());
            QVERIFY(QFileInfo(file).isFile() && !QFileInfo(file).isSymLink() && QFileInfo(file).size() > 0);
        }
        QVERIFY(!QFile::exists(link + ".part") && !QFile::exists(file + ".part"));
    }
};

QTEST_GUILESS_MAIN(TestExport)
#include "tst_export.moc"
