// The engine's exports as the export dialog lists them.
#pragma once

#include <QVector>

#include "ui/export/export_dialog.h"

namespace spanscope {

QVector<DataExport> dataExports();

}  // namespace spanscope
