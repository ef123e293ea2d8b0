// Work: a few kilobytes. Limit: the latency of one read of mapped host memory, then of the table lookups.
// A rebuild is O(intervals + kept pages), in parallel over both: a prefix sum over 256 intervals at a time says where
// the pages of each begin in the list, then each thread finds the interval of a list entry by bisection. An interval
// that begins on the page where the one before it ended adds bits to that page's mask, so a page is listed (and loaded)
// once. A window keeps the newest pages of a list: as many at most as it has itself, so that each of that many threads
// looks at one page. They are copied, since the first one's mask is clipped to the window.
#include "kernels/cuda/attention/span_schedule.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/step/plan_step.h"
#include "kernels/cuda/step/rotations.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 256;

__device__ uint32_t bitsOnPage(Interval v, int32_t logicalPage) {
    const int32_t first = logicalPage * kPageTokens;
    const int32_t lo = v.begin > first ? v.begin - first : 0;
    const int32_t hi = v.end < first + kPageTokens ? v.end - first : kPageTokens;
    return ((1u << hi) - 1u) & ~((1u << lo) - 1u);
}

__device__ void rebuild(const StepItem& item) {
    __shared__ Interval sInterval[kThreads];
    __shared__ int32_t sOffset[kThreads + 1];  // entries before interval i of this round
    __shared__ int32_t sWarp[kThreads / 32];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    int32_t nKept = 0;
    int32_t lastPage = -1;
    for (int32_t base = 0; base < item.nIntervals; base += kThreads) {
        const int32_t n = min(kThreads, item.nIntervals - base);
        if (tid < n) sInterval[tid] = item.intervals[base + tid];
        __syncthreads();
        bool continues = false;  // it begins on the page where the interval before it ends
        int32_t count = 0;
        if (tid < n) {
            const Interval v = sInterval[tid];
            const int32_t before = tid > 0 ? (sInterval[tid - 1].end - 1) / kPageTokens : lastPage;
            const int32_t first = v.begin / kPageTokens;
            continues = first == before;
            count = (v.end - 1) / kPageTokens - first + (continues ? 0 : 1);
        }
        int32_t scan = count;
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
            const int32_t up = __shfl_up_sync(0xffffffffu, scan, o);
            if (lane >= o) scan += up;
        }
        if (lane == 31) sWarp[warp] = scan;
        __syncthreads();
        int32_t below = 0;
        for (int w = 0; w < warp; ++w) below += sWarp[w];
        sOffset[tid] = below + scan - count;
        if (tid == kThreads - 1) sOffset[kThreads] = below + scan;
        __syncthreads();
        const int32_t total = sOffset[kThreads];
        for (int32_t e = tid; e < total; e += kThreads) {
            int32_t lo = 0, hi = n - 1;  // last interval whose offset <= e and that has entries: offsets are sorted
            while (lo < hi) {
                const int32_t mid = (lo + hi + 1) / 2;
                if (sOffset[mid] <= e) lo = mid;
                else hi = mid - 1;
            }
            const Interval v = sInterval[lo];
            const int32_t before = lo > 0 ? (sInterval[lo - 1].end - 1) / kPageTokens : lastPage;
            const int32_t first = v.begin / kPageTokens;
            const int32_t logical = first + (first == before ? 1 : 0) + (e - sOffset[lo]);
            KeptPage k;
            k.page = item.table[logical];
            k.mask = bitsOnPage(v, logical);
            if (item.nQueries > 1) k.mask |= untilLimit(item.position, logical * kPageTokens);
            item.kept[nKept + e] = k;
            if (item.logical) item.logical[nKept + e] = logical;
        }
        __syncthreads();
        if (continues) {
            const Interval v = sInterval[tid];
            atomicOr(&item.kept[nKept + sOffset[tid] - 1].mask, bitsOnPage(v, v.begin / kPageTokens));
        }
        lastPage = (sInterval[n - 1].end - 1) / kPageTokens;
        nKept += total;
        __syncthreads();
    }
    if (tid == 0) {
        if (nKept == 0) {  // nothing visible: one page is loaded, none of it attended, so that an output is written
            KeptPage none;
            none.page = item.table[0];
            item.kept[0] = none;
            if (item.logical) item.logical[0] = 0;
            nKept = 1;
            lastPage = 0;
        }
        SequenceState s;
        s.nKept = nKept;
        s.lastLogicalPage = lastPage;
        *item.state = s;
    }
}

