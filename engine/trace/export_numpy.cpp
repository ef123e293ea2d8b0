// NPY and NPZ: a zip of them, through minizip.
#include <zip.h>

#include <cstring>
#include <functional>

#include "engine/trace/export.h"
#include "engine/trace/mask_rows.h"
#include "engine/trace/npy_header.h"
#include "engine/types/output_file.h"
#include "engine/trace/trace_json.h"

namespace spanscope {

namespace {

using Sink = std::function<void(std::string_view)>;

void writeMask(const RunData& run, const Sink& sink) {
    const size_t nContext = trace::contextTokens(run);
    sink(npyHeader("|u1", "(" + std::to_string(run.steps.size()) + ", " + std::to_string(nContext) + ")"));
    std::vector<uint8_t> row(nContext);
    for (const StepRecord& step : run.steps) {
        trace::fillMaskRow(step, row);
        sink({reinterpret_cast<const char*>(row.data()), row.size()});
    }
}

template <class T>
void writeColumn(const std::string& descr, const std::vector<T>& values, const Sink& sink) {
    sink(npyHeader(descr, "(" + std::to_string(values.size()) + ",)"));
    sink({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

/// A NumPy string array without dimensions: UTF-32. `text` is valid UTF-8 (it comes out of toLine()).
void writeText(const std::string& text, const Sink& sink) {
    std::u32string wide;
    for (size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        char32_t c = n == 1 ? lead : lead & (0x7FU >> n);
        for (size_t k = 1; k < n && i + k < text.size(); ++k)
            c = (c << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
        wide += c;
        i += n;
    }
    sink(npyHeader("<U" + std::to_string(wide.size()), "()"));
    sink({reinterpret_cast<const char*>(wide.data()), wide.size() * sizeof(char32_t)});
}

std::string metadata(const RunData& run) {
    trace::OutJson phases = trace::OutJson::array();
    for (int p = 0; p <= static_cast<int>(Phase::Free); ++p) phases.push_back(phaseName(static_cast<Phase>(p)));
    trace::OutJson object{{"format", "spanscope-npz"},
                          {"version", 1},
                          {"mask_axes", {"step", "context_position"}},
                          {"mask_values", {"future", "allowed but skipped", "read"}},
                          {"phase_names", phases},
                          {"n_prompt", run.header.prompt.size()},
                          {"run", trace::headerJson(run.header)},
                          {"stats", trace::statsJson(run.stats)},
                          {"answer", run.answer}};
    return trace::toLine(object);
}

class ZipFile {
  public:
    explicit ZipFile(const std::string& path) : m_zip(zipOpen64(path.c_str(), APPEND_STATUS_CREATE)) {
        m_ok = m_zip != nullptr;
    }
    ~ZipFile() { close(); }
    ZipFile(const ZipFile&) = delete;
    ZipFile& operator=(const ZipFile&) = delete;

    void entry(const char* name, const std::function<void(const Sink&)>& write) {
        zip_fileinfo info{};
        info.tmz_date.tm_year = 1980;  // the same bytes for the same run
        info.tmz_date.tm_mday = 1;
        m_ok = m_ok && zipOpenNewFileInZip64(m_zip, name, &info, nullptr, 0, nullptr, 0, nullptr, Z_DEFLATED, 6, 1) ==
                           ZIP_OK;
        write([this](std::string_view bytes) {
            constexpr size_t kPiece = size_t{1} << 24;  // minizip counts in unsigned int
            for (; m_ok && !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
                m_ok = zipWriteInFileInZip(m_zip, bytes.data(),
                                           static_cast<unsigned>(std::min(kPiece, bytes.size()))) == ZIP_OK;
        });
        m_ok = m_ok && zipCloseFileInZip(m_zip) == ZIP_OK;
    }
    bool close() {
        if (m_zip && zipClose(m_zip, nullptr) != ZIP_OK) m_ok = false;
        m_zip = nullptr;
        return m_ok;
    }

  private:
    zipFile m_zip;
    bool m_ok;
};

template <class T, class F>
std::vector<T> column(const RunData& run, F get) {
    std::vector<T> values;
    values.reserve(run.steps.size());
    for (const StepRecord& step : run.steps) values.push_back(static_cast<T>(get(step)));
    return values;
}

}  // namespace

Status exportMaskNpy(const RunData& run, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    writeMask(run, [&](std::string_view bytes) { file->write(bytes); });
    return file->commit();
}

Status exportMaskNpz(const RunData& run, const std::string& path) {
    const std::string temporary = temporaryFor(path);
    ZipFile zip(temporary);
    std::vector<int32_t> tokens;
    for (const TokenInfo& t : run.header.prompt) tokens.push_back(t.id);
    for (const StepRecord& s : run.steps) tokens.push_back(s.token.id);

    zip.entry("mask.npy", [&](const Sink& sink) { writeMask(run, sink); });
    zip.entry("tokens.npy", [&](const Sink& sink) { writeColumn("<i4", tokens, sink); });
    auto steps = [&]<class T>(const char* name, const char* descr, T, auto get) {
        zip.entry(name, [&](const Sink& sink) { writeColumn(descr, column<T>(run, get), sink); });
    };
    steps("positions.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.position; });
    steps("attended.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.attended; });
    steps("read.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.read; });
    steps("segment.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.segment; });
    steps("phase.npy", "|u1", uint8_t{}, [](const StepRecord& s) { return s.phase; });
    steps("device_ns.npy", "<i8", int64_t{}, [](const StepRecord& s) { return s.deviceNs; });
    steps("wall_ns.npy", "<i8", int64_t{}, [](const StepRecord& s) { return s.wallNs; });
    steps("logprob.npy", "<f4", float{}, [](const StepRecord& s) { return s.logprob; });
    zip.entry("metadata.npy", [&](const Sink& sink) { writeText(metadata(run), sink); });
    if (!zip.close()) {
        std::remove(temporary.c_str());
        return Error{ErrorCode::Io, "cannot be written", path, {}, {}, {}};
    }
    return putInPlace(path);
}

}  // namespace spanscope
