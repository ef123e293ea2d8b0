// Work: a few kilobytes. Limit: the latency of one read of mapped host memory, then of the table lookups.
// A rebuild is O(intervals + kept pages), in parallel over both: a prefix sum over 256 intervals at a time says where
// the pages of each begin in the list, then each thread finds the interval of a list entry by bisection. An interval
// that begins on the page where the one before it ended adds bits to that page's mask, so a page is listed (and loaded)
// once.
#include "kernels/cuda/attention/span_schedule.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/step/plan_step.h"

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
            item.kept[nKept + e] = k;
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
            nKept = 1;
            lastPage = 0;
        }
        SequenceState s;
        s.nKept = nKept;
        s.lastLogicalPage = lastPage;
        *item.state = s;
    }
}

/// The row's list, and its BatchRow.
__device__ void planRow(const PlanStepParams& p, const StepItem& item, int row, int tid) {
    if (item.token < 0) {
        if (tid == 0) p.rows[row] = BatchRow{};
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
        p.rows[row] = r;
    }
}

/// What the row's layers begin with.
__device__ void embedRow(const PlanStepParams& p, const StepItem& item, int row, int tid) {
    if (item.token < 0) {
        for (int i = tid; i < p.hidden; i += kThreads) p.x[static_cast<size_t>(row) * p.hidden + i] = 0.f;
        for (int i = tid; i < p.halfDim; i += kThreads) p.rotation[row * p.halfDim + i] = make_float2(1.f, 0.f);
        return;
    }
    for (int i = tid; i < p.halfDim; i += kThreads) {
        double s, c;
        sincos(static_cast<double>(p.invFreq[i]) * item.position, &s, &c);
        p.rotation[row * p.halfDim + i] = make_float2(static_cast<float>(c), static_cast<float>(s));
    }
    for (int i = tid; i < p.hidden; i += kThreads) {
        p.x[static_cast<size_t>(row) * p.hidden + i] =
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
