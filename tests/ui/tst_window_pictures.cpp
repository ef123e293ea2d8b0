// The window's main states, light and dark, against committed pictures (made by shoot_window). Compared as small grey
// tiles, so that fonts and antialiasing may differ a little and a missing panel, a wrong theme or a black plot may not.
#include <QStandardPaths>
#include <QtTest>

#include "tests/ui/window_states.h"

using namespace spanscope;

class TestWindowPictures : public QObject {
    Q_OBJECT
  private slots:
    void statesLookAsTheyDid() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-pictures");
        QApplication::setOrganizationName("spanscope-pictures");
        int nStates = 0;
        sample::eachWindowState([&](const QString& name, MainWindow& window) {
            const QString path = QStringLiteral(SPANSCOPE_SOURCE_DIR "/tests/ui/pictures/%1.png").arg(name);
            const QImage wanted(path);
            QVERIFY2(!wanted.isNull(), qPrintable(path));
            const QImage found = window.grab().toImage();
            // 8 x 8 tiles of about 180 x 112 pixels would hide too much, single pixels too little.
            constexpr int kColumns = 48, kRows = 30;
            const QImage a = wanted.convertToFormat(QImage::Format_RGB32)
                                 .scaled(kColumns, kRows, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
            const QImage b = found.convertToFormat(QImage::Format_RGB32)
                                 .scaled(kColumns, kRows, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
            double sum = 0;
            int nBad = 0;
            for (int y = 0; y < kRows; ++y)
                for (int x = 0; x < kColumns; ++x) {
                    const QColor p = a.pixelColor(x, y), q = b.pixelColor(x, y);
                    const int d = std::max(
                        {std::abs(p.red() - q.red()), std::abs(p.green() - q.green()), std::abs(p.blue() - q.blue())});
                    sum += d;
                    nBad += d > 40;
                }
            const double mean = sum / (kColumns * kRows);
            qInfo("%s: mean difference %.2f of 255, %d tiles far off", qPrintable(name), mean, nBad);
            if (mean >= 6 || nBad >= kColumns * kRows / 25)
                found.save(QDir::temp().filePath("spanscope-" + name + ".png"));
            QVERIFY2(
                mean < 6 && nBad < kColumns * kRows / 25,
                qPrintable(QString("%1 looks different (saved in %2); run shoot_window tests/ui/pictures if it should")
                               .arg(name, QDir::tempPath())));
            ++nStates;
        });
        QCOMPARE(nStates, 15);
    }
};

QTEST_MAIN(TestWindowPictures)
#include "tst_window_pictures.moc"