/// The part of the row's list, of nKept pages, that lies in window w, and its BatchRow.
__device__ void planWindow(const PlanStepParams& p, const StepItem& item, int row, int w, int32_t nKept, int tid) {
    __shared__ int32_t sFirst;
    const int32_t begin = item.position - p.windows[w] + 1;  // of the first query's window
    const int32_t firstToken = max(begin, 0), firstPage = firstToken / kPageTokens;
    // No more of the list can lie in the window than the window has pages.
    const int32_t lastPage = (item.position + item.nQueries - 1) / kPageTokens;
    const int32_t from = max(nKept - (lastPage - firstPage + 1), 0);
    if (tid == 0) sFirst = nKept;
    __syncthreads();
    for (int32_t i = from + tid; i < nKept; i += kThreads)  // of those that lie in it, the first
        if (__ldcg(item.logical + i) >= firstPage && (i == from || __ldcg(item.logical + i - 1) < firstPage))
            sFirst = i;
    __syncthreads();
    const int32_t first = sFirst, n = nKept - first;
    // Queries after the first widen the window by less than their own rows have room for.
    KeptPage* to = p.windowKept[w] + static_cast<size_t>(row) * p.windowPages[w];
    for (int32_t i = tid; i < n; i += kThreads) {
        const unsigned long long page = __ldcg(reinterpret_cast<const unsigned long long*>(item.kept + first + i));
        KeptPage k{static_cast<int32_t>(page), static_cast<uint32_t>(page >> 32)};
        const int32_t logical = __ldcg(item.logical + first + i);
        if (item.nQueries > 1) k.mask |= fromLimit(begin, logical * kPageTokens, item.nQueries);
        else if (logical == firstPage) k.mask &= ~0u << (firstToken % kPageTokens);
        to[i] = k;
    }
    if (tid == 0) {
        if (n == 0) to[0] = KeptPage{item.table[0], 0};  // as in rebuild()
        BatchRow r;
        r.kept = to;
        r.nKept = max(n, 1);
        r.position = item.position;
        r.currentPage = item.table[item.position / kPageTokens];
        r.nQueries = item.nQueries;
        p.rows[(1 + w) * gridDim.x + row] = r;
    }
    __syncthreads();  // sFirst is free again
}

/// The row's list, and its BatchRows.
__device__ void planRow(const PlanStepParams& p, const StepItem& item, int row, int tid) {
    __shared__ int32_t sKept;
    if (item.token < 0) {
        if (tid <= p.nWindows) p.rows[tid * gridDim.x + row] = BatchRow{};
        return;
    }
    if (item.nQueries == 0) {  // the first row of its sequence attends for it
        BatchRow r;
        r.position = item.position;
        r.currentPage = item.table[item.position / kPageTokens];
        if (tid <= p.nWindows) p.rows[tid * gridDim.x + row] = r;
        return;
    }
    if (item.update == MaskUpdate::Rebuild) {
        rebuild(item);
    } else if (item.update == MaskUpdate::Extend && tid == 0) {
        SequenceState s = *item.state;
        const int32_t logical = item.position / kPageTokens;
        const uint32_t bit = 1u << (item.position % kPageTokens);
        if (s.lastLogicalPage == logical) {
            item.kept[s.nKept - 1].mask |= bit;
        } else {
            KeptPage k;
            k.page = item.table[logical];
            k.mask = bit;
            item.kept[s.nKept] = k;
            if (item.logical) item.logical[s.nKept] = logical;
            s.nKept += 1;
            s.lastLogicalPage = logical;
            *item.state = s;
        }
    }
    if (tid == 0) {
        BatchRow r;
        r.kept = item.kept;
        r.nKept = item.state->nKept;
        r.position = item.position;
        r.currentPage = item.table[item.position / kPageTokens];
        r.nQueries = item.nQueries;
        p.rows[row] = r;
        sKept = r.nKept;
    }
    if (p.nWindows == 0) return;
    __syncthreads();
    for (int w = 0; w < p.nWindows; ++w) planWindow(p, item, row, w, sKept, tid);
}

/// What the row's layers begin with.
__device__ void embedRow(const PlanStepParams& p, const StepItem& item, int row, int tid) {
    writeRotations(p.rotations, row, static_cast<int32_t>(gridDim.x), item.position, item.longRope);
    if (item.token < 0) {
        for (int i = tid; i < p.hidden; i += kThreads) p.x[static_cast<size_t>(row) * p.hidden + i] = 0.f;
        return;
    }
    for (int i = tid; i < p.hidden; i += kThreads) {
        p.x[static_cast<size_t>(row) * p.hidden + i] =
            p.embeddingScale *
            loadOfMatrix(p.embedding, p.embeddingType, static_cast<size_t>(item.token) * p.hidden + i);
    }
}

__global__ void __launch_bounds__(kThreads) planStepKernel(const PlanStepParams p) {
    __shared__ StepItem sItem;
    __shared__ bool sLast;
    gridDependencySync();
    launchDependents();
    const int row = blockIdx.x, tid = threadIdx.x;
    if (tid < static_cast<int>(sizeof(StepItem) / 4)) {  // one read over the bus
        reinterpret_cast<uint32_t*>(&sItem)[tid] = reinterpret_cast<const volatile uint32_t*>(p.items + row)[tid];
    }
    __syncthreads();
    const StepItem item = sItem;
    planRow(p, item, row, tid);
    __syncthreads();
    if (tid == 0) {
        sLast = p.schedule.work;
        if (sLast && gridDim.x > 1) {
            __threadfence();  // releases the writes of the whole block, which the barrier has ordered before
            sLast = atomicAdd(p.schedule.rowsArrived, 1) == static_cast<int>(gridDim.x) - 1;
            if (sLast) *p.schedule.rowsArrived = 0;
        }
    }
    embedRow(p, item, row, tid);
    __syncthreads();
    if (sLast) {
        __threadfence();
        buildSchedule(p.schedule, p.rows, gridDim.x);
    }
}

}  // namespace

cudaError_t launchPlanStep(const LaunchContext& ctx, const PlanStepParams& params, int32_t nRows) {
    // The first kernel of a step: there is none before it to depend on.
    return launch(withoutDependentLaunch(ctx), planStepKernel, dim3(nRows), dim3(kThreads), 0, params);
}

}  // namespace spanscope::cuda
