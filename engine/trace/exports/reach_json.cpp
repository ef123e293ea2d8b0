#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/trace_json.h"
#include "engine/types/interval_algebra.h"
#include "engine/types/reach.h"

namespace spanscope {

Status exportReachJson(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    using trace::OutJson;
    const Reach reach = reachOf(run, source.chosenStep());
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("{\"format\": \"spanscope-reach\", \"version\": 1,\n\"run\": ");
    file->write(trace::toLine(trace::headerJson(run.header)));
    file->write(",\n\"step\": " + std::to_string(reach.step) + ", \"position\": " + std::to_string(reach.position) +
                ", \"layers\": " + (reach.nLayers > 0 ? std::to_string(reach.nLayers) : "null") + ",\n\"hops\": [");
    const char* separator = "\n";
    for (size_t k = 0; k < reach.hops.size(); ++k) {
        file->write(separator + trace::toLine(OutJson{{"in_between", k},
                                                      {"tokens", nTokens(reach.hops[k])},
                                                      {"intervals", trace::intervalsJson(reach.hops[k])}}));
        separator = ",\n";
    }
    file->write("\n],\n\"never\": " + trace::toLine(OutJson{{"tokens", nTokens(reach.never)},
                                                            {"intervals", trace::intervalsJson(reach.never)}}));
    file->write("\n}\n");
    return file->commit();
}

}  // namespace spanscope
