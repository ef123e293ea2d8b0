// eval --shapes: a row for every cell of shape, size and digits.
#pragma once

#include <memory>

#include "app/cli/log.h"
#include "app/cli/options.h"
#include "engine/model/model.h"

namespace spanscope::cli {

/// Exit code. --task narrows it to one task; otherwise every task of the model that has cells.
int evalShapes(const EvalOptions& o, const std::shared_ptr<const Model>& model, const Log& log);

}  // namespace spanscope::cli
