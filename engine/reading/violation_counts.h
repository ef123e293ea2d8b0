// How often each kind of violation came in a run: what the command line and the window say of malformed tags. Any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/types/records.h"

namespace spanscope {

/// By violationName(); without the token limit, which is nobody's writing.
std::map<std::string, int64_t> violationCounts(const RunData& run);

/// "unknown label: 2, closing tag without an opening one: 1"; empty for none.
std::string violationCountsText(const RunData& run);

}  // namespace spanscope
