#include "engine/decode/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "engine/files/decimal.h"

namespace spanscope {

namespace {

std::string cpuName() {
    std::ifstream file("/proc/cpuinfo");
    std::string line;
    while (std::getline(file, line)) {
        if (line.rfind("model name", 0) != 0) continue;
        const size_t colon = line.find(": ");
        if (colon != std::string::npos) return line.substr(colon + 2);
    }
    return {};
}

}  // namespace

std::string describeMachine() {
    utsname system{};
    uname(&system);
    std::string name = cpuName();
    if (name.empty()) name = system.machine;
    const double memoryGiB =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE)) / double(1 << 30);
    return name + ", " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores, " + decimal(memoryGiB, 1) + " GiB, " +
           system.sysname;
}

ProcessMemory processMemory() {
    std::ifstream status("/proc/self/status");
    ProcessMemory m;
    for (std::string key; status >> key;) {
        int64_t* into = key == "VmHWM:"     ? &m.peakBytes
                        : key == "RssAnon:" ? &m.anonBytes
                        : key == "RssFile:" ? &m.fileBytes
                                            : nullptr;
        if (into && status >> *into) *into *= 1024;
        std::getline(status, key);
    }
    return m;
}

}  // namespace spanscope
