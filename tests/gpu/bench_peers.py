#!/usr/bin/env python3
"""What PyTorch (SDPA, FlexAttention, a compiled decode loop) and FlashInfer reach on the shapes of bench_cuda, on this
card, in this run.   bench_peers.py FILE SECONDS [GO]
Appends JSON lines to FILE; SECONDS is what the measurements may take. With GO, everything is imported and compiled at
once and the measurements start when a file of that name appears: compiling can then go on beside other work."""
import json
import os
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

OUT = open(sys.argv[1], "a")
SECONDS = float(sys.argv[2] if len(sys.argv) > 2 else 150)
GO = sys.argv[3] if len(sys.argv) > 3 else None
BUILD_ONLY = len(sys.argv) > 4
END = time.time() + (600 if GO else SECONDS)
DEV = "cuda"
HD = 128


def emit(case, peer, us, **more):
    line = json.dumps({"case": case, "peer": peer, "us": us, **more})
    OUT.write(line + "\n")
    OUT.flush()
    print(line, flush=True)


def section(name):
    def wrap(f):
        if BUILD_ONLY and name != "compiling FlashInfer":
            return f
        left = END - time.time()
        if left < 10:
            print(f"skipped {name}: no time left", flush=True)
            return f
        try:
            f()
        except Exception as e:  # one peer that fails must not cost the others
            print(f"failed {name}: {type(e).__name__}: {str(e)[:300]}", flush=True)
        torch.cuda.empty_cache()
        return f
    return wrap


