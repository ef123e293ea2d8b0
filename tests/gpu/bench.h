// What the groups of bench_cuda share: the line writer, and times of work on the device.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/step/elementwise.h"
#include "tests/gpu/check.h"

namespace bench {

using namespace spanscope;
using namespace spanscope::cuda;

inline std::FILE* outFile = nullptr;

inline void emit(const std::string& name, std::initializer_list<std::pair<const char*, double>> values) {
    std::string line = "{\"case\": \"" + name + "\"";
    char text[64];
    for (const auto& [key, value] : values) {
        std::snprintf(text, sizeof(text), ", \"%s\": %.6g", key, value);
        line += text;
    }
    line += "}\n";
    std::fputs(line.c_str(), outFile);
    std::fflush(outFile);
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

/// Measurements have no one to hand an error to: say it and end this group.
[[noreturn]] inline void stop(const std::string& why) {
    std::printf("STOPPED: %s\n", why.c_str());
    std::exit(1);
}
inline void need(cudaError_t s, const char* what) {
    if (s != cudaSuccess) stop(std::string(what) + ": " + cudaGetErrorString(s));
}
inline void need(const Status& s) {
    if (!s.ok()) stop(s.error().toString());
}
inline double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

inline LaunchContext makeContext() {
    LaunchContext ctx;
    std::string name;
    need(openContext(0, ctx, name));
    return ctx;
}

/// Microseconds of n calls of `round` on the stream.
inline double timedUs(const LaunchContext& ctx, int n, const std::function<void()>& round) {
    cudaEvent_t a = nullptr, b = nullptr;
    need(cudaEventCreate(&a), "event");
    need(cudaEventCreate(&b), "event");
    need(cudaEventRecord(a, ctx.stream), "record");
    for (int i = 0; i < n; ++i) round();
    need(cudaEventRecord(b, ctx.stream), "record");
    need(cudaEventSynchronize(b), "synchronize");
    float ms = 0;
    need(cudaEventElapsedTime(&ms, a, b), "elapsed");
    (void)cudaEventDestroy(a);
    (void)cudaEventDestroy(b);
    return static_cast<double>(ms) * 1e3;
}

/// Microseconds of one call of `enqueue` captured as a graph: seven samples, the median.
inline double graphUs(const LaunchContext& ctx, const std::function<void()>& enqueue, double sampleUs = 20e3) {
    enqueue();  // loads what is loaded lazily
    need(cudaStreamSynchronize(ctx.stream), "warm-up");
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    need(cudaStreamBeginCapture(ctx.stream, cudaStreamCaptureModeThreadLocal), "capture");
    enqueue();
    need(cudaStreamEndCapture(ctx.stream, &graph), "end of capture");
    need(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    const auto time = [&](int n) {
        return timedUs(ctx, n, [&] { need(cudaGraphLaunch(exec, ctx.stream), "launch"); }) / n;
    };
    time(2);
    const int n = std::max(1, static_cast<int>(sampleUs / std::max(1.0, time(2))));
    std::vector<double> samples;
    for (int i = 0; i < 7; ++i) samples.push_back(time(n));
    (void)cudaGraphExecDestroy(exec);
    (void)cudaGraphDestroy(graph);
    return median(samples);
}

inline void noise(const LaunchContext& ctx, void* to, Element type, int64_t n, uint32_t seed, float scale) {
    NoiseParams p;
    p.to = to;
    p.type = type;
    p.n = n;
    p.seed = seed;
    p.scale = scale;
    need(launchNoise(ctx, p), "noise");
}

void steps();  ///< bench_steps.cpp
void families();
void small();
void lossless();  ///< bench_lossless.cpp

}  // namespace bench
