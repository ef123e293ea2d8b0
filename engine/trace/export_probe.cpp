#include "engine/trace/export_probe.h"

#include <algorithm>

#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/npy_header.h"
#include "engine/types/run_diff.h"

namespace spanscope {

namespace {

std::string number(double value) { return shortDecimal(value, 9); }

const TokenInfo* tokenAt(const RunData& run, int32_t position) {
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    if (position < 0) return nullptr;
    if (position < nPrompt) return &run.header.prompt[static_cast<size_t>(position)];
    const auto step = static_cast<size_t>(position - nPrompt);
    return step < run.steps.size() ? &run.steps[step].token : nullptr;
}

Result<MaskDiff> differenceOf(const RunData& first, const RunData& second, const std::string& path) {
    MaskDiff diff = diffRuns(first, second);
    if (!diff.why.empty()) return Error{ErrorCode::InvalidArgument, diff.why, path};
    return diff;
}

}  // namespace

Status exportAttentionCsv(const RunData& run, const StepProbe& probe, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,layer,head,position,token_id,token,in_span,dense,declared\r\n");
    const std::string layer = probe.layer < 0 ? "mean" : std::to_string(probe.layer);
    const std::string head = probe.head < 0 ? "mean" : std::to_string(probe.head);
    CsvRow row;
    for (size_t i = 0; i < probe.dense.size(); ++i) {
        const auto position = static_cast<int32_t>(i);
        const TokenInfo* token = tokenAt(run, position);
        const bool inside = probe.visible && mayRead(*probe.visible, probe.position, position);
        row << probe.step << layer << head << position << (token ? token->id : -1)
            << (token ? token->text : std::string()) << (inside ? 1 : 0) << number(double(probe.dense[i]))
            << number(i < probe.restricted.size() ? double(probe.restricted[i]) : 0);
        file->write(row.take());
    }
    return file->commit();
}

Status exportHeadsCsv(const StepProbe& probe, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,layer,head,mass_kept,mass_kept_without_first\r\n");
    CsvRow row;
    for (int32_t l = 0; l < probe.nLayers; ++l)
        for (int32_t h = 0; h < probe.nHeads; ++h) {
            const auto i = static_cast<size_t>(l * probe.nHeads + h);
            if (i >= probe.massKept.size() || i >= probe.massKeptNoSink.size()) continue;
            row << probe.step << l << h << number(double(probe.massKept[i])) << number(double(probe.massKeptNoSink[i]));
            file->write(row.take());
        }
    return file->commit();
}

Status exportDivergenceCsv(const RunData& run, const DivergenceCurve& curve, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,position,token_id,token,phase,kl_nats,same_choice,dense_choice,declared_choice\r\n");
    CsvRow row;
    const size_t n = std::min({run.steps.size(), curve.klNats.size(), curve.sameTop.size(), curve.topDense.size(),
                               curve.topRestricted.size()});
    for (size_t i = 0; i < n; ++i) {
        const StepRecord& s = run.steps[i];
        row << s.index << s.position << s.token.id << s.token.text << phaseName(s.phase)
            << number(double(curve.klNats[i])) << int64_t{curve.sameTop[i]} << curve.topDense[i]
            << curve.topRestricted[i];
        file->write(row.take());
    }
    return file->commit();
}

Status exportDifferenceNpy(const RunData& first, const RunData& second, const std::string& path) {
    const auto diff = differenceOf(first, second, path);
    if (!diff) return diff.error();
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    if (Status room = file->checkRoomFor(uint64_t{diff->rows.size()} * static_cast<uint64_t>(diff->nColumns)); !room)
        return room;
    file->write(
        npyHeader("|u1", "(" + std::to_string(diff->rows.size()) + ", " + std::to_string(diff->nColumns) + ")"));
    std::string line(static_cast<size_t>(diff->nColumns), '\0');
    const auto mark = [&](const IntervalList& list, int32_t query, DiffState state) {
        for (const Interval& i : list) {
            const Interval c = clipToQuery(i, query);
            if (c.begin < c.end) std::fill(line.begin() + c.begin, line.begin() + c.end, static_cast<char>(state));
        }
    };
    for (const DiffRow& row : diff->rows) {
        std::fill(line.begin(), line.end(), static_cast<char>(DiffState::Future));
        mark({{0, row.position + 1}}, row.position, DiffState::Neither);
        mark(*row.both, row.position, DiffState::Both);
        mark(*row.onlySecond, row.position, DiffState::OnlySecond);
        mark(*row.onlyFirst, row.position, DiffState::OnlyFirst);
        file->write(line);
    }
    return file->commit();
}

Status exportDifferenceCsv(const RunData& first, const RunData& second, const std::string& path) {
    const auto diff = differenceOf(first, second, path);
    if (!diff) return diff.error();
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,position,same_text,only,begin,end\r\n");
    CsvRow row;
    for (size_t i = 0; i < diff->rows.size(); ++i) {
        const DiffRow& r = diff->rows[i];
        const bool same = diff->parting < 0 || static_cast<int64_t>(i) < diff->parting;
        for (const bool isFirst : {true, false})
            for (const Interval& interval : isFirst ? *r.onlyFirst : *r.onlySecond) {
                const Interval c = clipToQuery(interval, r.position);
                if (c.begin >= c.end) continue;
                row << static_cast<int64_t>(i) << r.position << (same ? 1 : 0) << (isFirst ? "first" : "second")
                    << c.begin << c.end;
                file->write(row.take());
            }
    }
    return file->commit();
}

}  // namespace spanscope
