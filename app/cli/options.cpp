// The grammar of the command line. The only file that includes CLI11, which is slow to compile,
// and hence one file for all verbs.
#include "app/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <iostream>

#include "app/cli/exit_codes.h"
#include "app/cli/locate.h"
#include "app/cli/log.h"
#include "engine/bench/random_weights.h"
#include "engine/files/decimal.h"
#include "engine/policy/policies.h"
#include "engine/trace/exports/exports.h"
#include "engine/training/example.h"
#include "spanscope_version.h"

namespace spanscope::cli {

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 diff found a difference, 2 wrong usage or prompt, 3 a model or file cannot be opened,\n"
    "read or written, 4 does not fit into memory (--force tries), 5 stopped by a signal, 6 the run failed.\n"
    "stdout carries the result only; messages go to stderr. Without -m the bundled model is used; SPANSCOPE_MODELS\n"
    "names another folder of models.";

bool parseInt(const std::string& text, int32_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

constexpr int32_t kMostTokens = 1 << 28;  // as much as a model may claim for its context
constexpr int32_t kMostThreads = 1024;
constexpr int64_t kMostProblems = 10'000'000;                  // kept in memory by eval
constexpr int32_t kMostDigits = 4;                             // of generated problems
constexpr int32_t kMostOperators = 1000, kMostLines = 10'000;  // of generated problems

Range parseRange(const std::string& text, int32_t most) {
    Range range;
    const size_t dash = text.find('-', 1);
    const bool ok = dash == std::string::npos
                        ? parseInt(text, range.min) && (range.max = range.min, true)
                        : parseInt(text.substr(0, dash), range.min) && parseInt(text.substr(dash + 1), range.max);
    if (!ok || range.min < 1 || range.max < range.min || range.max > most)
        throw CLI::ValidationError("\"" + text + "\" is not a range such as 4 or 1-16, within 1 to " +
                                   std::to_string(most));
    return range;
}

/// An empty path is most often a variable of a script that is not set; it must not mean "the usual one".
const CLI::Validator kPath(
    [](std::string& text) { return text.empty() ? std::string("an empty path") : std::string(); }, {});

const CLI::Validator kNumber = CLI::Validator(CLI::Number).description({});

/// All digits of an integer of 64 bits; CLI11 takes the nearest one instead.
template <class T>
CLI::Validator wholeNumber(T min, T max) {
    return CLI::Validator(
        [min, max](std::string& text) {
            T value{};
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool ok = error == std::errc() && end == text.data() + text.size() && value >= min && value <= max;
            return ok ? std::string()
                      : "\"" + text + "\" is not a whole number from " + std::to_string(min) + " to " +
                            std::to_string(max);
        },
        {});
}

/// A number of the range; CLI::Range lets through what is none.
CLI::Validator numberIn(double min, double max) {
    return CLI::Validator(
        [min, max](std::string& text) {
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool ok = error == std::errc() && end == text.data() + text.size() && value >= min && value <= max;
            return ok ? std::string()
                      : "\"" + text + "\" is not a number from " + shortDecimal(min) + " to " + shortDecimal(max);
        },
        {});
}

DType parseKvType(const std::string& text) {
    const auto type = dtypeFromName(text);
    if (!type || isBlocked(*type)) throw CLI::ValidationError("\"" + text + "\" is not f32, f16 or bf16");
    return *type;
}

Device parseDevice(const std::string& text) {
    const auto device = deviceFromName(text);
    if (!device) throw CLI::ValidationError("\"" + text + "\" is not auto, cpu, cuda or reference");
    return *device;
}

/// Policies separated by commas; "both" is short for dense and declared.
std::vector<MaskPolicySpec> parseAttention(const std::string& text) {
    std::vector<MaskPolicySpec> list;
    std::stringstream in(text);
    for (std::string name; std::getline(in, name, ',');) {
        if (name == "both") {
            list.push_back(MaskPolicySpec::dense());
            list.push_back(MaskPolicySpec::declared());
            continue;
        }
        auto policy = parseMaskPolicy(name);
        if (!policy) throw CLI::ValidationError(policy.error().toString());
        list.push_back(std::move(*policy));
    }
    if (list.empty()) throw CLI::ValidationError("names no attention");
    return list;
}

/// "declared,64,25%" as what follows the name of a policy: "", "=64", "=25%".
std::vector<std::string> parseBudgets(const std::string& text) {
    std::vector<std::string> list;
    std::stringstream in(text);
    for (std::string budget; std::getline(in, budget, ',');) {
        const std::string tail = budget == "declared" ? std::string() : "=" + budget;
        const auto spec = MaskPolicySpec::parse("streaming" + tail);
        if (!spec || (spec->n < 1 && !tail.empty()))
            throw CLI::ValidationError("\"" + budget + "\" is not declared, a number of tokens or a share like 25%");
        list.push_back(tail);
    }
    if (list.empty()) throw CLI::ValidationError("names no budget");
    return list;
}

/// A row for each budget where an attention takes one and has none; needs one: the shares and numbers only.
std::vector<MaskPolicySpec> withBudgets(const std::vector<MaskPolicySpec>& attention,
                                        const std::vector<std::string>& budgets) {
    if (budgets.empty()) return attention;
    std::vector<MaskPolicySpec> list;
    for (const MaskPolicySpec& spec : attention) {
        if (!readsAsDeclared(spec)) list.push_back(spec);
        else
            for (const std::string& budget : budgets) list.push_back(parseMaskPolicy(spec.name + budget).value());
    }
    return list;
}

/// Options whose text is turned into a value once it is there. What is wrong with it is said with the option's name.
template <class F>
CLI::Option* addParsed(CLI::App* app, const std::string& name, const std::string& help, F parse) {
    const std::function<void(const std::string&)> named = [name, parse](const std::string& text) {
        try {
            parse(text);
        } catch (const CLI::ValidationError& e) { throw CLI::ValidationError(name, e.what()); }
    };
    return app->add_option_function<std::string>(name, named, help);
}

void addRange(CLI::App* app, const char* name, std::optional<Range>& target, const char* help, int32_t most) {
    addParsed(app, name, help, [&target, most](const std::string& text) {
        target = parseRange(text, most);
    })->type_name("A[-B]");
}

/// fallback: what `target` stands for as it is.
void addAttention(CLI::App* app, std::vector<MaskPolicySpec>& target, const std::string& fallback,
                  const std::string& note = {}) {
    addParsed(app, "--attention",
              "a list of " + maskPolicyHelp() + ", or both (dense,declared)" + note + "; default " + fallback,
              [&target](const std::string& text) { target = parseAttention(text); })
        ->type_name("MODE");
}

/// hasContext: the length is for the caller to choose, and not given by a recorded run or by the tests asked for.
void addModel(CLI::App* app, ModelOptions& o, bool runs, bool hasContext) {
    app->add_option("-m,--model", o.path, "model folder or .gguf file; default: the bundled model for the task")
        ->check(kPath);
    app->add_option("--adapter", o.adapter, "folder of a PEFT LoRA adapter over the model")->check(kPath);
    if (hasContext)
        app->add_option("-c,--ctx-size", o.contextTokens, "context in tokens; 0 = the model's own")
            ->check(CLI::Range(0, kMostTokens));
    addParsed(
        app, "--kv-type",
        "type of the KV cache: f32, f16 or bf16; default: bf16, with f16 or quantised weights f16 (reference: f32)",
        [&o](const std::string& text) { o.kvType = parseKvType(text); })
        ->type_name("TYPE");
    if (!runs) return;
    addParsed(app, "--backend,--device",
              "where it runs: auto, cpu, cuda or reference (plain loops in float64); auto: cuda where a GPU is usable",
              [&o](const std::string& text) { o.device = parseDevice(text); })
        ->type_name("DEVICE");
    app->add_option("-t,--threads", o.nThreads, "CPU threads; 0 = all that this process may use")
        ->check(CLI::Range(0, kMostThreads));
    app->add_flag("--force", o.force, "start even where the memory forecast says that it does not fit");
}

/// Refuses options that another task's problems have; they would be ignored.
void refuseOthers(const CLI::App& verb, const std::string& task,
                  std::initializer_list<std::pair<const char*, const char*>> taskOfOption) {
    for (const auto& [option, owner] : taskOfOption) {
        if (verb.count(option) > 0 && task != owner)
            throw CLI::ValidationError(option, std::string("is for --task ") + owner);
    }
}

void addThinking(CLI::App* app, std::optional<bool>& target) {
    addParsed(app, "--thinking",
              "chat: on or off, whether the model reasons before it answers; for templates that read enable_thinking",
              [&target](const std::string& text) {
                  if (text != "on" && text != "off") throw CLI::ValidationError("\"" + text + "\" is not on or off");
                  target = text == "on";
              })
        ->type_name("on|off");
}

/// How tokens are chosen, and how many.
void addSampling(CLI::App* verb, SamplerSettings& sampler, int64_t& seed, int32_t& maxTokens) {
    verb->add_option("-n,--predict,--n-predict", maxTokens,
                     "tokens to generate; -1 = until the end or the context is full")
        ->check(CLI::Range(-1, kMostTokens));
    verb->add_option("--temp", sampler.temperature, "temperature; 0 = greedy")->check(kNumber);
    verb->add_option("--top-k", sampler.topK, "keep the k best; 0 = off")
        ->check(wholeNumber<int32_t>(INT32_MIN, INT32_MAX));
    verb->add_option("--top-p", sampler.topP, "keep the best that make up p; 1 = off")->check(kNumber);
    verb->add_option("--min-p", sampler.minP, "keep those with at least p of the best one's probability; 0 = off")
        ->check(kNumber);
    verb->add_option("--repeat-penalty", sampler.repeatPenalty, "divide logits of recent tokens; 1 = off")
        ->check(kNumber);
    verb->add_option("--repeat-last-n", sampler.repeatLastN, "how many tokens are recent; -1 = all")
        ->check(wholeNumber<int32_t>(INT32_MIN, INT32_MAX));
    verb->add_option("-s,--seed", seed, "of the sampler; -1 = random, and printed")
        ->check(wholeNumber<int64_t>(-1, INT64_MAX));
}

void addRun(CLI::App& app, Options& all) {
    RunOptions& o = all.run;
    CLI::App* run = app.add_subcommand("run", "Runs a prompt and prints what the model answers");
    addModel(run, o.model, true, true);
    run->add_option(
        "--task", o.task,
        "expression, sheet, news, chat or text; default: the model's first task, else chat for a model with a chat "
        "template, else text");
    run->add_option("--system", o.system, "chat: what the model is told before the question");
    run->add_option(
           "--vocabulary", o.vocabulary,
           "tags that a model without the span protocol is taught in the prompt and that decide what each step "
           "reads: da, memento, lightthinker or a file; da: what stands before the prompt's last blank line is "
           "the document, cut into chunks; --system replaces the text that teaches")
        ->check(kPath);
    addThinking(run, o.thinking);
    auto* prompt = run->add_option("-p,--prompt", o.prompt, "what to ask");
    auto* file = run->add_option("-f,--file", o.promptFile, "file with the prompt; - = standard input")->check(kPath);
    auto* ids = run->add_option("--prompt-tokens", o.promptIds, "prompt as token ids, taken as they are")
                    ->delimiter(',')
                    ->default_str("")
                    ->check(wholeNumber<int32_t>(0, INT32_MAX));
    prompt->excludes(file)->excludes(ids);
    file->excludes(ids);
    addAttention(run, o.attention, "declared, or dense for a model without the span protocol and no --vocabulary");
    addSampling(run, o.sampler, o.seed, o.maxTokens);
    run->add_flag("--json", o.json, "print one JSON object: {\"runs\": [...]}");
    run->add_flag("--raw", o.raw, "print the response as the model wrote it, with its markup");
    run->add_option("--trace", o.traceFile, "record the run, step by step (*.spantrace)")->check(kPath);
    run->add_flag("--dry-run", o.dryRun, "print the memory forecast and stop");
    run->callback([&all, prompt] {
        all.verb = Verb::Run;
        all.run.promptGiven = prompt->count() > 0;
        all.run.model.bundled = bundledFor(all.run.task);
    });
}

void addChat(CLI::App& app, Options& all) {
    ChatOptions& o = all.chat;
    CLI::App* chat =
        app.add_subcommand("chat", "Talks with a model that has a chat template; questions on standard input");
    addModel(chat, o.model, true, true);
    chat->add_option("model", o.model.path, "model folder or .gguf file")
        ->type_name("PATH")
        ->check(kPath)
        ->excludes(chat->get_option("--model"));
    chat->add_option("--system", o.system, "what the model is told before the first question");
    addThinking(chat, o.thinking);
    o.attention = parseAttention("dense");
    addAttention(chat, o.attention, "dense");
    addSampling(chat, o.sampler, o.seed, o.maxTokens);
    chat->add_flag("--json", o.json, "print one JSON object at the end: {\"turns\": [...]}");
    chat->add_option("--trace", o.traceFile, "record every answer, step by step (*.spantrace)")->check(kPath);
    chat->callback([&all] {
        all.verb = Verb::Chat;
        if (all.chat.model.path.empty()) throw CLI::ValidationError("say which model: chat MODEL");
        if (all.chat.attention.size() != 1) throw CLI::ValidationError("--attention", "a chat has one");
    });
}

/// What the fresh problems look like.
void addShape(CLI::App* verb, std::string& shape, std::optional<Range>& digits) {
    auto list = [](const std::vector<std::string>& names) {
        std::string text;
        for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
        return text;
    };
    verb->add_option("--shape", shape,
                     "of fresh problems, \"any\" for all of them; expression: " + list(expressionShapes()) +
                         "; sheet: " + list(sheetShapes()));
    addRange(verb, "--digits", digits, "most digits of the numbers in each fresh problem, default 1-4", kMostDigits);
}

void addEval(CLI::App& app, Options& all) {
    EvalOptions& o = all.eval;
    CLI::App* eval = app.add_subcommand("eval", "Solves many problems and counts the right answers");
    addModel(eval, o.model, true, true);
    eval->add_option(
            "--file", o.file,
            "JSON Lines with \"prompt\" and \"answer\" (and \"task\"); news: also articles with \"title\" and \"body\"")
        ->check(kPath);
    eval->add_option("--task", o.task, "expression, sheet or news; default: the model's first task");
    eval->add_option("--count", o.count, "problems: as many fresh ones, or the first of the file; 0 = 100, or all")
        ->check(wholeNumber<int64_t>(0, kMostProblems));
    eval->add_option("-s,--seed", o.seed, "of the fresh problems")->check(wholeNumber<uint64_t>(0, UINT64_MAX));
    addRange(eval, "--operators", o.operators, "expression: operators in each problem, default 1-16", kMostOperators);
    addRange(eval, "--lines", o.lines, "sheet: lines in each problem, default 1-100", kMostLines);
    addShape(eval, o.shape, o.digits);
    auto* shapes = eval->add_flag("--shapes", o.shapes,
                                  "a table of shape, size and digits: --count problems in each of its cells, default "
                                  "20; with --operators or --lines "
                                  "the cells inside that range");
    eval->add_option("--long-count", o.longCount,
                     "shapes: problems in cells of sheets of more than 16 lines; 0 = a fifth of the others")
        ->check(wholeNumber<int64_t>(0, kMostProblems))
        ->needs(shapes);
    eval->add_option("--markdown", o.markdownFile, "shapes: also write the table as Markdown")
        ->check(kPath)
        ->needs(shapes);
    for (const char* other : {"--file", "--shape", "--digits"}) shapes->excludes(other);
    o.attention = parseAttention("both");
    addAttention(eval, o.attention, "both");
    addParsed(eval, "--budget",
              "tokens that a step may read under each of the attentions that take a budget and name none: a list of "
              "declared (as many as that step's span), N, N%; one row for each",
              [&o](const std::string& text) { o.budgets = parseBudgets(text); })
        ->type_name("LIST");
    eval->add_option("-n,--predict,--n-predict", o.maxTokens,
                     "limit for each response; -1 = half as much again as the worked response where there is one")
        ->check(CLI::Range(-1, kMostTokens));
    eval->add_option("--jobs", o.nJobs,
                     "problems worked on at the same time by threads of their own; 0 = one a core (CPU)")
        ->check(CLI::Range(0, kMostThreads));
    eval->add_option("--batch", o.batch, "sequences that each job decodes together")->check(CLI::Range(1, 4096));
    eval->add_option("--failures", o.failuresFile, "write what went wrong as JSON Lines")->check(kPath);
    eval->add_option("--outputs", o.outputsFile,
                     "write every response for reading: Markdown if the name ends in .md, else JSON Lines")
        ->check(kPath)
        ->excludes(shapes);
    eval->add_flag("--json", o.json, "print {\"rows\": [...]}");
    eval->callback([&all] {
        all.verb = Verb::Eval;
        all.eval.attention = withBudgets(all.eval.attention, all.eval.budgets);
        all.eval.model.bundled = bundledFor(all.eval.task);
    });
}

void addDataset(CLI::App& app, Options& all) {
    DatasetOptions& o = all.dataset;
    CLI::App* data =
        app.add_subcommand("dataset", "Writes worked problems with the masks to train under, as JSON Lines");
    auto* task = data->add_option("--task", o.task, "expression, sheet or news");
    data->add_option("--encode", o.recorded,
                     "encode the lines of this file, written by dataset, for another --tokenizer")
        ->excludes(task)
        ->check(kPath);
    data->add_option("--count", o.count, "how many; -1 = all there are (news)")
        ->check(wholeNumber<int64_t>(-1, INT64_MAX));
    data->add_option("-s,--seed", o.seed, "training and test use different ones")
        ->check(wholeNumber<uint64_t>(0, UINT64_MAX));
    addRange(data, "--operators", o.operators, "expression: operators, default 1-16", kMostOperators);
    addRange(data, "--lines", o.lines, "sheet: lines, default 1-100", kMostLines);
    addShape(data, o.shape, o.digits);
    data->add_option("--coverage", o.coverageFile,
                     "also write how many problems fall into each cell of the space, as JSON")
        ->check(kPath);
    addRange(data, "--window", o.window, "sheet: cut training windows of that many lines out of longer sheets",
             kMostLines);
    data->add_option("--in", o.input,
                     "news: JSON Lines with \"title\" and \"body\", \"synthetic\", or - for standard input")
        ->check(kPath);
    data->add_option("--max-tokens", o.maxTokens, "news: leave longer examples out; 0 = no limit");
    data->add_option("--max-words", o.maxWords, "news: the same in words of the article");
    addRange(data, "--sentences", o.sentences, "news: sentences in an article, default 4-40; others are left out",
             kMostLines);
    data->add_option("--max-points", o.maxPoints, "news: key points besides the headline")->check(CLI::Range(1, 9));
    data->add_flag("--held-headlines", o.heldHeadlines,
                   "news: where a title says more than its sentences, make one sentence shorter instead");
    addRange(data, "--ids", o.ids, "news: only articles whose id falls into these of 100 buckets, e.g. 1-95", 100);
    data->add_option("--not-like", o.notLike,
                     "news: leave out articles that share half of their 8-grams with this file")
        ->check(kPath);
    data->add_flag("--skip-bad-lines", o.skipBadLines, "news: count malformed lines instead of stopping at the first");
    data->add_option("--overlap-with", o.overlapWith,
                     "news: write nothing; say how much of --in stands in this file (leak check)")
        ->check(kPath);
    data->add_option("-o,--out", o.out, "file; - = standard output")->check(kPath);
    data->add_option("--tokenizer", o.tokenizer,
                     "tokenizer.model or its folder; default: that of the bundled model for the task")
        ->check(kPath);
    data->add_flag("--plain", o.plain,
                   "without declarations, under causal attention: for a yardstick model that writes no tags");
    data->add_flag("--text-only", o.textOnly, "without token ids and masks; needs no tokenizer");
    data->callback([&all, data] {
        all.verb = Verb::Dataset;
        if (all.dataset.task.empty() && all.dataset.recorded.empty())
            throw CLI::ValidationError("--task or --encode is needed");
        if (all.dataset.count < 0 && all.dataset.task != "news" && all.dataset.recorded.empty())
            throw CLI::ValidationError("--count is needed: this task's problems never end");
        refuseOthers(*data, all.dataset.task,
                     {{"--operators", "expression"},
                      {"--lines", "sheet"},
                      {"--window", "sheet"},
                      {"--in", "news"},
                      {"--max-tokens", "news"},
                      {"--max-words", "news"},
                      {"--sentences", "news"},
                      {"--max-points", "news"},
                      {"--ids", "news"},
                      {"--not-like", "news"},
                      {"--skip-bad-lines", "news"},
                      {"--overlap-with", "news"}});
    });
}

std::string wholeMm(double mm) { return std::to_string(static_cast<int>(mm)); }

/// Conditions of a predicted step, each option after `prefix`.
void addWhatIf(CLI::App* app, const std::string& prefix, WhatIf& how) {
    app->add_option(prefix + "page", how.pageTokens, "what if: tokens in a page of the KV cache")
        ->default_str(std::to_string(kPageTokens))
        ->check(wholeNumber<int32_t>(1, kMostPageTokens));
    auto* bandwidth =
        app->add_option(prefix + "bandwidth", how.gbPerS,
                        "what if: GB/s (1e9) that memory is read at; default: what the run's step times speak for")
            ->default_str("")
            ->check(numberIn(kLeastGBPerS, kMostGBPerS));
    std::string ids;
    for (const MemoryRate& rate : memoryRates()) ids += (ids.empty() ? "" : ", ") + std::string(rate.id);
    addParsed(app, prefix + "memory", "what if: the rate that is specified for one of " + ids,
              [&how, ids](const std::string& text) {
                  for (const MemoryRate& rate : memoryRates())
                      if (text == rate.id) how.gbPerS = rate.gbPerS;
                  if (!(how.gbPerS > 0)) throw CLI::ValidationError("\"" + text + "\" is none of " + ids);
              })
        ->type_name("NAME")
        ->excludes(bandwidth);
    app->add_option(prefix + "fixed", how.fixedUs,
                    "what if: microseconds of a step beside what it reads; default: the run's, 0 with another rate")
        ->default_str("")
        ->check(numberIn(0, kMostFixedUs));
    addParsed(app, prefix + "kv-type", "what if: type of the KV cache, f32, f16 or bf16; default: the run's",
              [&how](const std::string& text) { how.valueBytes = kvValueBytes(dtypeName(parseKvType(text))); })
        ->type_name("TYPE");
    addParsed(app, prefix + "spans",
              "what if: in another context the spans keep their share of it (share) or stay as long (tokens)",
              [&how](const std::string& text) {
                  if (text != "share" && text != "tokens")
                      throw CLI::ValidationError("\"" + text + "\" is not share or tokens");
                  how.scaling = text == "share" ? SpanScaling::Share : SpanScaling::Tokens;
              })
        ->default_str("share")
        ->type_name("share|tokens");
}

void addExport(CLI::App& app, Options& all) {
    ExportOptions& o = all.exports;
    CLI::App* exports = app.add_subcommand("export", "Turns a recorded run into images, arrays, tables and reports");
    exports->add_option("trace", o.trace, "recorded run (*.spantrace)")->required()->check(kPath);
    addModel(exports, o.model, true, false);
    exports->add_option("--run", o.run, "which run of the file, counted from 0; default: the first declared one")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    std::vector<std::string> figureNames;
    for (const FigureInfo& figure : kFigures) figureNames.push_back(figure.name);
    exports->add_option("--figure", o.figure, "what the picture shows")
        ->check(CLI::IsMember(figureNames))
        ->capture_default_str();
    o.pictures.resize(kPictures.size());
    for (size_t i = 0; i < kPictures.size(); ++i)
        exports->add_option(std::string("--") + kPictures[i].ending, o.pictures[i], kPictures[i].about)->check(kPath);
    FigureOptions& drawing = o.drawing;
    std::vector<std::string> formats;
    for (const PictureInfo& picture : kPictures) formats.push_back(picture.ending);
    auto* allFigures =
        exports->add_option("--all-figures", o.allFigures,
                            "folder for every figure that this run has, and captions.md; those that need a "
                            "replay only where the run's model opens");
    allFigures->check(kPath);
    exports->add_option("--format", o.format, "of --all-figures")
        ->check(CLI::IsMember(formats))
        ->capture_default_str()
        ->needs(allFigures);
    exports->add_option("--scale", drawing.scale, "pixels to a unit of the page, 1 to 4")
        ->check(CLI::Range(1, 4))
        ->capture_default_str();
    exports->add_option("--width", drawing.width, "of the page, 96 units to an inch")
        ->check(CLI::Range(320, 4000))
        ->capture_default_str();
    auto* widthMm = exports->add_option("--width-mm", drawing.widthMm, "the page is exactly so many mm wide")
                        ->default_str("")
                        ->check(CLI::Range(kLeastMm, kMostMm));
    widthMm->excludes(exports->get_option("--width"));
    addParsed(exports, "--column",
              "width of a journal's column: single (" + wholeMm(kColumnMm) + " mm) or double (" +
                  wholeMm(kTwoColumnsMm) + " mm)",
              [&drawing](const std::string& text) {
                  if (text != "single" && text != "double")
                      throw CLI::ValidationError("\"" + text + "\" is not single or double");
                  drawing.widthMm = text == "single" ? kColumnMm : kTwoColumnsMm;
              })
        ->type_name("single|double")
        ->excludes(widthMm)
        ->excludes(exports->get_option("--width"));
    exports->add_option("--font", drawing.fontFamily, "family of labels, title and caption");
    exports
        ->add_option("--font-size", drawing.fontPoints,
                     "of the caption, in points, 4 to 24; default: 8.25; labels, "
                     "rulers and legend follow")
        ->default_str("")
        ->check(CLI::Range(4.0, 24.0));
    exports->add_option("--first-step", drawing.firstStep, "mask, difference: first row")
        ->check(CLI::NonNegativeNumber);
    exports->add_option("--last-step", drawing.lastStep, "mask, difference: last row; default: the run's last")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    exports->add_option("--first-position", drawing.firstPosition, "mask, difference: first column")
        ->check(CLI::NonNegativeNumber);
    exports
        ->add_option("--last-position", drawing.lastPosition, "mask, difference: last column; default: all there are")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    exports->add_option("--title", drawing.title, "default: from the run; - = none");
    exports->add_option("--caption", drawing.caption, "default: from the run; - = none");
    exports->add_flag("--dark", drawing.dark, "figure on a dark ground");
    exports->add_flag_callback(
        "--no-legend", [&drawing] { drawing.legend = false; }, "leave the legend out");
    exports->add_flag_callback(
        "--one-colour", [&drawing] { drawing.byPhase = false; },
        "mask: attended cells in one colour instead of their phase's");
    exports->add_flag_callback(
        "--no-loaded", [&drawing] { drawing.showLoaded = false; },
        "mask: what was loaded only with its page is drawn like what was not read");
    exports->add_flag("--over-time", drawing.overTime, "throughput: time along the axis instead of context length");
    exports->add_flag_callback(
        "--with-first", [&drawing] { drawing.withoutFirst = false; },
        "attention, heads: the first token too, which often takes most of the mass");
    exports
        ->add_option("--against", o.against,
                     "difference: a trace whose run to compare with; default: the dense run of the same file")
        ->check(kPath);
    exports->add_option("--step", o.step, "attention, heads, reach: the step; default: the last")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    exports->add_option("--layer", o.layer, "attention: of this layer and --head; default: mean of all")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    exports->add_option("--head", o.head, "attention: of this head and --layer")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    addWhatIf(exports, "--whatif-", o.whatIf);
    exports->add_option("--whatif-context", o.whatIf.context, "what if: tokens of context; default: the run's last")
        ->default_str("")
        ->check(wholeNumber<int32_t>(1, kMostCostContext));
    exports->add_option("--whatif-batch", o.whatIf.batch, "what if: sequences decoded together")
        ->default_str("1")
        ->check(wholeNumber<int32_t>(1, kMostCostBatch));
    const std::span<const DataExport> rows = dataExports();
    o.data.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
        const char* also = rows[i].needs == ExportNeeds::Other     ? " (needs a second run)"
                           : rows[i].needs == ExportNeeds::Nothing ? ""
                                                                   : " (replays the run with -m)";
        exports->add_option(rows[i].option, o.data[i], std::string(rows[i].about) + also)->check(kPath);
    }
    exports->callback([&all] { all.verb = Verb::Export; });
}

void addInfo(CLI::App& app, Options& all) {
    InfoOptions& o = all.info;
    CLI::App* info = app.add_subcommand("info", "Says what a model is, what it was trained for and whether it fits");
    addModel(info, o.model, false, true);
    info->add_option("model_or_trace", o.trace, "a model, or a recorded run")
        ->type_name("PATH")
        ->check(kPath)
        ->excludes(info->get_option("--model"));
    info->add_option("--vocabulary", o.vocabulary,
                     "print this vocabulary's file, checked, to read or to edit: da, memento, lightthinker or a file")
        ->check(kPath)
        ->excludes(info->get_option("--model"));
    info->add_flag("--json", o.json, "print one JSON object");
    info->callback([&all] { all.verb = Verb::Info; });
}

void addBench(CLI::App& app, Options& all) {
    BenchOptions& o = all.bench;
    CLI::App* bench = app.add_subcommand("bench", "Measures prefill and decode speed");
    addModel(bench, o.model, true, false);
    bench->add_option("-p,--n-prompt", o.promptSizes, "prefill tests, in tokens; default, without -n and -pg: 512")
        ->delimiter(',')
        ->default_str("")
        ->check(CLI::Range(0, kMostTokens));
    bench->add_option("-n,--n-gen", o.predictSizes, "decode tests, in tokens; default, without -p and -pg: 128")
        ->delimiter(',')
        ->default_str("")
        ->check(CLI::Range(0, kMostTokens));
    bench
        ->add_option_function<std::vector<std::string>>(
            "--pg",
            [&o](const std::vector<std::string>& texts) {
                for (const std::string& text : texts) {
                    Range pair;
                    const size_t comma = text.find(',');
                    if (comma == std::string::npos || !parseInt(text.substr(0, comma), pair.min) ||
                        !parseInt(text.substr(comma + 1), pair.max) || pair.min < 0 || pair.min > kMostTokens ||
                        pair.max < 0 || pair.max > kMostTokens)
                        throw CLI::ValidationError("-pg", "\"" + text + "\" is not P,N: two numbers of tokens, 0 to " +
                                                              std::to_string(kMostTokens));
                    o.promptThenPredict.push_back(pair);
                }
            },
            "-pg P,N: prefill, then decode")
        ->type_name("P,N");
    bench->add_option("-d,--n-depth", o.depths, "tokens in the context before the test")
        ->delimiter(',')
        ->default_str("0")
        ->check(CLI::Range(0, kMostTokens));
    bench->add_option("-b,--batch", o.batches, "sequences decoded together")
        ->delimiter(',')
        ->default_str("1")
        ->check(CLI::Range(1, 4096));
    bench->add_option("-r,--repetitions", o.repetitions, "how often each test is timed")->check(CLI::Range(1, 1000));
    bench->add_flag_callback(
        "--no-warmup", [&o] { o.warmup = false; }, "without the untimed first round");
    bench->add_option("--random-weights", o.randomWeights, "a shape with drawn weights instead of a model")
        ->check(CLI::IsMember(RandomWeights::shapes()));
    bench->add_option("--weight-type", o.weightType, "of drawn weights: F32, F16, BF16, " + blockFormatNames());
    o.attention = parseAttention("dense");
    addAttention(bench, o.attention, "dense", "; declared feeds a worked sheet token by token");
    bench->add_option("-s,--seed", o.seed, "of drawn weights and tokens")->check(wholeNumber<uint64_t>(0, UINT64_MAX));
    bench->add_option("-o,--output", o.output, "md, csv, json or jsonl")
        ->check(CLI::IsMember({"md", "csv", "json", "jsonl"}));
    bench->callback([&all] { all.verb = Verb::Bench; });
}

void addLeak(CLI::App& app, Options& all) {
    LeakOptions& o = all.leak;
    CLI::App* leak = app.add_subcommand(
        "leak", "Plants a digit that nothing later needs and measures how well later positions tell it");
    addModel(leak, o.model, true, false);
    leak->add_option("--task", o.task, "sheet or expression; default: the model's first task");
    leak->add_option("--count", o.nProblems,
                     "problems; the read-out is trained on three quarters and tested on the others, in turn")
        ->check(CLI::Range(80, 100'000));
    leak->add_option("--later", o.nLater, "lines, or operations, after the secret's that do not need it")
        ->check(CLI::Range(1, 64));
    leak->add_option("--twins", o.nTwins, "problems that are also evaluated with another secret, to compare the bits")
        ->check(CLI::Range(0, 100'000));
    leak->add_option("-s,--seed", o.seed, "of the problems")->check(wholeNumber<uint64_t>(0, UINT64_MAX));
    leak->add_flag("--json", o.json, "print one JSON object");
    leak->callback([&all] {
        all.verb = Verb::Leak;
        all.leak.model.bundled = bundledFor(all.leak.task);
    });
}

void addDiff(CLI::App& app, Options& all) {
    CLI::App* diff =
        app.add_subcommand("diff", "Compares recorded runs line by line and step by step; exit code 1 if they differ");
    diff->add_option("first", all.diff.a, "recorded run")->required()->check(kPath);
    diff->add_option("second", all.diff.b, "recorded run; default: the dense run of the same prompt in the first file")
        ->check(kPath);
    diff->add_flag("--json", all.diff.json, "print one JSON object");
    diff->callback([&all] { all.verb = Verb::Diff; });
}

void addWhatIfVerb(CLI::App& app, Options& all) {
    WhatIfOptions& o = all.whatIf;
    CLI::App* verb = app.add_subcommand(
        "whatif", "Predicts the time of a step from its bytes: other pages, contexts, batches, memory, KV cache");
    verb->add_option("trace", o.trace, "recorded run (*.spantrace)")->required()->check(kPath);
    verb->add_option("--run", o.run, "which run of the file, counted from 0; default: the first declared one")
        ->default_str("")
        ->check(CLI::NonNegativeNumber);
    addWhatIf(verb, "--", o.how);
    verb->add_option("--context", o.contexts, "tokens of context, a row each; default: the run's last")
        ->default_str("")
        ->delimiter(',')
        ->check(wholeNumber<int32_t>(1, kMostCostContext));
    verb->add_option("--batch", o.batches, "sequences decoded together, a row each")
        ->default_str("1")
        ->delimiter(',')
        ->check(wholeNumber<int32_t>(1, kMostCostBatch));
    verb->add_flag("--measure", o.measure, "take the rate at which this machine reads memory now")
        ->excludes(verb->get_option("--bandwidth"))
        ->excludes(verb->get_option("--memory"));
    verb->add_flag("--json", o.json, "print one JSON object");
    verb->callback([&all] { all.verb = Verb::WhatIf; });
}

int misused(const std::string& what) {
    Log().error(what + "; --help lists verbs and options");
    return kUsage;
}

}  // namespace

std::optional<int> parseOptions(int argc, char** argv, Options& options) {
    CLI::App app("Spanscope runs a language model that chooses its own attention span.", "spanscope-cli");
    app.footer(kFooter);
    app.set_version_flag("--version", std::string("spanscope-cli ") + kVersion + " (" + kCommit + ")");
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.option_defaults()
        ->always_capture_default();  // verbs inherit it: --help shows what stands where nothing is said
    app.add_flag("-v,--verbose", options.verbose, "say more on stderr");
    app.add_flag("-q,--quiet", options.quiet, "only errors on stderr");
    addRun(app, options);
    addChat(app, options);
    addEval(app, options);
    addDataset(app, options);
    addExport(app, options);
    addInfo(app, options);
    addBench(app, options);
    addLeak(app, options);
    addDiff(app, options);
    addWhatIfVerb(app, options);
    for (CLI::App* verb : app.get_subcommands({})) verb->footer(kFooter);

    // llama.cpp's users write -pg; CLI11 knows one-letter short options only.
    std::vector<std::string> arguments(argv + 1, argv + argc);
    for (std::string& a : arguments) {
        if (a == "-pg") a = "--pg";
    }
    if (!arguments.empty() && arguments.front() == "help") {  // as git and others have it
        arguments.erase(arguments.begin());
        arguments.push_back("--help");
    }
    const auto isVerb = [&app](const std::string& name) {
        const auto verbs = app.get_subcommands({});
        return std::any_of(verbs.begin(), verbs.end(), [&](const CLI::App* verb) { return verb->check_name(name); });
    };
    if (!arguments.empty() && arguments.front().rfind('-', 0) != 0 && !isVerb(arguments.front())) {
        return misused("there is no verb \"" + arguments.front() + "\"");
    }
    std::reverse(arguments.begin(), arguments.end());
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() != 0) return misused(e.what());
        app.exit(e, std::cout, std::cerr);  // --help, --version
        return kOk;
    }
    if (options.verb == Verb::None)
        return misused("say what to do: run, chat, eval, dataset, export, info, bench, leak, diff or whatif");
    return std::nullopt;
}

}  // namespace spanscope::cli
