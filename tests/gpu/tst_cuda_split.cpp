// How work is shared out over the attention grid, checked on the host: every page visit exactly once, shares equal,
// parts of a task in distinct slots, buckets that hold their rows; which kernel of span attention a launch takes; and
// what layers that differ have of rotations and windows.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernels/backends.h"
#include "kernels/cuda/attention/span_kernel.h"
#include "kernels/cuda/layer_kinds.h"

using namespace spanscope;
using namespace spanscope::cuda;

static int nFailed = 0, nChecks = 0;
static void check(bool ok, const std::string& what) {
    ++nChecks;
    if (!ok && ++nFailed < 20) std::printf("FAIL %s\n", what.c_str());
}

/// The plan as LayerPlan (span_attention.cu) makes it, row after row.
static SplitPlan planOf(const std::vector<int>& pagesOfRow, int tasksPerRow, int nBlocks, int minPages) {
    int nVisits = 0;
    for (int n : pagesOfRow) nVisits += n * tasksPerRow;
    SplitPlan plan = makeSplitPlan(nVisits, nBlocks, minPages);
    if (nVisits == 0) return plan;
    int nSplits = 0, longest = 0;
    for (int n : pagesOfRow) {
        const RowSplit split = splitOfRow(plan, n);
        nSplits += split.nSplits * tasksPerRow;
        longest = std::max(longest, split.pages);
    }
    trySplitK(plan, nSplits, longest);
    return plan;
}

struct Task {
    int begin, end;
};
struct Visited {
    std::map<int, std::set<int>> slotsOfTask;
    std::map<int, int> pages, slotOwner;
    void part(const std::string& name, int task, int slot, int chunk) {
        check(slot >= 2 * chunk && slot <= 2 * chunk + 1, name + ": slot of its chunk");
        check(slotOwner.emplace(slot, task).second, name + ": slot used once");
        slotsOfTask[task].insert(slot);
    }
};

static void walkLine(const std::string& name, const SplitPlan& plan, const std::vector<Task>& tasks, Visited& seen) {
    int before = 0;
    for (int c = 0; c < plan.nChunks; ++c) {
        int visit = chunkBegin(plan, c);
        const int end = chunkEnd(plan, c);
        check(visit == before && end > visit, name + ": chunks follow each other and none is empty");
        check(chunkOf(plan, visit) == c && chunkOf(plan, end - 1) == c, name + ": a visit's chunk");
        before = end;
        size_t t = 0;
        while (visit < end) {
            while (tasks[t].end <= visit) ++t;
            const int n = std::min(end, tasks[t].end) - visit;
            seen.pages[static_cast<int>(t)] += n;
            check(c >= chunkOf(plan, tasks[t].begin) && c <= chunkOf(plan, tasks[t].end - 1),
                  name + ": chunk in range");
            if (n < tasks[t].end - tasks[t].begin)
                seen.part(name, static_cast<int>(t), partialSlot(plan, c, tasks[t].begin), c);
            visit += n;
        }
    }
    check(before == plan.nVisits, name + ": all visits are in a chunk");
    for (size_t t = 0; t < tasks.size(); ++t) {
        const auto parts = seen.slotsOfTask.find(static_cast<int>(t));
        if (parts == seen.slotsOfTask.end()) continue;
        const int expected = chunkOf(plan, tasks[t].end - 1) - chunkOf(plan, tasks[t].begin) + 1;
        check(static_cast<int>(parts->second.size()) == expected, name + ": as many parts as the merger waits for");
    }
}

static void walkParts(const std::string& name, const SplitPlan& plan, const std::vector<int>& pagesOfRow,
                      int tasksPerRow, Visited& seen) {
    int chunk = 0, task = 0;
    for (int n : pagesOfRow) {
        const RowSplit split = splitOfRow(plan, n);
        for (int t = 0; n > 0 && t < tasksPerRow; ++t, ++task)
            for (int part = 0; part < split.nSplits; ++part, ++chunk) {
                const int first = part * split.pages, last = std::min(n, first + split.pages);
                check(last > first, name + ": no part is empty");
                seen.pages[task] += last - first;
                if (split.nSplits > 1) seen.part(name, task, partialSlot(plan, chunk, -1), chunk);
            }
    }
    check(chunk == plan.nChunks, name + ": as many chunks as were counted");
}

