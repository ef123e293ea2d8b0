#include "kernels/process_limits.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

namespace spanscope {

namespace {

/// One mounted hierarchy of control groups and this process's place in it.
struct Group {
    std::string mount;   ///< folder of the hierarchy's top that can be seen from here
    std::string inside;  ///< of the process, from there: "" or "/a/b"
    bool v2 = false;
};

std::vector<std::string> words(const std::string& line, char separator) {
    std::vector<std::string> list;
    std::istringstream in(line);
    for (std::string word; std::getline(in, word, separator);) list.push_back(word);
    return list;
}

bool holds(const std::string& list, const std::string& name) {
    const std::vector<std::string> all = words(list, ',');
    return std::find(all.begin(), all.end(), name) != all.end();
}

/// mountinfo writes a space as \040 and so on.
std::string unescaped(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Where the process's group stands below a mount that shows `root` of the hierarchy. A path that is not below it (a
/// container that sees only its own group) is the mount itself.
std::string below(const std::string& path, const std::string& root) {
    if (root == "/") return path == "/" || path.starts_with("/..") ? "" : path;
    if (path == root || !path.starts_with(root + "/")) return {};
    return path.substr(root.size());
}

/// The hierarchies with a controller ("cpu", "memory"): the old kind, which has one for each, and the unified one.
std::vector<Group> groupsOf(const SystemFiles& files, const std::string& controller) {
    struct Membership {
        std::string controllers, path;
    };
    std::vector<Membership> memberships;
    std::ifstream self(files.proc + "/self/cgroup");
    for (std::string line; std::getline(self, line);) {  // 4:cpu,cpuacct:/a/b, or 0::/a/b
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        memberships.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
    }
    std::vector<Group> groups;
    std::ifstream mounts(files.proc + "/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {  // 36 35 98:0 /root /mount options ... - type source options
        const std::vector<std::string> all = words(line, ' ');
        const auto dash = std::find(all.begin(), all.end(), "-");
        if (all.size() < 6 || all.end() - dash < 4) continue;
        const bool v2 = dash[1] == "cgroup2";
        if (!v2 && !(dash[1] == "cgroup" && holds(dash[3], controller))) continue;
        for (const Membership& m : memberships)
            if (v2 ? m.controllers.empty() : holds(m.controllers, controller))
                groups.push_back({files.prefix + unescaped(all[4]), below(m.path, unescaped(all[3])), v2});
    }
    return groups;
}

/// Calls look(folder) for the process's group and every group above it that can be seen.
template <class Look>
void forEachLevel(const Group& group, const Look& look) {
    for (std::string inside = group.inside;; inside.resize(inside.rfind('/'))) {
        look(group.mount + inside);
        if (inside.find('/') == std::string::npos) return;
    }
}

/// A number in a file; nothing where there is none ("max", absent).
std::optional<int64_t> numberIn(const std::string& path) {
    std::ifstream file(path);
    int64_t value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

/// The sum of some lines "name bytes".
uint64_t sumIn(const std::string& path, std::initializer_list<const char*> names) {
    std::ifstream file(path);
    uint64_t sum = 0, value = 0;
    for (std::string name; file >> name >> value;)
        if (std::find(names.begin(), names.end(), name) != names.end()) sum += value;
    return sum;
}

std::optional<double> quotaOf(const std::string& folder, bool v2) {
    int64_t quota = 0, period = 0;
    if (v2) {
        std::ifstream file(folder + "/cpu.max");
        if (!(file >> quota >> period)) return {};
    } else {
        quota = numberIn(folder + "/cpu.cfs_quota_us").value_or(-1);
        period = numberIn(folder + "/cpu.cfs_period_us").value_or(0);
    }
    if (quota <= 0 || period <= 0) return {};
    return static_cast<double>(quota) / static_cast<double>(period);
}

/// What one group leaves; nothing where it has no limit.
std::optional<uint64_t> roomIn(const std::string& folder, bool v2) {
    constexpr int64_t kNoLimit = int64_t{1} << 60;  // the old kind writes the largest number of pages
    std::optional<int64_t> limit = numberIn(folder + (v2 ? "/memory.max" : "/memory.limit_in_bytes"));
    if (v2) {
        const auto high =
            numberIn(folder + "/memory.high");  // beyond it the process is held back, not ended; of no use either
        if (high && (!limit || *high < *limit)) limit = high;
    }
    const std::optional<int64_t> used = numberIn(folder + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
    if (!limit || !used || *limit >= kNoLimit) return {};
    const uint64_t files = v2 ? sumIn(folder + "/memory.stat", {"inactive_file", "active_file"})
                              : sumIn(folder + "/memory.stat", {"total_inactive_file", "total_active_file"});
    const uint64_t held = static_cast<uint64_t>(*used) > files ? static_cast<uint64_t>(*used) - files : 0;
    return static_cast<uint64_t>(*limit) > held ? static_cast<uint64_t>(*limit) - held : 0;
}

int32_t coresToRunOn() {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t n = 1024; n <= 1 << 18; n *= 4) {  // the mask must have room for every core of the machine
        cpu_set_t* set = CPU_ALLOC(n);
        if (!set) break;
        const bool read = sched_getaffinity(0, CPU_ALLOC_SIZE(n), set) == 0;
        const int count = read ? CPU_COUNT_S(CPU_ALLOC_SIZE(n), set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return cores > 0 ? static_cast<int32_t>(cores)
                     : static_cast<int32_t>(std::max(1U, std::thread::hardware_concurrency()));
}

uint64_t availableOf(const SystemFiles& files) {
    std::ifstream meminfo(files.proc + "/meminfo");
    for (std::string key, rest; meminfo >> key; std::getline(meminfo, rest)) {
        uint64_t kib = 0;
        if (key == "MemAvailable:" && meminfo >> kib) return kib * 1024;
    }
    struct sysinfo machine {};  // without /proc: what is not used at all
    return sysinfo(&machine) == 0 ? (uint64_t{machine.freeram} + machine.bufferram) * machine.mem_unit : 0;
}

/// What `ulimit -v` leaves.
uint64_t addressSpaceLeft(const SystemFiles& files) {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::numeric_limits<uint64_t>::max();
    const uint64_t used = static_cast<uint64_t>(numberIn(files.proc + "/self/statm").value_or(0)) *
                          static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

}  // namespace

int32_t usableThreads(const SystemFiles& files) {
    int32_t n = coresToRunOn();
    for (const Group& group : groupsOf(files, "cpu"))
        forEachLevel(group, [&](const std::string& folder) {
            if (const auto quota = quotaOf(folder, group.v2))
                n = std::min(n, static_cast<int32_t>(std::ceil(std::min(*quota, 1e6))));
        });
    return std::max(1, n);
}

uint64_t freeMemoryBytes(const SystemFiles& files) {
    uint64_t room = std::min(availableOf(files), addressSpaceLeft(files));
    for (const Group& group : groupsOf(files, "memory"))
        forEachLevel(group, [&](const std::string& folder) {
            if (const auto left = roomIn(folder, group.v2)) room = std::min(room, *left);
        });
    return room;
}

}  // namespace spanscope
