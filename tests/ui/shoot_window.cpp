// Pictures of the window's states: to look at, or, with the folder tests/ui/pictures, to commit as what
// tst_window_pictures compares with. shoot_window FOLDER [WIDTH HEIGHT]; with a size they are as large as the window.
#include <QDir>
#include <QStandardPaths>
#include <cstdio>

#include "tests/ui/window_states.h"

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QStandardPaths::setTestModeEnabled(true);
    QApplication app(argc, argv);
    QApplication::setApplicationName("spanscope-shoot");
    QApplication::setOrganizationName("spanscope-shoot");
    const QSize size = argc > 3 ? QSize(QString(argv[2]).toInt(), QString(argv[3]).toInt()) : QSize(1440, 900);
    if (argc < 2 || argc == 3 || size.isEmpty())
        return std::fprintf(stderr, "usage: shoot_window FOLDER [WIDTH HEIGHT]\n"), 2;
    const QString folder = argv[1];
    QDir().mkpath(folder);
    spanscope::sample::eachWindowState(
        [&](const QString& name, spanscope::MainWindow& window) {
            const QImage image = window.grab().toImage();
            (argc > 3 ? image : image.scaledToWidth(720, Qt::SmoothTransformation)).save(folder + '/' + name + ".png");
        },
        size);
    return 0;
}