static int nByParts = 0, nOnLine = 0;
static void checkPlan(const std::vector<int>& pagesOfRow, int tasksPerRow, int nBlocks, int minPages) {
    std::vector<Task> tasks;
    int at = 0;
    for (int n : pagesOfRow)
        for (int t = 0; t < tasksPerRow; ++t) {
            if (n > 0) tasks.push_back({at, at + n});
            at += n;
        }
    const SplitPlan plan = planOf(pagesOfRow, tasksPerRow, nBlocks, minPages);
    const std::string name = std::to_string(pagesOfRow.size()) + " rows, " + std::to_string(at) + " visits, " +
                             std::to_string(nBlocks) + " blocks, min " + std::to_string(minPages) +
                             (plan.splitK ? ", by parts" : "");
    check(plan.nVisits == at, name + ": visits");
    check(plan.nChunks <= nBlocks, name + ": a block for every chunk");
    check(plan.chunk >= minPages, name + ": no finer than asked");
    const int even = std::max((at + nBlocks - 1) / nBlocks, minPages);
    ++(plan.splitK ? nByParts : nOnLine);
    check(plan.chunk <= even + 3, name + ": no coarser than needed");
    Visited seen;
    if (plan.splitK) walkParts(name, plan, pagesOfRow, tasksPerRow, seen);
    else walkLine(name, plan, tasks, seen);
    if (plan.splitK)
        for (int n : pagesOfRow)
            check(splitOfRow(plan, n).pages <= even + 3 + kSecondTaskPages,
                  name + ": no part much longer than the mean");
    for (size_t t = 0; t < tasks.size(); ++t)
        check(seen.pages[static_cast<int>(t)] == tasks[t].end - tasks[t].begin, name + ": every page once");
}

/// Head sizes of tensor cores, with the KV type that a model of such matrices gets: never the plain kernel.
static void checkDefaultKvTypes() {
    const SpanDevice h200{132, true, 232448}, a100{108, false, 166912};
    float one = 1;
    for (DType matrices : kDTypes) {
        ModelWeights weights;
        weights.embedding = {&one, matrices, 32, 32};
        const DType kvType = defaultKvType(Device::Cuda, weights);
        const Element element = kvType == DType::F16    ? Element::F16
                                : kvType == DType::BF16 ? Element::BF16
                                                        : Element::F32;
        for (int headDim : {32, 64, 96, 128, 256})
            for (int nRows : {1, 2, 64})
                for (int nKvHeads : {1, 4, 32}) {
                    const SpanShape shape{element, nRows, 32, nKvHeads, headDim};
                    const std::string name = std::string(dtypeName(matrices)) + " matrices, " +
                                             std::to_string(headDim) + " dims, " + std::to_string(nRows) + " rows";
                    const SpanKernel onHopper = planSpanLaunch(h200, shape, SpanKernel::Auto).kernel;
                    check(onHopper != SpanKernel::Plain && onHopper != SpanKernel::Direct,
                          name + ": rings or clusters");
                    check(planSpanLaunch(a100, shape, SpanKernel::Auto).kernel == SpanKernel::Direct,
                          name + ": tensor cores on earlier devices");
                }
    }
}

