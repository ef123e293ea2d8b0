#!/usr/bin/env python3
"""Articles for the news task, an endless stream of variants of real ones: JSON Lines {"id", "title", "body"}.

    articles.py train.jsonl.gz --part train --count 1000 --seed 3 | spanscope-cli dataset --task news --in - ...

A few thousand articles are read many times in a run. So that a model learns to copy and not to recite, each reading
draws names and numbers anew (the same replacement throughout an article and its title; most from names of other articles,
some from syllables, which teach to copy words that exist nowhere), drops some paragraphs and reorders others; the first
paragraph stays. A fixed share of the articles, chosen by id, is never drawn: `held-out`.
"""
import argparse
import gzip
import hashlib
import json
import random
import re
from collections import Counter

HELD_OUT_PER_1000 = 30
NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
KEPT = set("""january february march april june july august september october november december monday tuesday wednesday
thursday friday saturday sunday corp inc co ltd plc reuter reuters feb jan mar apr jun jul aug sep sept oct nov dec mln
bln pct dlrs company group bank minister president""".split())
ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr r s sh sl st t tr v w z".split()
VOWELS = "a e i o u ai ea ia ou".split()
CODAS = "n r l s t m nd rt ck ng x th".split()


def held_out(identity):
    return int.from_bytes(hashlib.blake2b(str(identity).encode(), digest_size=4).digest(), "big") % 1000 < HELD_OUT_PER_1000


def read(path, part):
    """Articles of a JSONL file (gz or not): part 'train', 'held-out' or 'all'."""
    opener = gzip.open if path.endswith(".gz") else open
    articles = []
    with opener(path, "rt", encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            record = json.loads(line)
            if "title" not in record or "body" not in record:
                raise SystemExit(f"{path}: line {number}: an article has a title and a body, found {sorted(record)}")
            identity = record.get("id", number)
            if part == "all" or held_out(identity) == (part == "held-out"):
                articles.append({"id": identity, "title": record["title"], "body": record["body"]})
    if not articles:
        raise SystemExit(f"{path}: no articles of the part {part}")
    return articles


def proper_nouns(articles):
    """Capitalised words that the collection never writes small."""
    large, small = Counter(), set()
    for a in articles:
        for word in WORD.findall(a["body"]):
            if word[0].islower():
                small.add(word.lower())
            elif word[1:].islower() and len(word) >= 4:
                large[word] += 1
    return {w for w, n in large.items() if w.lower() not in small and w.lower() not in KEPT and "'" not in w}


def drawn_name(rng):
    syllables = rng.choice((2, 2, 2, 3))
    name = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(syllables))
    return (name + rng.choice(CODAS) if rng.random() < 0.6 else name).capitalize()


class Variants:
    def __init__(self, articles):
        self.articles = articles
        self.nouns = proper_nouns(articles)
        self.pool = sorted(self.nouns)

    def vary(self, article, rng):
        if rng.random() < 0.15:
            return article
        names, numbers = {}, {}
        name_share, number_share = rng.choice((0.0, 0.0, 0.6, 1.0)), rng.choice((0.0, 0.7, 1.0, 1.0))
        for word in WORD.findall(article["body"]):
            if word in self.nouns and word not in names:
                names[word] = word
                if rng.random() < name_share:
                    names[word] = rng.choice(self.pool) if rng.random() < 0.85 else drawn_name(rng)
        upper = {k.upper(): v.upper() for k, v in names.items()}

        def word_of(match):
            word = match.group()
            return names.get(word) or upper.get(word) or word

        def number_of(match):
            text = match.group()
            if text not in numbers:
                fresh = "".join(rng.choice("0123456789") for _ in text)
                if text[0] != "0" and fresh[0] == "0":
                    fresh = rng.choice("123456789") + fresh[1:]
                numbers[text] = fresh if rng.random() < number_share else text
            return numbers[text]

        def change(text):
            return NUMBER.sub(number_of, WORD.sub(word_of, text))

        paragraphs = article["body"].split("\n")
        first, rest = paragraphs[:1], paragraphs[1:]
        if len(rest) > 3 and rng.random() < 0.5:
            keep = rng.uniform(0.5, 1.0)
            rest = [p for p in rest if rng.random() < keep] or rest
        if rng.random() < 0.3:
            rng.shuffle(rest)
        body = "\n".join(first + rest)
        return {"id": article["id"], "title": change(article["title"]), "body": change(body)}

    def lines(self, seed):
        """Endless; every article once a round, in a new order."""
        rng = random.Random(seed)
        while True:
            for article in rng.sample(self.articles, len(self.articles)):
                yield json.dumps(self.vary(article, rng), ensure_ascii=False).encode() + b"\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--part", choices=["train", "held-out", "all"], default="all")
    parser.add_argument("--count", type=int, default=-1, help="variants; -1 = the articles as they are, once")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    articles = read(args.file, args.part)
    if args.count < 0:
        for a in articles:
            print(json.dumps(a, ensure_ascii=False))
        return
    for _, line in zip(range(args.count), Variants(articles).lines(args.seed)):
        print(line.decode(), end="")


if __name__ == "__main__":
    main()
