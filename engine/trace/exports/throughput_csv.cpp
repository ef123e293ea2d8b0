#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/types/throughput_series.h"

namespace spanscope {

Status exportThroughputCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    ThroughputSeries first, second;
    first.update(*source.run);
    if (source.other) second.update(*source.other);
    const auto [firstName, secondName] = laneNames(*source.run, source.other);
    return writeFile(path, throughputCsv(first, source.other ? &second : nullptr, firstName, secondName));
}

}  // namespace spanscope
