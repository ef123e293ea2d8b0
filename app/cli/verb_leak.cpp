// leak: how well later positions tell a digit that they may not read. Nothing is printed before all of it is measured.
#include "app/cli/eta.h"
#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/decimal.h"
#include "engine/leak/leak_probe.h"
#include "engine/leak/secret.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

Json hitsJson(const Hits& hits) {
    const auto [low, high] = hits.interval();
    return {{"right", hits.right}, {"n", hits.n}, {"share", hits.share()}, {"low", low}, {"high", high}};
}

Json reportJson(const LeakReport& report) {
    Json rows = Json::array(), answers = Json::array();
    for (const LeakRow& row : report.rows)
        rows.push_back({{"phase", phaseName(row.phase)},
                        {"distance", row.distance},
                        {"reads", row.reads},
                        {"tokens_after", row.tokensAfter},
                        {"declared", hitsJson(row.declared)},
                        {"dense", hitsJson(row.dense)},
                        {"shuffled", hitsJson(row.shuffled)},
                        {"twins", row.nTwins},
                        {"same_bits", row.nSame}});
    for (const LeakAnswer& answer : report.answers)
        answers.push_back({{"distance", answer.distance},
                           {"declared", hitsJson(answer.declared)},
                           {"dense", hitsJson(answer.dense)},
                           {"declared_named", hitsJson(answer.declaredNamed)},
                           {"dense_named", hitsJson(answer.denseNamed)}});
    return {{"version", kJsonVersion},         {"rows", std::move(rows)},  {"answers", std::move(answers)},
            {"n", report.nProblems},           {"chance", 1.0 / kSecrets}, {"n_features", report.nFeatures},
            {"mean_tokens", report.meanTokens}};
}

/// "97.0% (91.5-99.0)".
std::string shareText(const Hits& hits) {
    const auto [low, high] = hits.interval();
    return decimal(100 * hits.share(), 1) + "% (" + decimal(100 * low, 1) + "-" + decimal(100 * high, 1) + ")";
}

void printReport(const LeakReport& report) {
    printFormat("read-out, right of %d problems (95%% interval); chance %s%%\n", report.nProblems,
                decimal(100.0 / kSecrets, 1).c_str());
    printFormat("%-8s %8s %6s %6s %21s %21s %21s %10s\n", "phase", "distance", "tokens", "reads", "declared", "causal",
                "shuffled", "same bits");
    for (const LeakRow& row : report.rows) {
        const std::string same = std::to_string(row.nSame) + "/" + std::to_string(row.nTwins);
        printFormat("%-8s %8d %6s %6s %21s %21s %21s %10s\n", phaseName(row.phase), row.distance,
                    decimal(row.tokensAfter, 0).c_str(), row.reads ? "yes" : "no", shareText(row.declared).c_str(),
                    shareText(row.dense).c_str(), shareText(row.shuffled).c_str(), same.c_str());
    }
    if (report.answers.empty()) return;
    printFormat("\nthe model's own continuation of the secret's line, opened again, right of %d problems\n",
                report.nProblems);
    printFormat("%8s %21s %21s %21s %21s\n", "distance", "declared, unnamed", "causal, unnamed", "declared, named",
                "causal, named");
    for (const LeakAnswer& a : report.answers)
        printFormat("%8d %21s %21s %21s %21s\n", a.distance, shareText(a.declared).c_str(), shareText(a.dense).c_str(),
                    shareText(a.declaredNamed).c_str(), shareText(a.denseNamed).c_str());
}

}  // namespace

int leakVerb(const LeakOptions& o, const Log& log) {
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    const Model& model = *opened->model;
    const LeakSettings asked{taskFor(o.task, model), o.nProblems, o.nLater, o.nTwins, o.seed};
    KvDemand demand;
    demand.contextTokens = leakTokens(asked);
    demand.contextOption = "--later";
    if (auto ok = checkMemory(o.model, model, demand, log); !ok) return log.fail(ok.error());
    auto backend = makeBackendFor(model.weights(), o.model, {demand.kvTokens(), 1, o.model.nThreads}, log);
    if (!backend) return log.fail(backend.error());
    StopsInOrder stops;
    const Eta eta;
    const auto report = probeLeak(model, **backend, asked, &stopFlag(), [&](int32_t done, int32_t total) {
        log.progress(std::to_string(done) + " of " + std::to_string(total) + " problems" + eta.left(done, total));
    });
    stops.workIsOver();
    log.endProgress();
    if (!report) return log.fail(report.error());
    if (!o.json) {
        printReport(*report);
        return kOk;
    }
    Json object = reportJson(*report);
    const BackendInfo info = (*backend)->info();
    object.update({{"task", asked.task},
                   {"later", asked.nLater},
                   {"seed", asked.seed},
                   {"model", model.name()},
                   {"model_hash", model.hash()},
                   {"backend", info.name},
                   {"device", info.device},
                   {"kv_type", dtypeName(info.kvType)}});
    addAdapter(object, model);
    printJson(object);
    return kOk;
}

}  // namespace spanscope::cli
