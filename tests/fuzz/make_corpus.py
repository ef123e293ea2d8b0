#!/usr/bin/env python3
"""Writes the seeds of corpus/: small valid files of each format, from which the fuzzers start.

    make_corpus.py     # needs nothing but Python; keeps files that are there (found by fuzzing) as they are
"""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def put(kind, name, data):
    folder = os.path.join(HERE, "corpus", kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data.encode() if isinstance(data, str) else data)


def floats(n):
    return struct.pack(f"<{n}f", *[0.25 * (i % 7) for i in range(n)])


# the configuration of fuzz_safetensors.cpp: hidden 4, MLP 2, 1 layer, 2 heads, 1 KV head, 3 pieces
SHAPES = {"model.embed_tokens.weight": [3, 4], "model.norm.weight": [4], "lm_head.weight": [3, 4],
          "model.layers.0.input_layernorm.weight": [4], "model.layers.0.post_attention_layernorm.weight": [4],
          "model.layers.0.self_attn.q_proj.weight": [4, 4], "model.layers.0.self_attn.k_proj.weight": [2, 4],
          "model.layers.0.self_attn.v_proj.weight": [2, 4], "model.layers.0.self_attn.o_proj.weight": [4, 4],
          "model.layers.0.mlp.gate_proj.weight": [2, 4], "model.layers.0.mlp.up_proj.weight": [2, 4],
          "model.layers.0.mlp.down_proj.weight": [4, 2]}


def safetensors(dtype, padding):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in SHAPES.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        part = floats(count) if dtype == "F32" else bytes(2 * count)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode() + b" " * padding
    return struct.pack("<Q", len(text)) + text + data


