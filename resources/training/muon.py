"""Muon (Jordan et al. 2024; momentum, orthogonalised by five Newton-Schulz steps) for hidden matrices, batched by shape."""
import torch


def orthogonalise(g):
    """g (n, rows, columns), any scale; returns matrices whose singular values are near 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16() if g.is_cuda else g.float()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon:
    """decay is decoupled weight decay. Without it every step adds a matrix of singular values near lr to weights that
    never shrink: attention logits grow until bf16 cannot resolve them, and the loss climbs at a constant rate."""

    def __init__(self, named, momentum=0.95, decay=0.1, compile=False):
        self.momentum, self.decay = momentum, decay
        self.step_fn = torch.compile(orthogonalise, dynamic=False) if compile else orthogonalise
        self.groups = {}
        for name, p in named:
            self.groups.setdefault(tuple(p.shape), []).append((name, p))
        self.buffers = {s: torch.zeros((len(g), *s), device=g[0][1].device) for s, g in self.groups.items()}

    @torch.no_grad()
    def step(self, lr):
        for shape, group in self.groups.items():
            grad = torch.stack([p.grad for _, p in group])
            buffer = self.buffers[shape]
            buffer.lerp_(grad, 1 - self.momentum)
            update = self.step_fn(torch.lerp(grad, buffer, self.momentum))
            scale = -lr * max(1.0, shape[0] / shape[1]) ** 0.5
            torch._foreach_mul_([p for _, p in group], 1.0 - lr * self.decay)
            torch._foreach_add_([p for _, p in group], list(update.to(buffer.dtype).unbind(0)), alpha=scale)

    def state(self):
        return {f"muon.{n}": b for s, g in self.groups.items() for (n, _), b in zip(g, self.buffers[s])}

    def load(self, state):
        for shape, group in self.groups.items():
            for i, (name, _) in enumerate(group):
                self.buffers[shape][i].copy_(state[f"muon.{name}"])
