// The figures of a run as text, with their definitions, for every report: one wording everywhere.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

struct Figure {
    std::string name, value, meaning;
};

std::vector<Figure> reportFigures(const RunData& run);

/// Program, model and hash, machine, backend, settings, seed.
std::vector<std::pair<std::string, std::string>> provenance(const RunData& run);

}  // namespace spanscope
