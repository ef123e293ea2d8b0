// A text file that a person named, opened for reading; says what is wrong with it before the first line is read.
#pragma once

#include <fstream>
#include <string>

#include "kernels/result.h"

namespace spanscope {

/// NotFound with the system's reason; Io for a folder, which opens like a file and reads like an empty one.
Result<std::ifstream> openInput(const std::string& path);

}  // namespace spanscope
