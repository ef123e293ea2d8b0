// A zip of NPY files, through minizip.
#include <zip.h>

#include <functional>

#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/mask_rows.h"
#include "engine/trace/exports/npy_header.h"
#include "engine/trace/exports/run_deflate.h"
#include "engine/trace/trace_json.h"

namespace spanscope {

namespace {

using Sink = std::function<void(std::string_view)>;

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
                          {"version", 2},
                          {"mask_axes", {"step", "context_position"}},
                          {"mask_values", {"future", "not attended", "attended"}},
                          {"phase_names", phases},
                          {"n_prompt", run.header.prompt.size()},
                          {"run", trace::headerJson(run.header)},
                          {"stats", trace::statsJson(run.stats)},
                          {"answer", run.answer}};
    return trace::toLine(object);
}

/// minizip on top of a file that appears whole or not at all. What fails is remembered by the file, which knows why.
class ZipFile {
  public:
    explicit ZipFile(OutputFile& file) : m_file(file) {
        zlib_filefunc64_def calls{};
        calls.opaque = &file;
        calls.zopen64_file = [](void* opaque, const void*, int) { return opaque; };
        calls.zread_file = [](void*, void*, void*, uLong) { return uLong{0}; };
        calls.zwrite_file = [](void*, void* stream, const void* bytes, uLong n) {
            of(stream).write({static_cast<const char*>(bytes), n});
            return of(stream).failed() ? uLong{0} : n;
        };
        calls.ztell64_file = [](void*, void* stream) { return static_cast<ZPOS64_T>(of(stream).position()); };
        calls.zseek64_file = [](void*, void* stream, ZPOS64_T offset, int origin) {
            OutputFile& f = of(stream);  // nothing here steps back from the end
            f.seek(static_cast<int64_t>(offset) + (origin == ZLIB_FILEFUNC_SEEK_SET ? 0 : f.position()));
            return f.failed() ? -1L : 0L;
        };
        calls.zclose_file = [](void*, void*) { return 0; };
        calls.zerror_file = [](void*, void* stream) { return of(stream).failed() ? 1 : 0; };
        m_zip = zipOpen2_64("", APPEND_STATUS_CREATE, nullptr, &calls);
        m_ok = m_zip != nullptr;
    }
    ~ZipFile() { close(); }
    ZipFile(const ZipFile&) = delete;
    ZipFile& operator=(const ZipFile&) = delete;

    void entry(const char* name, const std::function<void(const Sink&)>& write) {
        open(name, false);
        write([this](std::string_view bytes) { put(bytes); });
        m_ok = m_ok && zipCloseFileInZip(m_zip) == ZIP_OK;
    }
    /// The same with bytes that mostly repeat.
    void runs(const char* name, const std::function<void(trace::RunDeflate&)>& write) {
        open(name, true);
        trace::RunDeflate deflate([this](std::string_view bytes) { put(bytes); });
        write(deflate);
        m_ok = deflate.finish() && m_ok && zipCloseFileInZipRaw64(m_zip, deflate.nBytes(), deflate.crc()) == ZIP_OK;
    }
    bool close() {
        if (m_zip && zipClose(m_zip, nullptr) != ZIP_OK) m_ok = false;
        m_zip = nullptr;
        return m_ok;
    }

  private:
    static OutputFile& of(void* stream) { return *static_cast<OutputFile*>(stream); }
    void open(const char* name, bool raw) {
        zip_fileinfo info{};
        info.tmz_date.tm_year = 1980;  // the same bytes for the same run
        info.tmz_date.tm_mday = 1;
        m_ok = m_ok && zipOpenNewFileInZip2_64(m_zip, name, &info, nullptr, 0, nullptr, 0, nullptr, Z_DEFLATED, 6,
                                               raw ? 1 : 0, 1) == ZIP_OK;
    }
    void put(std::string_view bytes) {
        constexpr size_t kPiece = size_t{1} << 24;  // minizip counts in unsigned int
        for (; m_ok && !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
            m_ok = zipWriteInFileInZip(m_zip, bytes.data(), static_cast<unsigned>(std::min(kPiece, bytes.size()))) ==
                       ZIP_OK &&
                   !m_file.failed();
    }

    OutputFile& m_file;
    zipFile m_zip = nullptr;
    bool m_ok = false;
};

template <class T, class F>
std::vector<T> column(const RunData& run, F get) {
    std::vector<T> values;
    values.reserve(run.steps.size());
    for (const StepRecord& step : run.steps) values.push_back(static_cast<T>(get(step)));
    return values;
}

}  // namespace

Status exportMaskNpz(const ExportSource& source, const std::string& path, const ExportTools& tools) {
    const RunData& run = *source.run;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    if (file->isStream()) return Error{ErrorCode::Io, "is a device or a pipe; this format needs a file", path};
    if (tools.onSize) tools.onSize(trace::maskNpyBytes(run));
    ZipFile zip(*file);
    std::vector<int32_t> tokens;
    for (const TokenInfo& t : run.header.prompt) tokens.push_back(t.id);
    for (const StepRecord& s : run.steps) tokens.push_back(s.token.id);

    bool stopped = false;
    zip.runs("mask.npy", [&](trace::RunDeflate& deflate) {
        deflate.bytes(trace::maskHeader(run));
        for (size_t i = 0; i < run.steps.size() && !stopped && !file->failed(); ++i) {
            stopped = !trace::goOn(tools.progress, i, run.steps.size());
            trace::forEachMaskRun(run.steps[i], trace::contextTokens(run),
                                  [&](uint8_t state, size_t n) { deflate.run(state, n); });
        }
    });
    if (stopped) return trace::exportStopped(path);
    zip.entry("tokens.npy", [&](const Sink& sink) { writeColumn("<i4", tokens, sink); });
    auto steps = [&]<class T>(const char* name, const char* descr, T, auto get) {
        zip.entry(name, [&](const Sink& sink) { writeColumn(descr, column<T>(run, get), sink); });
    };
    steps("positions.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.position; });
    steps("attended.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.attended; });
    steps("loaded.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.loaded; });
    steps("segment.npy", "<i4", int32_t{}, [](const StepRecord& s) { return s.segment; });
    steps("phase.npy", "|u1", uint8_t{}, [](const StepRecord& s) { return s.phase; });
    steps("device_ns.npy", "<i8", int64_t{}, [](const StepRecord& s) { return s.deviceNs; });
    steps("wall_ns.npy", "<i8", int64_t{}, [](const StepRecord& s) { return s.wallNs; });
    steps("logprob.npy", "<f4", float{}, [](const StepRecord& s) { return s.logprob; });
    zip.entry("metadata.npy", [&](const Sink& sink) { writeText(metadata(run), sink); });
    if (!zip.close() && !file->failed()) return Error{ErrorCode::Io, "cannot be packed: zlib has no memory left", path};
    return file->commit();
}

}  // namespace spanscope
