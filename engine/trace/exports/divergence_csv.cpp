#include <algorithm>

#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"

namespace spanscope {

Status exportDivergenceCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    const DivergenceCurve& curve = *source.curve;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,position,token_id,token,phase,kl_nats,same_choice,dense_choice,own_choice,mass_kept\r\n");
    CsvRow row;
    const size_t n = std::min({run.steps.size(), curve.klNats.size(), curve.sameTop.size(), curve.topDense.size(),
                               curve.topRestricted.size()});
    for (size_t i = 0; i < n; ++i) {
        const StepRecord& s = run.steps[i];
        row << s.index << s.position << s.token.id << s.token.text << phaseName(s.phase)
            << shortDecimal(double(curve.klNats[i]), 9) << int64_t{curve.sameTop[i]} << curve.topDense[i]
            << curve.topRestricted[i];
        if (i < curve.massKept.size()) row << shortDecimal(double(curve.massKept[i]), 9);
        else row << std::string();
        file->write(row.take());
    }
    return file->commit();
}

}  // namespace spanscope
