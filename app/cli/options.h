// What the command line says, as plain values. Parsing (CLI11) is options.cpp's business alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/types/records.h"
#include "kernels/backends.h"
#include "ui/export/figure_list.h"

namespace spanscope::cli {

struct Range {
    int32_t min = 0, max = 0;
};

struct ModelOptions {
    std::string path;               ///< empty: a bundled model
    std::string adapter;            ///< folder of a PEFT LoRA adapter over it; empty: none
    std::string bundled = "arith";  ///< which one: its folder's name
    Device device = Device::Auto;   ///< model_setup.h, deviceOf(): what that is here
    int32_t nThreads = 0;
    int32_t contextTokens = 0;
    std::optional<DType> kvType;  ///< not given: the backend's default
    bool force = false;
};

struct RunOptions {
    ModelOptions model;
    std::string task, prompt, promptFile, system;
    std::string vocabulary;  ///< name of a bundled one, or a file; empty: none
    std::optional<bool> thinking;
    bool promptGiven = false;
    std::vector<int32_t> promptIds;
    std::vector<MaskPolicySpec> attention;  ///< empty: what the model is made for
    int32_t maxTokens = -1;
    SamplerSettings sampler;
    int64_t seed = 0;
    bool json = false, raw = false, dryRun = false;
    std::string traceFile;
};

struct ChatOptions {
    ModelOptions model;
    std::string system;
    std::optional<bool> thinking;
    std::vector<MaskPolicySpec> attention;  ///< one
    int32_t maxTokens = -1;
    SamplerSettings sampler;
    int64_t seed = 0;
    bool json = false;
    std::string traceFile;
};

struct EvalOptions {
    ModelOptions model;
    std::string task, file, failuresFile, outputsFile;
    std::optional<Range> operators, lines, digits;
    std::string shape = "any";
    bool shapes = false;       ///< every cell of the shapes' table instead
    int64_t longCount = 0;     ///< shapes: problems in cells of long sheets; 0 = a fifth of the others
    std::string markdownFile;  ///< shapes
    int64_t count = 0;
    uint64_t seed = 0;
    std::vector<MaskPolicySpec> attention;
    std::vector<std::string> budgets;  ///< what follows the name of an attention that takes one; empty: as declared
    int32_t maxTokens = -1;
    int32_t nJobs = 0;
    int32_t batch = 8;
    bool json = false;
};

struct DatasetOptions {
    std::string task, out = "-", tokenizer, input = "synthetic";
    std::string recorded;  ///< lines to encode again, instead of making some
    int64_t count = -1;
    uint64_t seed = 0;
    std::optional<Range> operators, lines, window, digits;
    std::string shape = "any", coverageFile;
    // news
    std::optional<Range> sentences, ids;
    int32_t maxTokens = 0, maxWords = 0, maxPoints = 5;
    bool heldHeadlines = false;
    bool skipBadLines = false;
    std::string notLike, overlapWith;
    bool textOnly = false;
    bool plain = false;
};

struct ExportOptions {
    ModelOptions model;  ///< for what needs a replay
    std::string trace;
    std::string against;                       ///< another trace; empty: the dense run of the same file
    int32_t step = -1, layer = -1, head = -1;  ///< probed, or reached; step -1 = the last, layer and head -1 = mean
    int64_t run = -1;                          ///< index in the file; -1 = the first declared one, else the first
    std::vector<std::string> data;             ///< target of each row of dataExports(); empty: not asked for
    std::vector<std::string> pictures;         ///< the same for kPictures
    std::string figure = "mask";               ///< a name of kFigures
    std::string allFigures;                    ///< folder for every figure that there is; empty: not asked for
    std::string format = "pdf";                ///< of all figures: an ending of kPictures
    FigureOptions drawing;
    WhatIf whatIf;
};

struct InfoOptions {
    ModelOptions model;
    std::string trace, vocabulary;
    bool json = false;
};

struct BenchOptions {
    ModelOptions model;
    std::vector<int32_t> promptSizes, predictSizes, depths;
    std::vector<Range> promptThenPredict;  ///< -pg P,N
    std::vector<MaskPolicySpec> attention;
    std::string randomWeights, output = "md";
    std::string weightType = "bf16";
    std::vector<int32_t> batches;
    uint64_t seed = 1;
    int32_t repetitions = 5;
    bool warmup = true;
};

struct LeakOptions {
    ModelOptions model;
    std::string task;
    int32_t nProblems = 400, nLater = 4, nTwins = 20;
    uint64_t seed = 1;
    bool json = false;
};

struct DiffOptions {
    std::string a, b;  ///< b empty: the modes inside a
    bool json = false;
};

struct WhatIfOptions {
    std::string trace;
    int64_t run = -1;                        ///< as ExportOptions::run
    std::vector<int32_t> contexts, batches;  ///< a row each; empty: as the run had it
    WhatIf how;
    bool measure = false, json = false;
};

enum class Verb { None, Run, Chat, Eval, Dataset, Export, Info, Bench, Leak, Diff, WhatIf };

struct Options {
    Verb verb = Verb::None;
    bool quiet = false, verbose = false;
    RunOptions run;
    ChatOptions chat;
    EvalOptions eval;
    DatasetOptions dataset;
    ExportOptions exports;
    InfoOptions info;
    BenchOptions bench;
    LeakOptions leak;
    DiffOptions diff;
    WhatIfOptions whatIf;
};

/// Parses; on --help, --version or a mistake prints and returns the exit code to leave with.
std::optional<int> parseOptions(int argc, char** argv, Options& options);

}  // namespace spanscope::cli
