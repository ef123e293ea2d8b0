// Attention over the pages of a plan, for one query (decode) and for tiles of queries (prefill).
//
// Decode is split-KV: each chunk of 16 pages yields a partial result (largest score, sum of exponentials, weighted
// values), and partial results are merged in order of chunks. The split depends on the list alone, never on threads.
// Tokens of one sequence that read the same pages, as a pass that verifies drafts has them, share chunks: a page is
// loaded once for all of them, and each gets the bits that it would get alone.
// A task is a chunk and a few KV heads; how many of them changes the size of tasks and no result. Bytes:
// 2 * 16 * headDim * element per page, layer and KV head; query heads that share a KV head are scored while it is in
// the first-level cache, so a page is loaded once. 4 operations per query head and value. Limit: memory bandwidth from
// some 100 pages on.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cpu/kv_cache.h"
#include "kernels/cpu/page_plan.h"

namespace spanscope::cpu {

struct DecodeChunk {
    const KvCache* cache = nullptr;
    int32_t layer = 0;
    int32_t firstKvHead = 0;
    int32_t nKvHeads = 1;  ///< from the first on
    std::span<const PageRef>
        pages;                 ///< at most kChunkPages; of several queries: of the last one, which has all of them
    const float* q = nullptr;  ///< (nKvHeads, group, headDim), already scaled
    // Several queries of one sequence, every one of which has the first of these pages.
    int32_t nQueries = 1;
    const uint32_t* masks = nullptr;  ///< (nQueries, kChunkPages), 0 where a query has no such page; 1 query: unused
    size_t queryStride = 0;           ///< from one query to the next in q
    size_t partialOfQuery = 0;        ///< likewise in partial
    int32_t group = 0;                ///< query heads on a KV head
    int32_t headDim = 0;
    float softcap = 0;            ///< of scores; 0 = none
    float* scratch = nullptr;     ///< decodeScratch() of nKvHeads * group, of nQueries * group where they are several
    float* keptScores = nullptr;  ///< out (nKvHeads, group, kChunkPages * 16), -infinity where masked; or nullptr
    float* partial = nullptr;     ///< out (nKvHeads, group, partialStride): weighted values, largest score, sum
};
/// Returns the pages whose keys it has loaded, counted for every KV head.
int32_t attendChunk(const DecodeChunk& chunk);

inline size_t decodeScratch(int32_t nHeads) { return static_cast<size_t>(nHeads) * (kPageTokens + 1); }

/// headDim weighted values, largest score, sum; whole cache lines.
inline size_t partialStride(int32_t headDim) { return (static_cast<size_t>(headDim) + 2 + 15) / 16 * 16; }
/// partials: (nChunks) with `chunkStride` floats between chunks. out: (headDim); zero when nothing was visible.
void mergePartials(const float* partials, int32_t nChunks, size_t chunkStride, int32_t headDim, float* out);

inline constexpr int32_t kTileQueries = 32;
inline constexpr int kPrefillRows = 4;        ///< queries in registers
inline constexpr int kPrefillBlockPages = 4;  ///< pages whose scores are formed together
struct PrefillTile {
    const KvCache* cache = nullptr;
    int32_t layer = 0;
    int32_t kvHead = 0;
    std::span<const PageRef> pages;  ///< of the whole run; masks hold the list; causality and window are added here
    int32_t window = 0;              ///< of the layer; 0 = all
    const float* q = nullptr;        ///< feature-major (headDim, 64), already scaled; column 0 = first query
    int32_t nQueries = 0;            ///< at most kTileQueries
    int32_t firstPosition = 0;       ///< of the first query
    int32_t headDim = 0;
    float softcap = 0;         ///< of scores; 0 = none
    float* out = nullptr;      ///< feature-major (headDim, 64)
    float* scratch = nullptr;  ///< prefillScratch(headDim) floats
};
/// Weighted values of the tile, scores of a block of pages.
inline size_t prefillScratch(int32_t headDim) {
    return static_cast<size_t>(kTileQueries * headDim + kPrefillRows * kPrefillBlockPages * kPageTokens);
}
void attendTile(const PrefillTile& tile);

}  // namespace spanscope::cpu
