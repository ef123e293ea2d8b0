// Where the bundled models are.
#pragma once

#include <string>

namespace spanscope::cli {

/// Folder of the bundled model: $SPANSCOPE_MODELS/arith, the build tree's checkout, or the installed share folder;
/// the first that exists, else the last one looked at (so that an error can name it).
std::string bundledModel(const std::string& name = "arith");

}  // namespace spanscope::cli