static void checkSpanLaunches() {
    const SpanDevice h200{132, true, 232448};
    const auto of = [&](Element type, int nRows, int nHeads, int nKvHeads, int headDim, SpanKernel wanted) {
        return planSpanLaunch(h200, {type, nRows, nHeads, nKvHeads, headDim}, wanted);
    };
    const SpanKernel any = SpanKernel::Auto;
    check(of(Element::F32, 1, 32, 32, 128, any).kernel == SpanKernel::Plain, "F32 caches: the plain kernel");
    check(of(Element::BF16, 1, 32, 32, 80, any).kernel == SpanKernel::Plain, "odd head sizes: the plain kernel");
    check(of(Element::F32, 1, 32, 32, 128, SpanKernel::Ring).kernel == SpanKernel::Plain,
          "a kernel that does not apply is not taken");
    const SpanLaunch ring = of(Element::BF16, 8, 32, 32, 128, any);
    check(ring.kernel == SpanKernel::Ring && ring.nBlocks == 264 && ring.cluster == 0, "several rows: rings");
    check(ring.nStages == 2 && (ring.sharedBytes + 1024) * 3 > 232448 && (ring.sharedBytes + 1024) * 2 <= 232448,
          "rings: two blocks to a multiprocessor and never three, with the 1 KB that the driver takes for each");
    const SpanLaunch cluster = of(Element::BF16, 1, 32, 32, 128, any);
    check(cluster.kernel == SpanKernel::Cluster && cluster.cluster == 4 && cluster.nBlocks == 128,
          "32 tasks of one row: clusters of 4");
    const SpanLaunch deep = of(Element::BF16, 1, 32, 8, 128, any);
    check(deep.kernel == SpanKernel::ClusterDeep && deep.cluster == 8 && deep.nBlocks == 64 && deep.nStages > 0 &&
              deep.sharedBytes <= 232448 - 4096,
          "8 tasks with large tiles: clusters of 8, a multiprocessor each");
    check(of(Element::BF16, 1, 32, 8, 64, any).kernel == SpanKernel::Cluster, "small tiles: two blocks");
    const SpanLaunch wide = of(Element::BF16, 1, 4, 1, 256, any), wideRows = of(Element::BF16, 8, 16, 8, 256, any);
    check(wide.kernel == SpanKernel::ClusterDeep && wide.nStages == 1 && wide.sharedBytes <= 232448 - 4096,
          "heads 256 wide, one row: a cluster, one page of each warp in flight");
    check(wideRows.kernel == SpanKernel::Ring && wideRows.nStages == 1 && (wideRows.sharedBytes + 1024) * 2 <= 232448,
          "heads 256 wide, several rows: rings of one page, two blocks to a multiprocessor");
    check(of(Element::BF16, 1, 32, 32, 256, SpanKernel::Direct).nBlocks == 2 * 132, "and two blocks without rings");
    check(planSpanLaunch({132, true, 8192}, {Element::BF16, 1, 32, 8, 128}, any).kernel == SpanKernel::Direct,
          "no room for a ring: pages into registers");
}

static void checkLayerKinds() {
    ModelShape s;
    s.nLayers = 4;
    s.headDim = 8;
    s.ropes = {Rope::plain(100, 8), Rope::plain(10000, 4)};
    check(windowsOf(s, 1000).empty() && listOfLayer(s, 2, {}) == 0, "layers alike: no windows");
    check(nRotationTables(s) == 2 && rotationTableOf(s, 3) == 0 && rotatedPairs(s, 3) == 4, "layers alike: rope 0");
    check(rotatesInProduct(s, 0), "a whole head rotates in the product");
    s.layerKinds = {{0, 7}, {1, 0}, {-1, 300}, {1, 7}};
    const std::vector<int32_t> windows = windowsOf(s, 1000);
    check(windows == std::vector<int32_t>{7, 300}, "each window once");
    check(windowsOf(s, 300) == std::vector<int32_t>{7}, "a window as long as the cache binds nothing");
    check(listOfLayer(s, 0, windows) == 1 && listOfLayer(s, 1, windows) == 0 && listOfLayer(s, 2, windows) == 2 &&
              listOfLayer(s, 3, windows) == 1 && listOfLayer(s, 2, {7}) == 0,
          "a layer's list");
    check(nRotationTables(s) == 3 && rotationTableOf(s, 1) == 1 && rotationTableOf(s, 2) == 2,
          "a table for no rotation");
    check(rotatedPairs(s, 1) == 2 && rotatedPairs(s, 2) == 0, "pairs that rotate");
    check(!rotatesInProduct(s, 1) && rotatesInProduct(s, 2), "half of a head does not rotate in the product");
    s.ropeInterleaved = true;
    check(rotatesInProduct(s, 1), "neighbours do, however many");
    s.qkNorm = QkNorm::PerHead;
    check(!rotatesInProduct(s, 0), "nothing that is normalised first does");
    s.ropes[1].magnitude = 3;
    s.ropes[1].longInvFreq = {5, 6};
    s.ropes[1].longMagnitude = 7;
    const std::vector<float> shortOnly = rotationFrequencies(s);
    check(shortOnly.size() == 3 * 4 * 2, "one form, three tables, four pairs");
    const auto at = [](const std::vector<float>& all, size_t form, size_t table, size_t pair) {
        const size_t i = ((form * 3 + table) * 4 + pair) * 2;
        return std::pair(all[i], all[i + 1]);
    };
    check(at(shortOnly, 0, 0, 0) == std::pair(1.f, 1.f) && at(shortOnly, 0, 1, 1).second == 3.f, "magnitudes");
    check(at(shortOnly, 0, 1, 2) == std::pair(0.f, 1.f) && at(shortOnly, 0, 2, 0) == std::pair(0.f, 1.f),
          "what does not rotate keeps its values, whatever the magnitude");
    s.longRopeAbove = 50;
    const std::vector<float> both = rotationFrequencies(s);
    check(both.size() == 2 * shortOnly.size() && at(both, 1, 1, 1) == std::pair(6.f, 7.f), "the long form");
    check(at(both, 1, 0, 3) == at(both, 0, 0, 3), "a rope without one keeps its own");
}

