// What a model wrote, problem by problem, for people to read: Markdown, or JSON Lines for programs.
#pragma once

#include <string>
#include <vector>

#include "app/cli/eval_rows.h"
#include "engine/files/output_file.h"

namespace spanscope::cli {

/// Every problem that was done. News: the article's first sentence, its own title, the headline, and each key point
/// with the sentences that it declares; other tasks: prompt, answer, what was found. markdown: a section a problem with
/// an empty verdict to fill in; else one JSON object a line.
void writeOutputs(OutputFile& file, const std::vector<Problem>& problems, const std::vector<Row>& rows, bool markdown);

}  // namespace spanscope::cli
