// `spanscope`: the window. Shown first; the model loads behind it.
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>
#include <QSettings>
#include <QStandardPaths>
#include <QTimer>
#include <cstdio>

#include "app/gui/recovery_folder.h"
#include "app/gui/screenshots.h"
#include "app/gui/system_theme.h"
#include "app/gui/wiring.h"
#include "app/runner/run_archive.h"
#include "app/runner/runner.h"
#include "engine/files/safe_text.h"
#include "engine/model/mapped_file_guard.h"
#include "engine/trace/exports/exports.h"
#include "kernels/program_folder.h"
#include "spanscope_version.h"
#include "ui/model/tint.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_files.h"
#include "ui/window/run_session.h"
#include "ui/window/theme.h"

namespace {

QString resource(const QString& name) {
    std::vector<std::string> roots = spanscope::resourceFolders();
    roots.insert(roots.end() - 1, SPANSCOPE_SOURCE_DIR "/resources");
    for (const std::string& root : roots) {
        const QFileInfo info(QString::fromStdString(root) + '/' + name);
        if (info.exists()) return info.canonicalFilePath();
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    QApplication app(argc, argv);
    spanscope::guardMappedFiles("spanscope", 3);  // the command line's code for a file that cannot be read
    QApplication::setApplicationName("spanscope");
    QApplication::setApplicationDisplayName("Spanscope");
    QApplication::setOrganizationName("spanscope");
    QApplication::setApplicationVersion(QString("%1 (%2)").arg(spanscope::kVersion, spanscope::kCommit));

    QCommandLineParser parser;
    parser.setApplicationDescription("Runs a language model that chooses its own attention span, and shows it.");
    parser.addHelpOption();
    parser.addVersionOption();
    const QCommandLineOption model({"m", "model"}, "Model folder or .gguf file to load at start.", "path");
    const QCommandLineOption device("device", "auto, cpu, cuda or reference; default: as it was the last time.", "name",
                                    "auto");
    QCommandLineOption screenshots("screenshots", "Save pictures of the main states into a folder and quit.", "folder");
    screenshots.setFlags(QCommandLineOption::HiddenFromHelp);
    parser.addOptions({model, device, screenshots});
    parser.addPositionalArgument("trace", "Trace to open.", "[trace]");
    parser.process(app);
    const auto asked = spanscope::deviceFromName(parser.value(device).toStdString());
    if (!asked) {
        std::fprintf(stderr, "spanscope: --device: no such device (found %s, expected auto, cpu, cuda or reference)\n",
                     spanscope::terminalSafe(parser.value(device).toStdString(), true).c_str());
        return 2;  // the command line's code for wrong usage
    }
    if (parser.isSet(model) && parser.value(model).isEmpty()) {
        std::fprintf(stderr, "spanscope: --model: an empty path\n");
        return 2;
    }
    if (parser.isSet(screenshots)) {  // the person's settings stay as they are
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setApplicationName("spanscope-screenshots");
        QSettings().clear();
    }

    spanscope::MainWindow::Setup setup;
    setup.tasks = spanscope::Runner::tasks();
    setup.vocabularies = spanscope::Runner::vocabularies();
    setup.version = QApplication::applicationVersion();
    setup.devices = spanscope::Runner::describeDevices();
    setup.bundledModels = spanscope::Runner::bundledModels(resource("models"));
    for (const QFileInfo& trace : QDir(resource("traces")).entryInfoList({"*.spantrace"}, QDir::Files))
        setup.sampleTraces << trace.absoluteFilePath();
    setup.dataExports = spanscope::dataExports();
    const QString ownData = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
    if (!parser.isSet(screenshots)) setup.conversationFile = ownData + "/conversation.json";
    setup.keepsRuns = !parser.isSet(screenshots);
    setup.systemDark = spanscope::isDark(QApplication::palette());
    setup.systemHighContrast = spanscope::isHighContrast(QApplication::palette());  // black on white, or the reverse
    spanscope::RunArchive archive(ownData + "/runs", {});  // outlives the window, whose last runs it still writes
    spanscope::MainWindow window(setup);
    spanscope::Runner runner;
    spanscope::wire(window, runner);
    spanscope::wire(window, archive);

    spanscope::SystemTheme theme;
    QObject::connect(&theme, &spanscope::SystemTheme::darkChanged, &window, &spanscope::MainWindow::setSystemDark);
    QObject::connect(&theme, &spanscope::SystemTheme::highContrastChanged, &window,
                     &spanscope::MainWindow::setSystemHighContrast);
    theme.watch();
    window.show();

    spanscope::RecoveryFolder recovery(ownData + "/recovery");
    window.files()->offerRecovery(recovery.takeInterrupted());
    runner.setRecoveryFolder(recovery.own());
    const auto choice = parser.isSet(device) ? *asked : window.models()->device();
    const QString path = parser.isSet(model)             ? QFileInfo(parser.value(model)).absoluteFilePath()
                         : setup.bundledModels.isEmpty() ? QString()
                                                         : setup.bundledModels.front().path;
    QTimer::singleShot(0, &window, [&] {
        if (!path.isEmpty()) window.models()->load({path, 0, choice});
        if (parser.isSet(screenshots)) {
            QApplication::exit(spanscope::takeScreenshots(window, parser.value(screenshots)) ? 0 : 1);
            return;
        }
        if (!parser.positionalArguments().isEmpty())
            window.openPath(QFileInfo(parser.positionalArguments().front()).absoluteFilePath());
        else window.startTourOnce();
        window.session()->restore();
    });
    return QApplication::exec();
}
