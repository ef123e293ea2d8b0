// One function for each verb; the exit code is what main() returns.
#pragma once

#include "app/cli/log.h"
#include "app/cli/options.h"

namespace spanscope::cli {

int runVerb(const RunOptions& options, const Log& log);
int chatVerb(const ChatOptions& options, const Log& log);
int evalVerb(const EvalOptions& options, const Log& log);
int datasetVerb(const DatasetOptions& options, const Log& log);
int exportVerb(const ExportOptions& options, const Log& log);
int infoVerb(const InfoOptions& options, const Log& log);
int benchVerb(const BenchOptions& options, const Log& log);
int leakVerb(const LeakOptions& options, const Log& log);
int diffVerb(const DiffOptions& options, const Log& log);
int whatIfVerb(const WhatIfOptions& options, const Log& log);

}  // namespace spanscope::cli
