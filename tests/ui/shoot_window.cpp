// Pictures of the window's states: to look at, or, with the folder tests/ui/pictures, to commit as what
// tst_window_pictures compares with. shoot_window FOLDER
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
    if (argc < 2) return std::fprintf(stderr, "usage: shoot_window FOLDER\n"), 2;
    const QString folder = argv[1];
    QDir().mkpath(folder);
    spanscope::sample::eachWindowState([&](const QString& name, spanscope::MainWindow& window) {
        window.grab().toImage().scaledToWidth(720, Qt::SmoothTransformation).save(folder + '/' + name + ".png");
    });
    return 0;
}
