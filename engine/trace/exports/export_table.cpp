#include <array>

#include "engine/trace/exports/exports.h"

namespace spanscope {

std::span<const DataExport> dataExports() {
#define SPANSCOPE_DATA_EXPORT(write, title, ending, option, about, needs) \
    DataExport{title, ending, option, about, ExportNeeds::needs, write},
    static constexpr auto kRows = std::to_array({SPANSCOPE_DATA_EXPORTS(SPANSCOPE_DATA_EXPORT)});
#undef SPANSCOPE_DATA_EXPORT
    return kRows;
}

}  // namespace spanscope
