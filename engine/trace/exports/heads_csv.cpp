#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"

namespace spanscope {

Status exportHeadsCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const StepProbe& probe = *source.probe;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,layer,head,mass_kept,mass_kept_without_first\r\n");
    CsvRow row;
    for (int32_t l = 0; l < probe.nLayers; ++l)
        for (int32_t h = 0; h < probe.nHeads; ++h) {
            const auto i = static_cast<size_t>(l * probe.nHeads + h);
            if (i >= probe.massKept.size() || i >= probe.massKeptNoSink.size()) continue;
            row << probe.step << l << h << shortDecimal(double(probe.massKept[i]), 9)
                << shortDecimal(double(probe.massKeptNoSink[i]), 9);
            file->write(row.take());
        }
    return file->commit();
}

}  // namespace spanscope