/// Of pages that several queries of a sequence share, each query's tokens.
static void checkQueries() {
    for (int nQueries : {2, 3, 8, 17, 64})
        for (int position : {0, 1, 15, 16, 30, 31, 32, 200})
            for (int window : {0, 1, 7, 16, 33, 100})
                for (int page = window > 0 ? std::max(0, position - window + 1) / kPageTokens : 0;
                     page <= (position + nQueries - 1) / kPageTokens; ++page)
                    for (const uint32_t tokens : {0xffffu, 0x0ff0u, 1u}) {
                        const int begin = page * kPageTokens, first = position - window + 1;
                        uint32_t mask = tokens | untilLimit(position, begin);
                        if (window > 0) mask |= fromLimit(first, begin, nQueries);
                        check(hasUntil(mask) == (page >= position / kPageTokens), "a page that the step writes");
                        for (int query = 0; query < nQueries; ++query) {
                            uint32_t want = 0;
                            for (int t = 0; t < kPageTokens; ++t)
                                if ((tokens >> t & 1u) && begin + t <= position + query &&
                                    inWindow(window, position + query, begin + t))
                                    want |= 1u << t;
                            check(queriesMask(mask, query) == want, "tokens of query " + std::to_string(query));
                        }
                    }
    for (int perKv : {1, 2, 3, 4, 5, 8, 16})
        for (int n = 1; n <= kMaxBatch; ++n) {
            const int made = queriesOfLaunch(n, perKv);
            check(n == 1 ? made == 1 : made >= n, "a launch for all queries");
            check(headGroupsOf(made * perKv) == headGroupsOf(n * perKv), "no more groups than are needed");
        }
}

int main() {
    checkLayerKinds();
    checkDefaultKvTypes();
    checkSpanLaunches();
    checkQueries();
    const std::vector<std::vector<int>> shapes = {
        {1},         {64},           {2048},       {1, 1, 1},       {1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024},
        {1, 512, 3}, {0, 7, 0, 129}, {127, 1, 32}, {8192, 1, 1, 1}, {0}};
    for (const auto& rows : shapes)
        for (int tasks : {1, 8, 32, 33})
            for (int blocks : {1, 7, 264, 396})
                for (int minPages : {1, 4, 8}) checkPlan(rows, tasks, blocks, minPages);
    std::vector<int> many;
    for (int i = 0; i < 64; ++i) many.push_back(1 + i * 7 % 31);
    for (int minPages : {1, 4}) checkPlan(many, 32, 396, minPages);
    for (int rows : {8, 16, 32, 64}) checkPlan(std::vector<int>(static_cast<size_t>(rows), 128), 32, 264, 4);
    check(nByParts > 50 && nOnLine > 50, "both ways of sharing were checked");
    const SplitPlan whole = planOf(std::vector<int>(8, 512), 32, 264, 4);
    check(whole.splitK && whole.nChunks == 256, "256 equal tasks on 264 blocks: one each, nothing to merge");
    check(!planOf(std::vector<int>(8, 1024), 32, 264, 4).splitK,
          "the same twice as long: eight idle blocks would cost more");
    check(planOf({4000000}, 8, 1056, 4).splitK, "64 million tokens");
    const SplitPlan ragged = planOf({1024, 100, 100, 100, 100, 100, 100, 1024}, 32, 264, 4);
    check(!ragged.splitK, "lists that differ too much: the line");
    for (int n = 1; n <= 64; ++n) {
        const int b = bucketFor(n);
        check(b >= n && bucketFor(b) == b, "bucket of " + std::to_string(n));
    }
    check(bucketFor(65) == 0, "no bucket for 65 rows");
    std::printf("tst_cuda_split: %d checks, %d failed\n", nChecks, nFailed);
    return nFailed == 0 && nChecks > 0 ? 0 : 1;
}
