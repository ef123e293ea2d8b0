// "version" in the JSON of the command line and in conversations that the window saves: app/cli/README.md.
#pragma once

namespace spanscope {

/// Raised when a field is renamed or means something else.
inline constexpr int kJsonVersion = 2;

}  // namespace spanscope
