// A program that gets a text on its standard input and answers with one on its standard output. No shell, an empty
// environment, no descriptors of ours but these two; what it says on its standard error is dropped.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct ChildLimits {
    std::chrono::milliseconds time{20'000};  ///< then it is killed
    size_t outputBytes = size_t{256} << 20;  ///< likewise
};

struct ChildAnswer {
    std::string output;
    bool timedOut = false, tooMuch = false;  ///< killed for this; output is what came until then
    int status = 0;                          ///< as waitpid() has it
};

/// arguments: the first is the program's absolute path. NotFound where it is not there, Io where the system refuses.
Result<ChildAnswer> askProgram(const std::vector<std::string>& arguments, std::string_view input,
                               const ChildLimits& limits);

}  // namespace spanscope
