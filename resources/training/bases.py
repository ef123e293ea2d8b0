"""A pretrained checkpoint to start from: a Hugging Face folder or a GGUF file, and how the protocol's pieces fit into
its vocabulary.

Three kinds of vocabulary: a sentencepiece model is extended, since its file can be edited; a byte-level one (GGUF,
tokenizer.json) lends reserved tokens, which text never produces, to the pieces; a tokenizer.json without enough of
those gets added tokens.
"""
import json
import os
import shutil

import sentencepiece as spm
from transformers import AutoConfig, AutoModelForCausalLM

import vocabulary
from tokenizer import SPECIAL

ARCHITECTURES = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM",
                 "Gemma3ForCausalLM", "Phi3ForCausalLM", "Olmo2ForCausalLM", "SmolLM3ForCausalLM"]
CONTROL = 3  # token type of GGUF files
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja", "added_tokens.json")


class Vocabulary:
    """What the dataset writer reads (`tokenizer`), the ids that rows are made with, and what must be trained.

    new: {piece: id} of the pieces that the base has never seen; size: pieces in all; riders: {piece: name of the reserved
    token that carries it}, for spanscope.json; words(text): ids of a text in the base's own pieces."""

    def __init__(self, tokenizer, special, new, size, riders, words):
        self.tokenizer, self.special, self.new, self.size, self.riders, self.words = tokenizer, special, new, size, riders, words


