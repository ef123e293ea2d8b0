// spanscope.json.
#include "engine/model/card.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string cardFile;
    const auto card = parseCard({reinterpret_cast<const char*>(data), size}, "spanscope.json", cardFile);
    if (!card) {
        fuzz::checkError(card.error());
        return 0;
    }
    fuzz::require(card->protocolVersion == kProtocolVersion && cardFile.find('/') == std::string::npos);
    if (card->base) {
        const BaseModel& base = *card->base;
        fuzz::require(!card->baseHash.empty() && base.bytes > 0 && base.sha256.size() == 64 && !base.name.empty());
        fuzz::require(base.file.find('/') == std::string::npos && base.file.ends_with(".gguf") && base.file[0] != '.');
        fuzz::require(base.fetch.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
    }
    for (const TaskCard& task : card->tasks)
        fuzz::require(card->task(task.name) == &task && task.policy.maxRefs > 0 && task.maxValue >= 0);
    return 0;
}
