#include "engine/trace/exports/report_figures.h"

#include "engine/files/decimal.h"
#include "engine/types/sampler_settings.h"

namespace spanscope {

namespace {

std::string ms(int64_t ns) { return decimal(static_cast<double>(ns) * 1e-6, ns < 10'000'000 ? 2 : 1) + " ms"; }
std::string rate(double tokensPerS) {
    return tokensPerS > 0 ? decimal(tokensPerS, tokensPerS < 100 ? 1 : 0) + " t/s" : "-";
}
std::string percent(double fraction) { return decimal(100 * fraction, 1) + " %"; }
std::string mib(int64_t bytes) { return decimal(static_cast<double>(bytes) / double(1 << 20), 2) + " MiB"; }

}  // namespace

std::vector<Figure> reportFigures(const RunData& run) {
    const RunStats& s = run.stats;
    return {
        {"prompt", std::to_string(s.promptTokens) + " tokens", "tokens evaluated before the first answer token"},
        {"response", std::to_string(run.steps.size()) + " tokens", "tokens decoded; an end of text is only sampled"},
        {"prefill", rate(s.prefillTokensPerS()), "prompt tokens / prefill time"},
        {"TTFT", ms(s.ttftNs), "request accepted to first token; loading the model excluded"},
        {"decode", rate(s.decodeTokensPerS()), "(N - 1) / (time of last token - time of first token)"},
        {"useful", rate(s.usefulTokensPerS()), "decode without the tokens that are span markup"},
        {"markup", std::to_string(s.markupTokens) + " tokens", "special pieces, labels and references in the response"},
        {"attended", percent(s.attendedFraction()), "tokens in the interval lists / tokens causal attention allows"},
        {"loaded", percent(s.loadedFraction()),
         "attended rounded outward to KV pages of 16, mean over layers / causal"},
        {"sparsity", percent(s.causalTokens ? 1 - s.loadedFraction() : 0), "1 - loaded / causal"},
        {"KV stored", mib(s.kvStoredBytes), "keys and values kept at the end; a span saves loading, not memory"},
        {"KV loaded", mib(s.kvLoadedBytes()), "keys and values loaded, summed over all steps"},
        {"violations", std::to_string(run.violations.size()), "places where the response breaks the span protocol"},
        {"stop reason", stopWords(s), "eos: the model ended its response, with the piece in brackets"},
    };
}

std::vector<std::pair<std::string, std::string>> provenance(const RunData& run) {
    const RunHeader& h = run.header;
    std::vector<std::pair<std::string, std::string>> rows{
        {"program", "Spanscope " + h.programVersion},
        {"model", h.modelName + (h.modelHash.empty() ? "" : ", hash " + h.modelHash)},
        {"backend", h.backend + ", " + h.device +
                        (h.nThreads > 0 ? ", " + std::to_string(h.nThreads) + " threads" : "") +
                        (h.kvType.empty() ? "" : ", KV cache " + h.kvType)},
        {"machine", h.machine},
        {"attention", h.settings.attention.text()},
        {"policy", std::string(h.hasProtocol ? "span protocol" : "no protocol") + ", prefill " +
                       (h.prefill == PrefillPolicy::Segmented ? "segmented" : "causal") + (h.heads ? ", heads" : "")},
        {"sampler", describeSampler(h.settings.sampler)},
        {"seed", std::to_string(h.settings.sampler.seed)},
    };
    if (const std::string adapter = h.adapter.text(); !adapter.empty())
        rows.insert(rows.begin() + 2, {"adapter", adapter});
    if (h.branch.isBranch()) rows.push_back({"goes on", h.branch.description()});
    return rows;
}

}  // namespace spanscope
