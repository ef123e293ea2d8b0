// readJson() against the library's own parser: what is accepted is equal, and what is refused has a reason.
#include "engine/files/json_read.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr JsonLimits kLimits{16, 1000};
    JsonProblem problem;
    const auto value = readJson(text, problem, kLimits);
    const auto other = nlohmann::json::parse(text, nullptr, false);
    if (value) {
        fuzz::require(problem.message.empty() && !other.is_discarded() && *value == other);
        return 0;
    }
    fuzz::require(!problem.message.empty() && problem.byte <= size);
    // Without a limit or a key twice, only what the library refuses is refused, and a NUL byte.
    if (problem.message == "not valid JSON") fuzz::require(other.is_discarded());
    return 0;
}
