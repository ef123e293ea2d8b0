// What a reader costs, so that a hostile file costs no more than an honest one of its size: time that grows with the
// size, memory within a multiple of it. Processor time, not the clock's, and ratios only: other work on the machine
// does not fail a test.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>

namespace spanscope::test {

inline double processorSeconds() {
    timespec now = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Of one round, where one alone may take no time that can be measured.
inline double costOf(const std::function<void()>& work) {
    int rounds = 0;
    const double start = processorSeconds();
    do {
        work();
        ++rounds;
    } while (processorSeconds() - start < 0.02);
    return (processorSeconds() - start) / rounds;
}

inline constexpr double kLinear = 8;  ///< between 4 and 16, with room for caches

/// cost(4n) / cost(n), each the least of a few tries taken in turn, so that neighbours who empty the caches empty
/// both's, and of more where these are not enough: 4 for a linear reader, 16 for a quadratic one. work(n) does the work
/// of size n; what prepare(n) returns is made before and not counted.
template <class Input>
double growth(size_t n, const std::function<Input(size_t)>& prepare, const std::function<void(const Input&)>& work) {
    const Input small = prepare(n);
    const Input large = prepare(4 * n);
    double ofSmall = 1e9, ofLarge = 1e9;
    for (int attempt = 0; attempt < 6 || (attempt < 30 && ofLarge >= kLinear * ofSmall); ++attempt) {
        ofSmall = std::min(ofSmall, costOf([&] { work(small); }));
        ofLarge = std::min(ofLarge, costOf([&] { work(large); }));
    }
    return ofLarge / ofSmall;
}

inline constexpr bool kMemoryCanBeLimited =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    false;  // sanitizers reserve terabytes of addresses
#else
    true;
#endif

/// Does `work` in a process of its own that may use `bytes` more than this one does now. True if it came to its end.
inline bool fitsIn(size_t bytes, const std::function<void()>& work) {
    if (!kMemoryCanBeLimited) return true;
    const pid_t child = fork();
    if (child == 0) {
        size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const rlim_t limit = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + bytes;
        const rlimit both{limit, limit};
        if (setrlimit(RLIMIT_AS, &both) != 0) _exit(2);
        try {
            work();
        } catch (...) { _exit(3); }
        _exit(0);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace spanscope::test
