"""The course of a run, for both trainers: recipes, the learning rate over time, losses by class, the log."""
import json

import torch

from packing import BODY, STRUCTURE


class Log:
    def __init__(self, path, clock):
        self.file = open(path, "a", encoding="utf-8")
        self.clock = clock

    def __call__(self, text):
        text = f"[{self.clock.now():6.1f}s] {text}"
        print(text, flush=True)
        self.file.write(text + "\n")
        self.file.flush()


def read_recipe(path, plain=False):
    """plain: the same problems without declarations, for a yardstick that writes no tags."""
    with open(path, encoding="utf-8") as f:
        recipe = json.load(f)
    if plain:
        for entry in [*(c for phase in recipe["phases"] for c in phase["classes"]), *recipe["validation"]]:
            entry["args"] = [*entry["args"], "--plain"]
        recipe["name"] += ", plain"
        recipe["card"] = {**recipe["card"], "name": recipe["name"], "description":
                          "The yardstick: the same steps without declarations, every token under causal attention."}
    return recipe


def schedule(fraction, optimiser):
    """Constant, then down to `final` (default 0): linear, or 1 - sqrt (Haegele et al., arXiv 2405.18392), which stays low
    for longer. A warm-up is the caller's."""
    constant, final = optimiser["constant_until"], optimiser.get("final", 0.0)
    if fraction < constant:
        return 1.0
    x = (fraction - constant) / (1.0 - constant)
    return final + (1.0 - final) * (1.0 - (x ** 0.5 if optimiser.get("decay", "linear") == "sqrt" else x))


class Meter:
    """Loss by class and mode, summed on the device, read only when it is printed."""

    def __init__(self, device):
        self.sum = torch.zeros(256, device=device)
        self.count = torch.zeros(256, device=device)

    def add(self, each, target, group):
        """each (n): losses; target (n): kinds of packing.py, of which the response's count; group (n): 2 x class + mode."""
        used = ((target == BODY) | (target == STRUCTURE)).float()
        self.sum.index_add_(0, group.long(), each * used)
        self.count.index_add_(0, group.long(), used)

    def text(self, classes):
        total, count = self.sum.cpu().clone(), self.count.cpu().clone()
        self.sum.zero_(), self.count.zero_()
        mean = float(total.sum() / count.sum().clamp(min=1))
        parts = []
        for i, c in enumerate(classes):
            pair = [f"{float(total[2 * i + j] / count[2 * i + j]):.5f}" if count[2 * i + j] else "-" for j in (0, 1)]
            parts.append(f"{c['name']} {'/'.join(pair)}")
        return mean, "; ".join(parts)