def gguf_text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def gguf(pieces, scores, types, split=None):
    """split: (part, parts): the tensors of one part alone, and in all but the first part nothing but which it is."""
    def u32(v):
        return struct.pack("<II", 4, v)

    def array(kind, items):
        return struct.pack("<IIQ", 9, kind, len(items)) + b"".join(items)

    values = {
        "general.architecture": struct.pack("<I", 8) + gguf_text("llama"),
        "general.name": struct.pack("<I", 8) + gguf_text("seed"),
        "llama.context_length": u32(64), "llama.embedding_length": u32(4), "llama.block_count": u32(1),
        "llama.feed_forward_length": u32(2), "llama.attention.head_count": u32(2),
        "llama.attention.head_count_kv": u32(1),
        "llama.attention.layer_norm_rms_epsilon": struct.pack("<If", 6, 1e-5),
        "llama.rope.dimension_count": u32(2), "llama.rope.freq_base": struct.pack("<If", 6, 1e4),
        "tokenizer.ggml.model": struct.pack("<I", 8) + gguf_text("llama"),
        "tokenizer.ggml.tokens": array(8, [gguf_text(p) for p in pieces]),
        "tokenizer.ggml.scores": array(6, [struct.pack("<f", s) for s in scores]),
        "tokenizer.ggml.token_type": array(5, [struct.pack("<i", t) for t in types]),
        "tokenizer.ggml.bos_token_id": u32(1), "tokenizer.ggml.eos_token_id": u32(2),
    }
    tensors = {"token_embd.weight": [4, len(pieces)], "output_norm.weight": [4], "blk.0.attn_norm.weight": [4],
               "blk.0.ffn_norm.weight": [4], "blk.0.attn_q.weight": [4, 4], "blk.0.attn_k.weight": [4, 2],
               "blk.0.attn_v.weight": [4, 2], "blk.0.attn_output.weight": [4, 4], "blk.0.ffn_gate.weight": [4, 2],
               "blk.0.ffn_up.weight": [4, 2], "blk.0.ffn_down.weight": [2, 4], "rope_freqs.weight": [1]}
    if split:
        part, count = split
        if part > 0:
            values = {}
        values |= {"split.no": struct.pack("<IH", 2, part), "split.count": struct.pack("<IH", 2, count),
                   "split.tensors.count": struct.pack("<Ii", 5, len(tensors))}
        tensors = dict(item for i, item in enumerate(tensors.items()) if i * count // len(tensors) == part)
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    out += b"".join(gguf_text(k) + v for k, v in values.items())
    data = b""
    for name, shape in tensors.items():
        out += gguf_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", 0, len(data))
        count = 1
        for n in shape:
            count *= n
        data += struct.pack(f"<{count}f", *[1.0] * count)
        data += bytes(-len(data) % 32)
    return out + bytes(-len(out) % 32) + data


def adapter_tensors(dtype):
    """LoRA of rank 2 on all matrices of the model gguf/small, two rows of its embedding, a norm."""
    header, data = {}, b""
    shapes = {"model.norm.weight": [4], "model.embed_tokens.token_adapter.trainable_tokens_delta": [2, 4]}
    for name, shape in SHAPES.items():
        if not name.endswith("_proj.weight"):
            continue
        module, (rows, cols) = name.removesuffix(".weight"), shape
        shapes |= {module + ".lora_A.weight": [2, cols], module + ".lora_B.weight": [rows, 2]}
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        part = floats(count) if dtype == "F32" else bytes(2 * count)
        header["base_model.model." + name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 48,
          "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
          "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": True}
CARD = {"protocol_version": 1, "name": "n", "description": "d", "license": "l", "trained_on": "t",
        "card": "MODEL_CARD.md",
        "tasks": [{"name": "expression", "prefill": "causal", "heads": True, "max_refs": 64,
                   "max_segment_tokens": 4096, "max_operators": 16, "max_value": 9999, "max_factor": 99},
                  {"name": "sheet", "prefill": "segmented", "heads": False, "max_lines": 100}]}


def tokenizer_json(kind):
    """A tokenizer.json with a handful of pieces: byte-level, made from a sentencepiece model, or with scores."""
    names = ["e", "c", "a", "f", "t", "h", "1", "2", ".", "\u0120", "\u010a", "\u010d", "\u00c3", "\u00a9", "\u00cc", "\u0123",
             "th", "the", "\u0120the", "\u0120t", "fe"]
    merges = [["t", "h"], ["th", "e"], ["\u0120", "t"], ["f", "e"]]
    part = {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": 90, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": True,
                              "normalized": False, "special": True},
                             {"id": 91, "content": "  ", "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": True, "special": False}],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}"}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
            "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                       {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [], "special_tokens": {}},
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                      "vocab": {name: i for i, name in enumerate(names)}, "merges": merges}}
    if kind == "bytes":
        return json.dumps(part)
    marked = [n.replace("\u0120", "\u2581") for n in names if ord(n[0]) < 0x100 or n[0] == "\u0120"]
    part["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    part["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}
    part["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}
    if kind == "marks":
        part["model"]["vocab"] = {name: i for i, name in enumerate(marked)}
        part["model"]["merges"] = [[a.replace("\u0120", "\u2581"), b] for a, b in merges]
        return json.dumps(part)
    part["normalizer"] = None
    part["model"] = {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
                     "vocab": [["<unk>", 0]] + [[name, -0.5 * i] for i, name in enumerate(marked)]}
    return json.dumps(part)


def sentencepiece(pieces):
    """A ModelProto: pieces of (text, score, type), BPE, one replacement (A -> a) in its normalisation table."""
    def field(number, content):
        return bytes([number << 3 | 2, len(content) & 0x7F | 0x80, len(content) >> 7]) + content

    out = b"".join(field(1, field(1, t.encode()) + struct.pack("<Bf", 0x15, s) + bytes([0x18, k]))
                   for t, s, k in pieces)
    units = [0] * 256
    units[0] = 1 << 10                       # children at 1 ^ label
    units[1 ^ 65] = 65 | 1 << 8 | (1 ^ 65 ^ 2) << 10  # "A", ends here, its value at unit 2
    units[2] = 1 << 31
    table = struct.pack("<I256I", 1024, *units) + b"a\0"
    return out + field(2, bytes([0x18, 2])) + field(3, field(2, table) + bytes([0x18, 1, 0x20, 0, 0x28, 1]))


def main():
    normalising = sentencepiece([("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("<in>", 0, 4), ("\u2581", -1, 1),
                                 ("a", -2, 1), ("\u2581a", -3, 1)])
    put("vocabulary", "normalising", normalising)
    put("modelproto", "normalising", normalising)
    # the same with a tag of 33 bits before the normaliser: protobuf refuses it, a reader of 64 bits takes it for field 0
    at = normalising.rindex(bytes([3 << 3 | 2]))
    put("modelproto", "long_tag", normalising[:at] + bytes([0x9A, 0x80, 0x80, 0x80, 0x10]) + normalising[at + 1:])
    put("safetensors", "f32", safetensors("F32", 0))
    put("safetensors", "bf16_unaligned", safetensors("BF16", 1))
    bytes_pieces = [f"<0x{b:02X}>" for b in range(256)]
    small = (["<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a"], [0, 0, 0, -2, -3, -1], [2, 3, 3, 1, 1, 1])
    put("gguf", "small", gguf(*small))
    put("gguf", "bytes", gguf(["<unk>", "<s>", "</s>"] + bytes_pieces + ["<in>", "a"],
                              [0] * 261, [2, 3, 3] + [6] * 256 + [4, 1]))
    put("gguf_parts", "first", gguf(*small, split=(0, 2)))
    put("gguf_parts", "second", gguf(*small, split=(1, 2)))
    put("adapter_tensors", "f32", adapter_tensors("F32"))
    put("adapter_tensors", "bf16", adapter_tensors("BF16"))
    put("chat", "turns", b"\xff".join([b"<|SYSTEM|>0</S>[U]1[A]82</S>[U] 3[A]", b"be kind", b" who?\n",
                                       b"<think>\nhm\n</think>\n\ni am\n", "caf\u00e9 <s>?".encode()]))
    put("chat", "reasoned", b"\xff".join([b"[U]0[A]91[U]2[A]<think>\n3", b"a b", b"<think>x</think> y</think>z", b"q"]))
    put("config", "llama", json.dumps(CONFIG))
    put("config", "linear", json.dumps({**CONFIG, "rope_scaling": {"type": "linear", "factor": 4.0}}))
    put("config", "llama3", json.dumps({**CONFIG, "attention_bias": True, "rope_parameters": {
        "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64}}))
    put("config", "mistral", json.dumps({**CONFIG, "architectures": ["MistralForCausalLM"], "sliding_window": 24}))
    for family in ("gemma3", "olmo2", "phi3", "qwen3", "smollm3"):
        with open(os.path.join(HERE, "..", "fixtures", "golden", family, "config.json"), encoding="utf-8") as f:
            put("config", "family_" + family, f.read())
    put("json", "kinds", '[1,-1,1.5,"a\\u00e9",{"a":null,"b":[true,false]}]')
    put("json", "config", json.dumps(CONFIG))
    put("card", "arith", json.dumps(CARD))
    put("card", "empty", json.dumps({"protocol_version": 1}))
    put("tokenizer", "markup", "<out>1<:><attend><in>2<:></attend>19*-5<local>x<0x0A></s>\n")
    put("tokenizer", "unicode", "caf\u00e9 \u4e2d \U0001F600\u2581 \t")
    for kind in ("bytes", "marks", "scores"):
        put("tokenizer_json", kind, tokenizer_json(kind))
    put("tracker", "sheet", bytes([3, 9, 8, 7, 12, 0, 11, 2, 22, 9, 0, 12, 2, 22, 9, 1, 11, 2, 3, 0, 11, 2, 4, 22, 5, 22, 9,
                                   1, 12, 2, 6, 3, 0, 12, 2, 1, 11, 2, 4, 22, 9, 8]))
    put("tracker", "nonsense", bytes([0, 1, 2, 3, 4, 5, 6, 4, 3, 2, 1, 0, 9, 9, 1, 1, 3, 3, 4, 4, 8, 23, 23, 2]))
    streams = {"da": b'a<focus chunks="2\xff,3">\xffb</focus>\xff<local>c<focus \n</local><answer>1</answer>',
               "memento": b"<|block_start|>\xffx\xffy<|block\xff_end|><|summary_start|>\xffz\xff<|summary_end|>\xffq",
               "lightthinker": b'ab<commit>\xffS</commit>\xffc\xff<expand step="1">\xffd<fold step="1">\xffe\xff<expand>\xff'}
    for name, stream in streams.items():
        with open(os.path.join(HERE, "..", "..", "resources", "vocabularies", name + ".json"), "rb") as f:
            description = f.read()
        put("tags", name, description + b"\0" + stream)
        put("tags", name + "_bundled", b"\0" + stream)
    hides_tags = {key: value for key, value in json.loads(description).items() if key not in ("prompt", "swaps")}
    put("tags", "hides_tags", json.dumps({**hides_tags, "hides_tags": True}).encode() + b"\0" + stream)


if __name__ == "__main__":
    main()
