// ROUGE and its stemmer against the Python packages (tests/fixtures/rouge, made by make_rouge.py beside them).
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>
#include <cmath>

#include "engine/training/porter_stem.h"
#include "engine/training/rouge.h"

using namespace spanscope;

class TestRouge : public QObject {
    Q_OBJECT
  private slots:
    void byHand() {
        // reference "the cat sat on the mat", candidate "the cat on a mat": 4 words shared, 1 pair, LCS 4
        const RougeScores s = rouge("The cat sat on the mat.", "the cat on a mat", false);
        QCOMPARE(s.rouge1.precision, 4.0 / 5);
        QCOMPARE(s.rouge1.recall, 4.0 / 6);
        QCOMPARE(s.rouge2.precision, 1.0 / 4);
        QCOMPARE(s.rouge2.recall, 1.0 / 5);
        QCOMPARE(s.rougeL.precision, 4.0 / 5);
        QCOMPARE(s.rougeL.recall, 4.0 / 6);
    }

    void likeThePackage() {
        QFile file(QStringLiteral(SPANSCOPE_SOURCE_DIR "/tests/fixtures/rouge/rouge.jsonl"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        int n = 0;
        while (!file.atEnd()) {
            const QJsonObject row = QJsonDocument::fromJson(file.readLine()).object();
            const RougeScores s = rouge(row["reference"].toString().toStdString(),
                                        row["candidate"].toString().toStdString(), row["stem"].toBool());
            const auto same = [&](const char* key, const RougeScore& score) {
                const QJsonArray want = row[QLatin1String(key)].toArray();
                const double got[3] = {score.precision, score.recall, score.f1};
                for (int i = 0; i < 3; ++i)
                    if (std::fabs(want[i].toDouble() - got[i]) > 1e-12) {
                        qWarning() << key << i << want[i].toDouble() << got[i] << row["candidate"].toString();
                        return false;
                    }
                return true;
            };
            QVERIFY(same("rouge1", s.rouge1));
            QVERIFY(same("rouge2", s.rouge2));
            QVERIFY(same("rougeL", s.rougeL));
            ++n;
        }
        QVERIFY(n > 150);
    }

    void stems() {
        QFile file(QStringLiteral(SPANSCOPE_SOURCE_DIR "/tests/fixtures/rouge/stems.txt"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        int n = 0;
        while (!file.atEnd()) {
            const QList<QByteArray> row = file.readLine().trimmed().split(' ');
            QCOMPARE(row.size(), 2);
            const std::string stem = porterStem(row[0].toStdString());
            QVERIFY2(stem == row[1].toStdString(),
                     (row[0] + ": " + QByteArray::fromStdString(stem) + ", expected " + row[1]).constData());
            ++n;
        }
        QVERIFY(n > 1400);
    }
};

QTEST_GUILESS_MAIN(TestRouge)
#include "tst_rouge.moc"