def graph_us(calls, n_samples=7):
    """Median microseconds of one call; `calls` work on different data so that the L2 cache does not help."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for c in calls[:2]:
            c()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for c in calls:
            c()
    def timed(n):
        a, b = torch.cuda.Event(True), torch.cuda.Event(True)
        a.record()
        for _ in range(n):
            graph.replay()
        b.record()
        b.synchronize()
        return a.elapsed_time(b) * 1e3 / n
    timed(2)
    n = max(1, int(30e3 / max(1.0, timed(2))))
    s = sorted(timed(n) for _ in range(n_samples))
    return s[len(s) // 2] / len(calls)


def wait_for_go():
    global END
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    if GO:
        print(f"ready to measure after {time.time() - BEGAN:.0f} s", flush=True)
        while not os.path.exists(GO):
            time.sleep(0.05)
        END = time.time() + SECONDS


BEGAN = time.time()
SHAPES = [("MHA 8x16K", 8, 32, 32, 16384, 2), ("GQA 8x32K", 8, 32, 8, 32768, 2), ("MHA 16x2K", 16, 32, 32, 2048, 2),
          ("MHA 32x2K", 32, 32, 32, 2048, 2), ("MHA 1x2K", 1, 32, 32, 2048, 16), ("GQA 1x1K", 1, 32, 8, 1024, 100),
          ("GQA 1x32K", 1, 32, 8, 32768, 16)]


STATE = {}
if GO and not BUILD_ONLY:  # compiled beside the rest
    STATE["jit"] = subprocess.Popen([sys.executable, __file__, sys.argv[1], "300", GO, "flashinfer"])


@section("compiling FlexAttention")
def warm_flex():
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    STATE["flex"] = torch.compile(flex_attention, dynamic=False)
    _, b, hq, hk, n, _ = SHAPES[0]
    q = torch.randn(b, hq, 1, HD, device=DEV, dtype=torch.bfloat16)
    k, v = torch.randn(2, b, hk, n, HD, device=DEV, dtype=torch.bfloat16)
    keep = torch.rand(b, n // 16, device=DEV) < 0.5
    STATE["flex"](q, k, v, block_mask=create_block_mask(lambda bi, h, qi, ki: keep[bi, ki // 16], b, None, 1, n, device=DEV))
    print(f"FlexAttention compiled after {time.time() - BEGAN:.0f} s", flush=True)


LOOPS = ((1, 576), (16, 2026), (32, 2026))


@section("compiling the decode loop")
def warm_loop():
    """llama-7b's shape in the manner of gpt-fast: static cache, compiled layers, the whole step one CUDA graph; the cache
    is read to the given depth (the slice is static, so nothing is masked away at full price). A layer is compiled by
    itself, and takes the residual before its last addition, so that all that could be fused across layers is."""
    L, H, D, FF, V = 32, 32, 4096, 11008, 32000
    bf = dict(device=DEV, dtype=torch.bfloat16)
    ws = [(torch.randn(3 * D, D, **bf) * 0.015, torch.randn(D, D, **bf) * 0.015, torch.randn(2 * FF, D, **bf) * 0.015,
           torch.randn(D, FF, **bf) * 0.01) for _ in range(L)]
    emb, head = torch.randn(V, D, **bf), torch.randn(V, D, **bf) * 0.015
    one = torch.ones(D, **bf)

    def rope(x, c, s):
        a, b = x[..., :64], x[..., 64:]
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    @torch.compile(dynamic=False)
    def layer(x, delta, wqkv, wo, wgu, wd, k, v, pos, c, s):
        n = x.shape[0]
        x = x + delta
        h = F.rms_norm(x, (D,), one)
        q, kk, vv = F.linear(h, wqkv).view(n, 3, H, HD).unbind(1)
        q, kk = rope(q, c, s), rope(kk, c, s)
        k.index_copy_(2, pos, kk.unsqueeze(2))
        v.index_copy_(2, pos, vv.unsqueeze(2))
        a = F.scaled_dot_product_attention(q.unsqueeze(2), k, v)
        x = x + F.linear(a.reshape(n, D), wo)
        g, u = F.linear(F.rms_norm(x, (D,), one), wgu).chunk(2, -1)
        return x, F.linear(F.silu(g) * u, wd)

    @torch.compile(dynamic=False)
    def last(x, delta):
        return F.linear(F.rms_norm(x + delta, (D,), one), head).argmax(-1)

    def step(tok, pos, ks, vs, c, s):
        x = emb[tok]
        delta = torch.zeros_like(x)
        for w, k, v in zip(ws, ks, vs):
            x, delta = layer(x, delta, *w, k, v, pos, c, s)
        return last(x, delta)

    def inputs(n, depth):
        ks = [torch.randn(n, H, depth, HD, **bf) for _ in range(L)]
        vs = [torch.randn(n, H, depth, HD, **bf) for _ in range(L)]
        return (torch.zeros(n, dtype=torch.long, device=DEV), torch.tensor([depth - 1], device=DEV), ks, vs,
                torch.randn(64, **bf), torch.randn(64, **bf))

    STATE["loop"] = (step, inputs)
    STATE["loop ready"] = []
    for n, depth in LOOPS:
        with torch.no_grad():
            step(*inputs(n, depth))
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        STATE["loop ready"].append((n, depth))
        print(f"decode loop of batch {n} compiled after {time.time() - BEGAN:.0f} s", flush=True)


@section("compiling FlashInfer")
def warm_flashinfer():
    if STATE.get("jit"):
        STATE["jit"].wait()  # its result is in FlashInfer's cache
    import flashinfer
    work = torch.zeros(64 << 20, dtype=torch.uint8, device=DEV)
    for tensor_cores in (False, True):
        w = flashinfer.BatchDecodeWithPagedKVCacheWrapper(work, "NHD", use_tensor_cores=tensor_cores)
        w.plan(torch.tensor([0, 1], dtype=torch.int32), torch.tensor([0], dtype=torch.int32), torch.tensor([16], dtype=torch.int32),
               32, 8, HD, 16, q_data_type=torch.bfloat16, kv_data_type=torch.bfloat16)
        w.run(torch.randn(1, 32, HD, device=DEV, dtype=torch.bfloat16), torch.randn(1, 2, 16, 8, HD, device=DEV, dtype=torch.bfloat16))
    print(f"FlashInfer compiled after {time.time() - BEGAN:.0f} s", flush=True)


if BUILD_ONLY:
    sys.exit(0)
wait_for_go()


@section("SDPA")
def sdpa():
    for name, b, hq, hk, n, copies in SHAPES:
        q = torch.randn(b, hq, 1, HD, device=DEV, dtype=torch.bfloat16)
        kv = [torch.randn(2, b, hk, n, HD, device=DEV, dtype=torch.bfloat16) for _ in range(copies)]
        calls = [lambda x=x: F.scaled_dot_product_attention(q, x[0], x[1], enable_gqa=hq != hk) for x in kv]
        emit(f"attention {name} dense", "SDPA", graph_us(calls))
        del kv, calls


@section("FlashInfer")
def flashinfer_peer():
    try:
        import flashinfer
    except ImportError:
        print("FlashInfer is not installed: not measured", flush=True)
        return
    work = torch.zeros(256 << 20, dtype=torch.uint8, device=DEV)
    g = torch.Generator().manual_seed(1)
    for name, b, hq, hk, n, copies in SHAPES:
        if time.time() > END - 20:
            return
        pages = n // 16
        pool = torch.randn(copies * b * pages, 2, 16, hk, HD, device=DEV, dtype=torch.bfloat16)
        q = torch.randn(b, hq, HD, device=DEV, dtype=torch.bfloat16)
        parts = [1, 2, 4, 8, 16] if b == 8 else [1]
        if name == "GQA 1x32K":
            parts = [1, 16]
        for part in parts:
            best = None
            for tensor_cores in (False, True):
                calls = []
                for c in range(copies):
                    kept = [torch.randperm(pages, generator=g)[: pages // part].sort().values + (c * b + r) * pages for r in range(b)]
                    w = flashinfer.BatchDecodeWithPagedKVCacheWrapper(work, "NHD", use_cuda_graph=True, use_tensor_cores=tensor_cores,
                        paged_kv_indptr_buffer=torch.zeros(b + 1, dtype=torch.int32, device=DEV),
                        paged_kv_indices_buffer=torch.zeros(b * pages, dtype=torch.int32, device=DEV),
                        paged_kv_last_page_len_buffer=torch.zeros(b, dtype=torch.int32, device=DEV))
                    w.plan(torch.arange(b + 1, dtype=torch.int32) * (pages // part), torch.cat(kept).int(),
                           torch.full((b,), 16, dtype=torch.int32), hq, hk, HD, 16, q_data_type=torch.bfloat16,
                           kv_data_type=torch.bfloat16)
                    calls.append(lambda w=w: w.run(q, pool))
                    if c >= 31:  # each wrapper has a workspace of its own; 32 sets exceed the cache
                        break
                us = graph_us(calls)
                best = us if best is None else min(best, us)
            case = f"attention {name} " + ("dense" if part == 1 else "keep 2048" if name == "GQA 1x32K" else f"keep 1/{part}")
            emit(case, "FlashInfer", best)
        del pool


@section("torch.compile decode loop")
def loop():
    step, inputs = STATE["loop"]
    for n, depth in STATE.get("loop ready", []):
        if time.time() > END - 8:
            print(f"skipped loop batch {n}: no time left", flush=True)
            return
        given = inputs(n, depth)
        with torch.no_grad():
            us = graph_us([lambda: step(*given)], 5)
        case = "step 7b batch 1 depth 512 dense" if n == 1 else f"step 7b batch {n} depth 1962 dense"
        emit(case, "torch.compile", us, tokensPerS=1e6 * n / us)
        del given
        torch.cuda.empty_cache()


@section("FlexAttention")
def flex():
    from torch.nn.attention.flex_attention import create_block_mask
    compiled = STATE["flex"]
    name, b, hq, hk, n, _ = SHAPES[0]
    q = torch.randn(b, hq, 1, HD, device=DEV, dtype=torch.bfloat16)
    k, v = torch.randn(2, b, hk, n, HD, device=DEV, dtype=torch.bfloat16)
    for part in (1, 4, 16):
        if time.time() > END - 20:
            return
        keep = torch.rand(b, n // 16, device=DEV) < 1.0 / part
        mask = create_block_mask(lambda bi, h, qi, ki: keep[bi, ki // 16], b, None, 1, n, device=DEV)
        f = lambda: compiled(q, k, v, block_mask=mask)
        for _ in range(3):
            f()
        torch.cuda.synchronize()
        a, e = torch.cuda.Event(True), torch.cuda.Event(True)
        a.record()
        for _ in range(20):
            f()
        e.record()
        e.synchronize()
        emit(f"attention {name} " + ("dense" if part == 1 else f"keep 1/{part}"), "FlexAttention", a.elapsed_time(e) * 1e3 / 20)
