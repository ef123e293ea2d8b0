"""Random token streams in a small alphabet of the protocol: well formed, damaged, noise."""
import random

ALPHABET = {name: id for id, name in enumerate(["^", "I", "O", ":", "A", "E", "L", "G", "\n", "$", *"0123456789", "x", "y"], 1)}
HEAD = {"special": [ALPHABET[c] for c in "IO:AELG"], "newline": ALPHABET["\n"], "eos": ALPHABET["$"],
        "digits": [ALPHABET[c] for c in "0123456789"]}


class Streams:
    """Rows for span_probe; the same seed gives the same rows."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def row(self):
        return {"prompt": self.ids(self.prompt()), "response": self.ids(self.response()),
                "heads": self.random.random() < 0.5, "segmented": self.random.random() < 0.5}

    @staticmethod
    def ids(text):
        return [ALPHABET[c] for c in text]

    def label(self):
        n = self.random.randrange(60)
        if n < 2:
            return "1" * self.random.randrange(9, 11)  # the longest there may be, and one digit more
        return "0" * (n == 2) + str(1 + self.random.randrange(4))

    def prompt(self):
        text = "^x\n" + "".join(f"I{self.label()}:xy\n" for _ in range(self.random.randrange(5)))
        if self.random.randrange(3) == 0:
            text += "yx\n"
        return self.damaged(text, 6)

    def response(self):
        kind = self.random.randrange(12)
        if kind < 2:
            return self.noise(2 + self.random.randrange(60))
        text = ""
        for _ in range(1 + self.random.randrange(5)):
            text += f"O{self.label()}:"
            if self.random.randrange(4) == 0:
                text += "Gx"
            refs = "".join(self.random.choice("IO") + self.label() + ":" for _ in range(self.random.randrange(4)))
            if self.random.randrange(100) == 0:
                refs = "I1:" * self.random.randrange(62, 68)  # about as many as there may be
            text += f"A{refs}Ex" + ("Ly" if self.random.randrange(2) else "") + "\n"
        if self.random.randrange(2):
            text += "$"
        return self.damaged(text, 2) or "x"

    def noise(self, n):
        return "".join(self.random.choice("IO:AELG\n$0123x") for _ in range(n))

    def damaged(self, text, one_in):
        while text and self.random.randrange(one_in) == 0:
            at, how = self.random.randrange(len(text)), self.random.randrange(3)
            text = text[:at] + ("" if how == 0 else self.noise(1)) + text[at + (how != 1):]
        return text
