// Where this program's own file lies: plugins and bundled models are looked for beside it, and nowhere else.
#pragma once

#include <string>

namespace spanscope {

/// Absolute; empty where the system does not say (no /proc, and started by a relative path). Never the current folder
/// by default: whoever starts a program there would run or read what somebody else put there.
std::string programFolder();

}  // namespace spanscope
