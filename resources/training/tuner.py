"""The objective of finetune.py and one step of it."""
import contextlib

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

import finetune_model
import validate
from packing import BODY, IGNORE, PROMPT, STRUCTURE, rows_of


CHUNK = 4096  # positions whose logits exist at a time: a vocabulary is wide


class Objective(torch.nn.Module):
    """A model under the masks that a batch brings, with the loss of every wanted position's next token."""

    def __init__(self, model, masks):
        super().__init__()
        self.model, self.masks = model, masks
        self.head = self.losses

    def hidden(self, b):
        """(B x T, width): normed states."""
        masks = self.masks(b["state"], b["intervals"], b["room_states"])
        return finetune_model.core(self.model).model(input_ids=b["ids"], position_ids=b["positions"], use_cache=False,
                                                     attention_mask=masks).last_hidden_state.flatten(0, 1)

    def logits(self, hidden):
        core = finetune_model.core(self.model)
        logits, cap = core.lm_head(hidden), getattr(core.config, "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits

    def losses(self, hidden, following):
        return F.cross_entropy(self.logits(hidden).float(), following, reduction="none")

    def forward(self, b, scale):
        """(weighted sum of the losses x scale, each loss). Logits are computed once more on the way back, not kept."""
        hidden, following = self.hidden(b)[b["at"]], b["following"]
        each = torch.cat([checkpoint(self.head, hidden[i:i + CHUNK], following[i:i + CHUNK], use_reentrant=False)
                          for i in range(0, len(following), CHUNK)])
        return (each * b["weight"]).sum() * scale, each.detach()


class Tuner:
    def __init__(self, model, masks, recipe, rows_at_once, pad, ranks):
        self.objective, self.recipe, self.rows_at_once, self.pad, self.ranks = Objective(model, masks), recipe, rows_at_once, pad, ranks
        self.model, self.device = model, next(model.parameters()).device
        self.trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        o = recipe["optimiser"]
        self.rate = o["lr"]
        self.adam = torch.optim.AdamW(self.trained.values(), lr=o["lr"], betas=(0.9, 0.95), weight_decay=0.0,
                                      fused=self.device.type == "cuda")
        self.whole_chunks = False
        self.parallel = ranks.wrap(self.objective)

    def compile(self):
        """One compiled layer serves all, since they differ in their weights alone."""
        torch._dynamo.config.recompile_limit = 64
        for layer in finetune_model.core(self.model).model.layers:
            layer.compile(dynamic=False)
        self.objective.head = torch.compile(self.objective.losses, dynamic=False)
        self.whole_chunks = True

    def autocast(self):
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def kinds(self, phase):
        """Weight of each kind of target."""
        weights = np.ones(4, dtype=np.float32)
        weights[IGNORE], weights[STRUCTURE] = 0.0, self.recipe["optimiser"].get("structure_weight", 1.0)
        weights[PROMPT] = phase.get("prompt_weight", 0.0)
        return weights

    def to_device(self, batch, weights):
        """Which positions count is worked out on the host, so that the device need not be waited for."""
        host = {k: np.asarray(v) for k, v in batch.items() if k in ("ids", "target", "group")}
        target = host["target"].reshape(-1)
        of_each = weights[target]
        at = np.flatnonzero(of_each > 0)
        if self.whole_chunks:  # a compiled head has one shape; what fills it up weighs nothing
            at = np.concatenate([at, np.full(-len(at) % CHUNK, np.flatnonzero(target == IGNORE)[0])])
        following = np.roll(host["ids"], -1, axis=1).reshape(-1)
        moved = {"at": at, "following": following[at].astype(np.int64), "weight": of_each[at], "kind": target[at], "group": host["group"].reshape(-1)[at],
                 **{k: batch[k] for k in ("ids", "positions", "state", "intervals")}}
        moved = {k: (v if torch.is_tensor(v) else torch.from_numpy(np.ascontiguousarray(v))).to(self.device, non_blocking=True)
                 for k, v in moved.items()}
        for k in ("at", "following", "ids", "positions", "state", "intervals"):
            moved[k] = moved[k].long()
        return {**moved, "room_states": batch["room_states"]}

    def step(self, batch, phase, factor):
        """One step over this process's rows of it; losses, kinds and groups of its positions, on the device."""
        weights = self.kinds(phase)
        n = batch["ids"].shape[0]
        (total,) = self.ranks.sum(float(weights[np.asarray(batch["target"])].sum()))
        scale = self.ranks.world / max(total, 1.0)  # gradients of several processes are averaged
        found = []
        for first in range(0, n, self.rows_at_once):
            b = self.to_device(rows_of(batch, first, first + self.rows_at_once), weights)
            last = first + self.rows_at_once >= n
            with contextlib.nullcontext() if last or self.ranks.world == 1 else self.parallel.no_sync():
                with self.autocast():
                    loss, each = self.parallel(b, scale)
                loss.backward()
            found.append((each, b["kind"], b["group"]))
        for group in self.adam.param_groups:
            group["lr"] = self.rate * factor
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return [torch.cat(x) for x in zip(*found)]

    def guess(self, batch):
        """For validate.exact_rates: arg max ids and losses (B, T) on the host. With gradients enabled: the compiled layers of
        training serve as they are."""
        B, T = batch["ids"].shape
        guess, loss = np.zeros(B * T, dtype=np.int64), np.zeros(B * T, dtype=np.float32)
        b = self.to_device(batch, np.asarray([0, 1, 1, 0], dtype=np.float32))
        places, following = b["at"], b["following"]
        with self.autocast():
            hidden = self.objective.hidden(b).detach()
            for first in range(0, len(b["at"]), CHUNK):
                at = b["at"][first:first + CHUNK]
                with torch.no_grad():
                    logits = self.objective.logits(hidden[at])
                    each = F.cross_entropy(logits.float(), b["following"][first:first + CHUNK], reduction="none")
                places = at.cpu().numpy()
                guess[places], loss[places] = logits.argmax(-1).cpu().numpy(), each.cpu().numpy()
        return guess.reshape(B, T), loss.reshape(B, T)

    def validate(self, documents, share=1.0):
        """{(name, mode): figures} of {name: [Document]}."""
        phase, results = self.recipe["phases"][-1], {}
        rows = max(1, min(self.rows_at_once, phase["rows"] // self.ranks.world))
        for name, docs in documents.items():
            docs = docs[:max(8, round(len(docs) * share))]
            for mode in ("dense", "declared"):
                results[(name, mode)] = validate.exact_rates(self.guess, docs, phase["row"], rows, mode == "dense", self.pad)
        return results

    def state(self):
        tensors = {n: p.detach().to("cpu", copy=True).contiguous() for n, p in self.trained.items()}
        for n, p in self.trained.items():
            for key in ("exp_avg", "exp_avg_sq"):
                if key in self.adam.state.get(p, {}):
                    tensors[f"adam.{key}.{n}"] = self.adam.state[p][key].to("cpu", copy=True).contiguous()
        return tensors

    def restore(self, tensors, steps):
        with torch.no_grad():
            for n, p in self.trained.items():
                if n not in tensors or tensors[n].shape != p.shape:
                    raise SystemExit(f"checkpoint: {n} is missing or of another shape; start without --resume")
                p.copy_(tensors[n])
                if f"adam.exp_avg.{n}" in tensors:
                    moments = {k: tensors[f"adam.{k}.{n}"].to(p.device, p.dtype) for k in ("exp_avg", "exp_avg_sq")}
                    at = p.device if self.device.type == "cuda" else "cpu"  # where fused AdamW wants it
                    self.adam.state[p] = {"step": torch.tensor(float(steps), device=at), **moments}


def by_kind(each, kind):
    """{BODY: (sum, n), STRUCTURE: (sum, n)} of one step's losses."""
    return {k: (float(each[kind == k].sum()), int((kind == k).sum())) for k in (BODY, STRUCTURE)}
