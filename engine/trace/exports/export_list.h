// Every data file that a run can become, one row each. The export dialog, the options and the help of the command line,
// the table in app/cli/README.md and the tests are made from this list; figures have theirs in ui/export/figure_list.h.
#pragma once

// X(write, title, ending, option, about, needs): as in DataExport (engine/types/data_export.h). `write` is declared by
// exports.h and defined in a file of its own in this folder.
#define SPANSCOPE_DATA_EXPORTS(X)                                                                                     \
    X(exportMaskNpy, "Mask as NumPy array", "npy", "--npy",                                                           \
      "uint8 (steps, context positions): 0 future, 1 allowed but not attended, 2 attended", Nothing)                  \
    X(exportMaskNpz, "Mask with tokens as NumPy archive", "npz", "--npz",                                             \
      "the mask, token ids, positions, tokens attended and loaded in each step, and what the run was", Nothing)       \
    X(exportSpansCsv, "Spans as CSV", "csv", "--csv",                                                                 \
      "one row for each step and interval that it attended, with the share of heads that did", Nothing)               \
    X(exportSegmentsCsv, "Segments as CSV", "segments.csv", "--segments-csv",                                         \
      "one row for each segment: references, tokens, attended, loaded, violations, what it says and whether it is "   \
      "right",                                                                                                        \
      Nothing)                                                                                                        \
    X(exportTokensCsv, "Tokens as CSV", "tokens.csv", "--tokens-csv",                                                 \
      "one row for each token of prompt and response: position, id, text, phase, segment", Nothing)                   \
    X(exportThroughputCsv, "Throughput table", "throughput.csv", "--throughput-csv",                                  \
      "one row for each step and lane: context, time, step time, tokens per second, attended, loaded, causal",        \
      Nothing)                                                                                                        \
    X(exportWhatIfCsv, "What if as CSV", "whatif.csv", "--whatif-csv",                                                \
      "predicted time and bytes of a step over context lengths, dense, with the run's spans and with nothing read, "  \
      "and what was measured",                                                                                        \
      Nothing)                                                                                                        \
    X(exportIntervalsJson, "Intervals as JSON", "json", "--json", "the interval list of every step", Nothing)         \
    X(exportReachCsv, "Reach of a step as CSV", "reach.csv", "--reach-csv",                                           \
      "one row for each context position: read by the step directly, through how many tokens in between, or never",   \
      Nothing)                                                                                                        \
    X(exportReachJson, "Reach of a step as JSON", "reach.json", "--reach-json",                                       \
      "the interval lists of what could have acted on the step, for each number of tokens in between", Nothing)       \
    X(exportTranscriptMarkdown, "Transcript as Markdown", "md", "--md,--markdown",                                    \
      "prompt and response in plain words with their checks, as written, and the figures of the run", Nothing)        \
    X(exportReportHtml, "Report as HTML", "html", "--html",                                                           \
      "one page that needs no network: transcript, mask, tables, figures", Nothing)                                   \
    X(exportTrace, "Trace", "spantrace", "--spantrace",                                                               \
      "the recorded run, and the one beside it, to open in the window or to work on by script", Nothing)              \
    X(exportDifferenceNpy, "Difference as NumPy array", "difference.npy", "--difference-npy",                         \
      "uint8 (steps of both, context positions): 0 future, 1 attended by neither run, 2 by both, 3 by the second "    \
      "only, "                                                                                                        \
      "4 by the first only",                                                                                          \
      Other)                                                                                                          \
    X(exportDifferenceCsv, "Difference as CSV", "difference.csv", "--difference-csv",                                 \
      "one row for each step and stretch of positions that only one of the two runs attended", Other)                 \
    X(exportAttentionCsv, "Attention of a step as CSV", "attention.csv", "--attention-csv",                           \
      "one row for each context position of the probed step: inside the span or not, attention dense and declared",   \
      Probe)                                                                                                          \
    X(exportHeadsCsv, "Mass kept as CSV", "heads.csv", "--heads-csv",                                                 \
      "one row for each layer and head of the probed step: share of the dense attention mass inside the span", Probe) \
    X(exportDivergenceCsv, "Divergence as CSV", "divergence.csv", "--divergence-csv",                                 \
      "one row for each step: KL(dense \u2016 run) in nats, what each would choose, and in the window, where it was " \
      "measured, the dense mass kept",                                                                                \
      Curve)
