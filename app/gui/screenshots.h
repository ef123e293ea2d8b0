// Pictures of the program's main states, made by the program itself with its bundled model: `spanscope --screenshots
// FOLDER` (resources/screenshots/make.sh).
#pragma once

#include <QString>

namespace spanscope {

class MainWindow;

/// Drives the window like a person would and saves what it shows. False, with a line on stderr, if a run fails.
bool takeScreenshots(MainWindow& window, const QString& folder);

}  // namespace spanscope
