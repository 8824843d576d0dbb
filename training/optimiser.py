"""Muon for the matrices of the transformer's blocks, Adam for the rest."""

import torch


@torch.no_grad()
def orthogonal(m):
    """Nearest orthogonal matrices to a stack [n, rows, columns], by five Newton-Schulz steps."""
    tall = m.shape[1] > m.shape[2]
    x = m.transpose(1, 2) if tall else m
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum 0.95 with Nesterov's step; matrices of one shape are handled as one stack."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for p in group["params"]:
                by_shape.setdefault(p.shape, []).append(p)
            for shape, params in by_shape.items():
                updates = []
                for p in params:
                    state = self.state[p]
                    if "momentum" not in state:
                        state["momentum"] = torch.zeros_like(p)
                    state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                    updates.append(torch.lerp(p.grad, state["momentum"], group["momentum"]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for p, update in zip(params, orthogonal(torch.stack(updates))):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update, alpha=-group["lr"] * scale)


def split(model, text_encoder):
    """Matrices of the blocks but for the queries and keys; those; and everything else.

    Orthogonal steps would let the content of queries and keys outgrow their biases within some hundred steps: in
    self-attention those are the places where heads look, in cross-attention they keep the padding out.
    """
    looking = [p for b in model.blocks for a in (b.attn1, b.attn2) for p in (a.to_q.weight, a.to_k.weight)]
    slow = {id(p) for p in looking}
    blocks = {id(p) for p in model.blocks.parameters() if p.ndim == 2} - slow
    everything = [*model.parameters(), *text_encoder.parameters()]
    matrices = [p for p in everything if id(p) in blocks]
    return matrices, looking, [p for p in everything if id(p) not in blocks | slow]
