// A test harness of a few lines, so that these programs build where Qt is not: counts checks, prints what failed.
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace check {

inline int nChecks = 0;
inline int nFailed = 0;

inline void that(bool ok, const std::string& what, const char* file, int line) {
    ++nChecks;
    if (ok) return;
    if (++nFailed <= 40) std::printf("FAIL %s:%d: %s\n", file, line, what.c_str());
}
#define CHECK_THAT(condition, what) \
    ::check::that((condition), std::string(#condition) + "  [" + (what) + "]", __FILE__, __LINE__)

inline int finish(const char* name) {
    std::printf("%s: %d checks, %d failed\n", name, nChecks, nFailed);
    return nFailed == 0 && nChecks > 0 ? 0 : 1;
}

/// Says so and returns false where there is no usable device.
inline bool haveGpu() {
    int n = 0;
    const cudaError_t status = cudaGetDeviceCount(&n);
    if (status == cudaSuccess && n > 0) return true;
    std::printf("SKIPPED: no GPU (%s)\n", status == cudaSuccess ? "no device" : cudaGetErrorString(status));
    return false;
}

/// --short on the command line: small sizes, for runs under compute-sanitizer.
inline bool isShort(int argc, char** argv) { return argc > 1 && std::strcmp(argv[1], "--short") == 0; }

class Random {
  public:
    explicit Random(uint64_t seed) : m_state(seed) {}
    uint64_t next() {
        uint64_t z = (m_state += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    int below(int n) { return static_cast<int>(next() % static_cast<uint64_t>(n)); }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    float normal() {
        const double u = 1.0 - uniform(), v = uniform();
        return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v));
    }

  private:
    uint64_t m_state;
};

/// ||a - b|| / ||b||; anything not finite counts as infinitely wrong.
template <class A, class B>
double relativeError(const A* a, const B* b, size_t n) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; ++i) {
        const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        if (!std::isfinite(x)) return INFINITY;
        difference += (x - y) * (x - y);
        norm += y * y;
    }
    return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-30);
}

}  // namespace check
