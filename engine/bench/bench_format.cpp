#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/bench/bench.h"
#include "engine/files/csv_cell.h"

namespace spanscope {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double v, int digits) {
    const double scale = std::pow(10.0, digits);
    return std::isfinite(v) ? std::round(v * scale) / scale : 0;
}

Json toJson(const BenchRow& r) {
    Json j;
    j["version"] = 2;  // of these names
    j["model"] = r.model;
    j["format"] = r.format;
    j["backend"] = r.backend;
    j["device"] = r.device;
    j["kv_type"] = r.kvType;
    j["n_threads"] = r.nThreads;
    j["test"] = r.test;
    j["n_prompt"] = r.nPrompt;
    j["n_gen"] = r.nGen;
    j["n_depth"] = r.nDepth;
    j["n_batch"] = r.nBatch;
    j["attention"] = r.attention;
    j["avg_ts"] = rounded(r.avgTs, 3);
    j["stddev_ts"] = rounded(r.stddevTs, 3);
    j["gbps"] = rounded(r.gbps, 3);
    j["bandwidth_fraction"] = rounded(r.bandwidthFraction, 4);
    j["read_bandwidth_gbps"] = rounded(r.readGBps, 3);
    j["gflops"] = rounded(r.gflops, 1);
    j["attention_us"] = rounded(r.attentionUs, 2);
    j["step_us"] = rounded(r.stepUs, 2);
    j["loaded_tokens"] = rounded(r.loadedTokens, 1);
    j["peak_rss_bytes"] = r.peakBytes;
    j["needed_bytes"] = r.neededBytes;
    return j;
}

std::string cell(const Json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); }

std::string number(const char* format, double v) {
    char text[64];
    std::snprintf(text, sizeof text, format, v);
    return text;
}

std::string markdown(const std::vector<BenchRow>& rows) {
    std::string s =
        "| model | format | threads | test | depth | batch | attention | t/s | GB/s | of read bandwidth | GFLOP/s | "
        "attention us |\n"
        "|---|---|--:|---|--:|--:|---|--:|--:|--:|--:|--:|\n";
    const auto orDash = [](double v, const char* format) { return v > 0 ? number(format, v) : std::string("-"); };
    for (const BenchRow& r : rows) {
        for (const std::string& c :
             {r.model, r.format, std::to_string(r.nThreads), r.test, std::to_string(r.nDepth), std::to_string(r.nBatch),
              r.attention, number("%.2f", r.avgTs) + " ± " + number("%.2f", r.stddevTs), orDash(r.gbps, "%.2f"),
              r.bandwidthFraction > 0 ? number("%.1f%%", 100 * r.bandwidthFraction) : std::string("-"),
              orDash(r.gflops, "%.0f"), orDash(r.attentionUs, "%.1f")})
            s.append("| ").append(c).append(" ");
        s += "|\n";
    }
    double least = 0, most = 0;  // of the machine, beside the rows' repetitions
    for (const BenchRow& r : rows) {
        if (r.readGBps <= 0) continue;
        least = least > 0 ? std::min(least, r.readGBps) : r.readGBps;
        most = std::max(most, r.readGBps);
    }
    if (most > 0)
        s +=
            "\n" + rows.front().device + ": reads " + number("%.1f", least) + " to " + number("%.1f", most) + " GB/s\n";
    if (!rows.empty() && rows.front().peakBytes > 0) {
        const BenchRow& r = rows.front();
        constexpr double kMiB = 1 << 20;
        // A bench that was stopped has not written the whole of its cache.
        s += "Peak memory " + number("%.0f", static_cast<double>(r.peakBytes) / kMiB) + " MiB" +
             (r.neededBytes <= r.peakBytes ? ", of which weights and KV cache "
                                           : "; weights and the whole KV cache are ") +
             number("%.0f", static_cast<double>(r.neededBytes) / kMiB) + " MiB\n";
    }
    return s;
}

}  // namespace

Result<std::string> formatBench(const std::vector<BenchRow>& rows, const std::string& format) {
    if (format == "md") return markdown(rows);
    std::string s;
    if (format == "json") {
        Json list = Json::array();
        for (const BenchRow& r : rows) list.push_back(toJson(r));
        return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    if (format == "jsonl") {
        for (const BenchRow& r : rows)
            s.append(toJson(r).dump(-1, ' ', false, Json::error_handler_t::replace)).append("\n");
        return s;
    }
    if (format != "csv")
        return Error{ErrorCode::InvalidArgument, "no such output", {}, "--output", format, "md, csv, json or jsonl"};
    const Json head = toJson({});
    for (auto it = head.begin(); it != head.end(); ++it) s.append(it == head.begin() ? "" : ",").append(it.key());
    s += "\n";
    for (const BenchRow& r : rows) {
        const Json j = toJson(r);
        for (auto it = j.begin(); it != j.end(); ++it) s.append(it == j.begin() ? "" : ",").append(csvCell(cell(*it)));
        s += "\n";
    }
    return s;
}

}  // namespace spanscope
