// Where the bundled models are.
#pragma once

#include <string>

namespace spanscope::cli {

/// Folder of a bundled model, by its name: in $SPANSCOPE_MODELS or among the program's resources; the first that
/// exists, else the first one looked at (so that an error can name it).
std::string bundledModel(const std::string& name);

/// The name of the bundled model that learnt a task: for news kSpansAdapter where it is there, else "news"; "arith" for
/// the others and where none is named.
std::string bundledFor(const std::string& task);

}  // namespace spanscope::cli
