"""Resumable state in two files written in turn; safetensors, so nothing in them can run code."""
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from export import shards


def gather(model, muon, adam, momentum=None):
    """Name -> CPU tensor: weights, Muon momentum, AdamW moments. momentum: data type of the latter two (None = float32)."""
    tensors = {k: v.to("cpu", copy=True) for k, v in model.weights().items()}
    moving = dict(muon.state())
    names = {id(p): n for n, p in model.named_parameters()}
    for p, s in adam.state.items():
        for key in ("exp_avg", "exp_avg_sq"):
            if key in s:
                moving[f"adam.{key}.{names[id(p)]}"] = s[key]
    for key, value in moving.items():
        tensors[key] = value.to("cpu", momentum or torch.float32, copy=True)
    return {k: v.contiguous() for k, v in tensors.items()}


def save_file_safely(tensors, path, progress):
    save_file(tensors, path + ".part", metadata={"format": "pt", "figures": json.dumps(progress)})
    os.chmod(path + ".part", 0o644)
    os.replace(path + ".part", path)


class Checkpoints:
    def __init__(self, folder):
        self.paths = [os.path.join(folder, f"checkpoint-{x}.safetensors") for x in "ab"]
        self.turn = 0
        os.makedirs(folder, exist_ok=True)

    def save(self, tensors, progress):
        save_file_safely(tensors, self.paths[self.turn], progress)
        self.turn = 1 - self.turn

    def newest(self):
        """(path, progress) of the checkpoint furthest on, or None."""
        best = None
        for i, path in enumerate(self.paths):
            if os.path.exists(path):
                with safe_open(path, "pt") as f:
                    progress = json.loads(f.metadata()["figures"])
                if best is None or progress["steps"] > best[1]["steps"]:
                    best = (path, progress)
                    self.turn = 1 - i
        return best


def ship(tensors, progress, folder):
    """The same state as files of at most 15 MiB, for places that take small files only."""
    os.makedirs(folder, exist_ok=True)
    parts = shards(tensors)
    for i in range(len(parts), 64):
        if os.path.exists(os.path.join(folder, f"state-{i}.safetensors")):
            os.remove(os.path.join(folder, f"state-{i}.safetensors"))
    for i, part in enumerate(parts):
        save_file_safely(part, os.path.join(folder, f"state-{i}.safetensors"), progress)


def read_state(path):
    """Tensors and progress of a checkpoint file or of a folder made by ship()."""
    files = [path]
    if os.path.isdir(path):
        files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.startswith("state-"))
    tensors, progress = {}, {}
    for file in files:
        tensors.update(load_file(file))
        with safe_open(file, "pt") as f:
            progress = json.loads(f.metadata()["figures"])
    if not tensors:
        raise SystemExit(f"{path}: no state to resume from")
    return tensors, progress


def restore(tensors, model, muon, adam):
    model.load_weights(tensors)
    if any(k.startswith("muon.") for k in tensors):
        muon.load(tensors)
    names = {n: p for n, p in model.named_parameters()}
    for name, p in names.items():
        key = f"adam.exp_avg.{name}"
        if key in tensors:
            adam.state[p] = {
                "step": torch.tensor(1000.0, device=p.device if p.is_cuda else "cpu"),
                "exp_avg": tensors[key].to(p.device, p.dtype),
                "exp_avg_sq": tensors[f"adam.exp_avg_sq.{name}"].to(p.device, p.dtype)}