class Base:
    def __init__(self, path):
        self.path = path
        self.gguf = os.path.isfile(path)
        if self.gguf and not path.endswith(".gguf"):
            raise vocabulary.VocabularyError(f"{path}: expected a Hugging Face folder or a .gguf file")
        self.folder = os.path.dirname(os.path.abspath(path)) if self.gguf else path
        self.named = {"gguf_file": os.path.basename(path)} if self.gguf else {}
        self.config = AutoConfig.from_pretrained(self.folder, local_files_only=True, **self.named)
        named = self.config.architectures or [type(self.config).__name__.removesuffix("Config") + "ForCausalLM"]
        if not set(named) & set(ARCHITECTURES):
            raise vocabulary.VocabularyError(f"{path}: architecture is {named}, expected one of {', '.join(ARCHITECTURES)}")
        self.architecture = named[0]

    def name(self):
        return os.path.basename(os.path.abspath(self.path)).removesuffix(".gguf")

    def model(self, dtype):
        """The weights, those of a GGUF file as the numbers that its blocks stand for."""
        more = {} if self.gguf else {"use_safetensors": True}
        model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=dtype, attn_implementation="sdpa", local_files_only=True,
                                                     **more, **self.named)
        if hasattr(model.config, "quantization_config"):  # they are plain numbers now
            del model.config.quantization_config
            model.is_quantized = False
        return model

    def weight_files(self):
        if self.gguf:
            return [self.path]
        names = sorted(n for n in os.listdir(self.folder) if n.endswith(".safetensors"))
        if not names:
            raise vocabulary.VocabularyError(f"{self.folder}: no *.safetensors; pickle files are not read")
        return [os.path.join(self.folder, n) for n in names]

    def vocabulary(self, work):
        """Files for the writer go to the folder `work`."""
        if self.gguf:
            return self.of_gguf(work)
        if os.path.exists(os.path.join(self.folder, "tokenizer.model")):
            return self.of_sentencepiece(work)
        return self.of_json(work)

    def of_sentencepiece(self, work):
        path = os.path.join(work, "tokenizer.model")
        new = vocabulary.extend(self.folder, path)
        sp = spm.SentencePieceProcessor(model_file=path)
        old = spm.SentencePieceProcessor(model_file=os.path.join(self.folder, "tokenizer.model"))
        special = {"eos": sp.eos_id(), "pad": max(0, sp.pad_id()), "attend_end": sp.piece_to_id("</attend>")}
        return Vocabulary(path, special, new, sp.get_piece_size(), {}, lambda text: [w for w in old.encode(text) if w != old.unk_id()])

    def of_gguf(self, work):
        from gguf import GGUFReader
        reader = GGUFReader(self.path)
        value = lambda key, otherwise=None: reader.fields[key].contents() if key in reader.fields else otherwise
        kind = value("tokenizer.ggml.model")
        if kind != "gpt2":
            raise vocabulary.VocabularyError(f"{self.path}: tokenizer.ggml.model is {kind}, expected gpt2; name the Hugging Face folder of "
                                             "this model, whose tokenizer.model can be extended")
        tokens, types = value("tokenizer.ggml.tokens"), value("tokenizer.ggml.token_type")
        eos = value("tokenizer.ggml.eos_token_id")
        taken = {value(f"tokenizer.ggml.{k}_token_id") for k in ("bos", "eos", "eot", "eom", "unknown", "padding", "seperator")}
        free = [t for i, (t, k) in enumerate(zip(tokens, types)) if k == CONTROL and i not in taken]
        riders = vocabulary.riders(free, set(tokens), value("tokenizer.chat_template", ""), self.path)
        link = os.path.join(work, "base.gguf")
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(os.path.abspath(self.path), link)
        self.write_riders(os.path.join(work, "base.spanscope.json"), riders)
        ids = {t: i for i, t in enumerate(tokens)}
        merges = [tuple(m.split(" ", 1)) for m in value("tokenizer.ggml.merges", [])]
        return self.byte_level(link, ids, eos, riders, len(tokens), vocabulary.byte_level_encoder(ids, merges))

    def of_json(self, work):
        """A folder beside the work, with the tokenizer's files alone, for the writer and for what is written at the end."""
        from tokenizers import Tokenizer
        path = os.path.join(self.folder, "tokenizer.json")
        if not os.path.exists(path):
            raise vocabulary.VocabularyError(f"{self.folder}: neither tokenizer.model nor tokenizer.json")
        data = vocabulary.read_json(path)
        old = Tokenizer.from_file(path)
        special = [t for t in data.get("added_tokens", []) if t.get("special")]
        config = vocabulary.read_json(os.path.join(self.folder, "tokenizer_config.json"))
        _, names = vocabulary.added_tokens(self.folder)
        stops = self.config.eos_token_id if isinstance(self.config.eos_token_id, list) else [self.config.eos_token_id]
        eos = old.token_to_id(names["eos"]) if "eos" in names else stops[0]
        if eos is None:
            raise vocabulary.VocabularyError(f"{path}: no end-of-text token; responses could not end")
        taken = {*names.values(), *(t["content"] for t in special if t["id"] in stops)}
        template = json.dumps(config.get("chat_template") or "")
        if os.path.exists(os.path.join(self.folder, "chat_template.jinja")):
            with open(os.path.join(self.folder, "chat_template.jinja"), encoding="utf-8") as f:
                template += f.read()
        everything = old.get_vocab(with_added_tokens=True)
        free = [t["content"] for t in sorted(special, key=lambda t: t["id"]) if t["content"] not in taken]
        try:
            riders = vocabulary.riders(free, set(everything), template, path)
        except vocabulary.TooFew:
            riders = {}
            last = max(everything.values())
            for piece in (p for p in SPECIAL if p not in everything):
                last += 1
                everything[piece] = last
                data.setdefault("added_tokens", []).append({"id": last, "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
                                                            "normalized": False, "special": True})
        out = os.path.join(work, "tokenizer")
        os.makedirs(out, exist_ok=True)
        for name in BESIDE:
            if os.path.exists(os.path.join(self.folder, name)):
                shutil.copyfile(os.path.join(self.folder, name), os.path.join(out, name))
        with open(os.path.join(out, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False)
        self.write_riders(os.path.join(out, "spanscope.json"), riders)
        words = lambda text: old.encode(text, add_special_tokens=False).ids
        return self.byte_level(out, everything, eos, riders, max(everything.values()) + 1, words)

    def byte_level(self, tokenizer, ids, eos, riders, size, words):
        names = riders or {piece: piece for piece in SPECIAL}
        new = {piece: ids[name] for piece, name in names.items()}
        return Vocabulary(tokenizer, {"eos": eos, "pad": eos, "attend_end": new["</attend>"]}, new, size, riders, words)

    @staticmethod
    def write_riders(path, riders):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"protocol_version": 1, **({"pieces": riders} if riders else {})}, f)
