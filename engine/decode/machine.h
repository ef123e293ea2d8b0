// What a reader of a trace should know of the computer it was made on. Linux; elsewhere the architecture only.
#pragma once

#include <string>

namespace spanscope {

/// "AMD EPYC 9654, 2 cores, 7.8 GiB, Linux 6.1".
std::string describeMachine();

}  // namespace spanscope
