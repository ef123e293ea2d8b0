#!/usr/bin/env python3
"""Trains tokenizer.model with sentencepiece: arithmetic (single characters only) or any text (BPE).

    tokenizer.py arith --out tokenizer.model
    tokenizer.py text --in corpus.txt articles.jsonl --vocab 4096 --out tokenizer.model

Both have the protocol's special pieces as user-defined symbols right after the control pieces, byte fallback,
no text normalisation and no dummy prefix, so that decode(encode(x)) == x for every UTF-8 text.
"""
import argparse
import json
import os
import random
import re
import sys
import tempfile

import sentencepiece as spm

SPECIAL = ["<in>", "<out>", "<:>", "<attend>", "</attend>", "<local>", "<global>"]
ARITH_CHARACTERS = "0123456789+-*=()@$ sheet"
N_CONTROL = 4  # unk bos eos pad
N_BYTES = 256


def common_options(vocab_size):
    return dict(
        model_type="bpe", vocab_size=vocab_size, user_defined_symbols=SPECIAL, byte_fallback=True,
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
        split_digits=True, character_coverage=1.0, unk_id=0, bos_id=1, eos_id=2, pad_id=3,
        num_threads=2, minloglevel=2)


def train_arith(out):
    characters = sorted(set(ARITH_CHARACTERS))
    vocab = N_CONTROL + len(SPECIAL) + N_BYTES + len(characters)
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(folder, "corpus.txt")
        with open(corpus, "w", encoding="utf-8") as f:
            for _ in range(200):  # every character, in no order that would deserve a merge
                f.write("".join(rng.sample(characters, len(characters))) + "\n")
        prefix = os.path.join(folder, "tokenizer")
        spm.SentencePieceTrainer.train(input=corpus, model_prefix=prefix, hard_vocab_limit=True, **common_options(vocab))
        move(prefix + ".model", out)
    check(out, vocab)
    sp = spm.SentencePieceProcessor(model_file=out)
    for i in range(N_CONTROL + len(SPECIAL) + N_BYTES, vocab):
        if len(sp.id_to_piece(i)) != 1:
            sys.exit(f"{out}: piece {i} is {sp.id_to_piece(i)!r}, expected a single character")
    found = {sp.id_to_piece(i).replace("\u2581", " ") for i in range(vocab - len(characters), vocab)}
    if found != set(characters):
        sys.exit(f"{out}: characters {sorted(found)}, expected {characters}")
    text = "sheet 12\n<in>1<:>-64-7*$3\n(12@1+7)@2*3<out>1<:><attend></attend>-64<local>++2790=-5\n"
    ids = sp.encode(text)
    if len(ids) != sum(1 for _ in split_pieces(text)):
        sys.exit(f"{out}: {text!r} became {len(ids)} pieces, expected one for each character and special piece")


def lines_of(path):
    """Texts of a file: lines, or the prompt and response of a line of `spanscope-cli dataset`, special pieces taken out."""
    tags = re.compile("(?:<in>|<out>)[0-9]+<:>|" + "|".join(SPECIAL))
    with open(path, encoding="utf-8") as f:
        for line in f:
            if path.endswith(".jsonl"):
                record = json.loads(line)
                yield from tags.sub("", record["prompt"] + record["response"]).splitlines()
            else:
                yield line.rstrip("\n")


def train_text(sources, vocab, out):
    """Pieces are parts of words (no piece holds a space inside), and the file names no path of this machine."""
    out, before = os.path.abspath(out), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "corpus.txt"), "w", encoding="utf-8") as f:
            for source in sources:
                f.writelines(line + "\n" for line in lines_of(source) if line)
        os.chdir(folder)
        try:
            spm.SentencePieceTrainer.train(
                input="corpus.txt", model_prefix="tokenizer", hard_vocab_limit=True, max_sentence_length=16384,
                max_sentencepiece_length=16, self_test_sample_size=0, **common_options(vocab))
        finally:
            os.chdir(before)
        move(os.path.join(folder, "tokenizer.model"), out)
    check(out, vocab)
    sp = spm.SentencePieceProcessor(model_file=out)
    for i in range(vocab):
        if "\u2581" in sp.id_to_piece(i).lstrip("\u2581"):
            sys.exit(f"{out}: piece {i}, {sp.id_to_piece(i)!r}, is more than one word")


def move(source, target):
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with open(source, "rb") as f, open(target + ".part", "wb") as g:
        g.write(f.read())
    os.replace(target + ".part", target)


def split_pieces(text):
    """One item for each special piece or single character of text."""
    i = 0
    while i < len(text):
        piece = next((s for s in SPECIAL if text.startswith(s, i)), text[i])
        yield piece
        i += len(piece)


def check(path, vocab):
    """What the trainer, the dataset writer and the engine rely on."""
    sp = spm.SentencePieceProcessor(model_file=path)
    expected = ["<unk>", "<s>", "</s>", "<pad>"] + SPECIAL
    found = [sp.id_to_piece(i) for i in range(len(expected))]
    if found != expected:
        sys.exit(f"{path}: first pieces are {found}, expected {expected}")
    if sp.get_piece_size() != vocab:
        sys.exit(f"{path}: {sp.get_piece_size()} pieces, expected {vocab}")
    newline = sp.encode("\n")
    if len(newline) != 1 or sp.id_to_piece(newline[0]) != "<0x0A>":
        sys.exit(f"{path}: a newline becomes {newline}, expected the byte piece <0x0A> alone")
    for text in ["7", "12", "<out>1<:>", "a  b\n\n c", "\u00e9\u4e2d"]:
        if sp.decode(sp.encode(text)) != text:
            sys.exit(f"{path}: {text!r} decodes as {sp.decode(sp.encode(text))!r}")
    for digits in ["42", "9999"]:
        if len(sp.encode(digits)) != len(digits):
            sys.exit(f"{path}: {digits} is not split into its digits")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="kind", required=True)
    arith = sub.add_parser("arith")
    arith.add_argument("--out", required=True)
    text = sub.add_parser("text")
    text.add_argument("--in", dest="sources", nargs="+", required=True)
    text.add_argument("--vocab", type=int, default=4096)
    text.add_argument("--out", required=True)
    args = parser.parse_args()
    if args.kind == "arith":
        train_arith(args.out)
    else:
        train_text(args.sources, args.vocab, args.out)
    print(f"{args.out}: {spm.SentencePieceProcessor(model_file=args.out).get_piece_size()} pieces")


if __name__ == "__main__":
    main()
