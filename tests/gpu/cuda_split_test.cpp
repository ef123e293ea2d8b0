// How work is shared out over the attention grid, checked on the host: every page visit exactly once, shares equal, parts
// of a task in distinct slots, buckets that hold their rows.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernels/cuda/split_plan.h"

using namespace spanscope;
using namespace spanscope::cuda;

static int nFailed = 0, nChecks = 0;
static void check(bool ok, const std::string& what) {
    ++nChecks;
    if (!ok && ++nFailed < 20) std::printf("FAIL %s\n", what.c_str());
}

static void checkPlan(const std::vector<int>& pagesOfRow, int tasksPerRow, int nBlocks, int minPages) {
    struct Task {
        int begin, end;
    };
    std::vector<Task> tasks;
    int at = 0;
    for (int n : pagesOfRow)
        for (int t = 0; t < tasksPerRow; ++t) {
            if (n > 0) tasks.push_back({at, at + n});
            at += n;
        }
    const SplitPlan plan = makeSplitPlan(at, nBlocks, minPages);
    const std::string name = std::to_string(pagesOfRow.size()) + " rows, " + std::to_string(at) + " visits, " +
                             std::to_string(nBlocks) + " blocks, min " + std::to_string(minPages);
    check(plan.nVisits == at, name + ": visits");
    check(plan.nChunks <= nBlocks, name + ": a block for every chunk");
    check(plan.chunk >= minPages, name + ": no finer than asked");
    check(plan.chunk <= std::max((at + nBlocks - 1) / nBlocks, minPages) + 3, name + ": no coarser than needed");
    // Walk as the blocks do and collect the parts of each task.
    std::map<int, std::set<int>> slotsOfTask;
    std::map<int, int> visited, slotOwner;
    int before = 0;
    for (int c = 0; c < plan.nChunks; ++c) {
        int visit = chunkBegin(plan, c);
        const int end = chunkEnd(plan, c);
        check(visit == before && end > visit, name + ": chunks follow each other and none is empty");
        check(firstChunk(plan, visit) == c && lastChunk(plan, end) == c, name + ": a visit's chunk");
        before = end;
        size_t t = 0;
        while (visit < end) {
            while (tasks[t].end <= visit) ++t;
            const int n = std::min(end, tasks[t].end) - visit;
            visited[static_cast<int>(t)] += n;
            check(c >= firstChunk(plan, tasks[t].begin) && c <= lastChunk(plan, tasks[t].end), name + ": chunk in range");
            if (n < tasks[t].end - tasks[t].begin) {
                const int slot = partialSlot(plan, c, tasks[t].begin);
                check(slot >= 2 * c && slot <= 2 * c + 1, name + ": slot of its chunk");
                check(slotOwner.emplace(slot, static_cast<int>(t)).second, name + ": slot used once");
                slotsOfTask[static_cast<int>(t)].insert(slot);
            }
            visit += n;
        }
    }
    check(before == at, name + ": all visits are in a chunk");
    for (size_t t = 0; t < tasks.size(); ++t) {
        check(visited[static_cast<int>(t)] == tasks[t].end - tasks[t].begin, name + ": every page once");
        const auto parts = slotsOfTask.find(static_cast<int>(t));
        if (parts == slotsOfTask.end()) continue;
        const int expected = lastChunk(plan, tasks[t].end) - firstChunk(plan, tasks[t].begin) + 1;
        check(static_cast<int>(parts->second.size()) == expected, name + ": as many parts as the merger waits for");
    }
}

int main() {
    const std::vector<std::vector<int>> shapes = {
        {1},        {64},           {2048},       {1, 1, 1},     {1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024},
        {1, 512, 3}, {0, 7, 0, 129}, {127, 1, 32}, {8192, 1, 1, 1}, {0}};
    for (const auto& rows : shapes)
        for (int tasks : {1, 8, 32, 33})
            for (int blocks : {1, 7, 264, 396})
                for (int minPages : {1, 4, 8}) checkPlan(rows, tasks, blocks, minPages);
    std::vector<int> many;
    for (int i = 0; i < 64; ++i) many.push_back(1 + i * 7 % 31);
    for (int minPages : {1, 4}) checkPlan(many, 32, 396, minPages);
    for (int n = 1; n <= 64; ++n) {
        const int b = bucketFor(n);
        check(b >= n && bucketFor(b) == b, "bucket of " + std::to_string(n));
    }
    check(bucketFor(65) == 0, "no bucket for 65 rows");
    std::printf("cuda_split_test: %d checks, %d failed\n", nChecks, nFailed);
    return nFailed == 0 && nChecks > 0 ? 0 : 1;
}
