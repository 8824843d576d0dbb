"""Layers as wide as asked for in PyTorch, and its best matrix product, run whenever they are asked for.

The first line of standard input is {"device", "threads", "type", "heads", "headWidth", "feedForward", "channels", "layers", "ends", "frames",
"height", "width", "context", "text"} as JSON; with "ends", patches are embedded before the layers and predicted after them. The answer is
{"torch", "form"}: the faster of eager and compiled. Every further line is "layers N" or "product N"; its answer is {"wall",
"processor"}: the milliseconds of one of N runs, on average, by the clock and of all threads together.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

TASK = json.loads(sys.stdin.readline())
CUDA = TASK["device"] == "cuda"
TYPE = {"F32": torch.float32, "BF16": torch.bfloat16}[TASK["type"]]
BACKENDS = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def milliseconds(run, times):
    """Of one of `times` runs, each waited for: by the clock, and of all threads together."""
    wait = torch.cuda.synchronize if CUDA else lambda: None
    wait()
    started = time.perf_counter(), time.process_time()
    for _ in range(times):
        run()
        wait()
    wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    return {"wall": 1000 * wall / times, "processor": 1000 * processor / times}


class Layer(torch.nn.Module):
    """A layer as Diffusers computes it: norms and modulation in float32; the text's keys and values are given."""

    def __init__(self, heads, head_width, feed_forward):
        super().__init__()
        width = heads * head_width
        self.heads, self.half, self.width = heads, head_width // 2, width
        linear = lambda a, b: torch.nn.Linear(a, b, dtype=TYPE)
        for name in ("q", "k", "v", "o", "cross_q", "cross_o"):
            setattr(self, name, linear(width, width))
        self.up, self.down = linear(width, feed_forward), linear(feed_forward, width)
        for name in ("norm_q", "norm_k", "norm_cross"):
            setattr(self, name, torch.nn.RMSNorm(width, eps=1e-6, dtype=TYPE))
        self.norm2 = torch.nn.LayerNorm(width, eps=1e-6, dtype=torch.float32)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def turn(self, x, cos, sin):
        even, odd = x.float().unflatten(-1, (self.heads, self.half, 2)).unbind(-1)
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(TYPE).transpose(1, 2)

    def forward(self, x, table, key, value, right_k, right_v, cos, sin):
        join = lambda v: v.transpose(1, 2).flatten(2)
        shift, scale, gate, shift2, scale2, gate2 = table.unbind(1)
        norm = lambda v: F.layer_norm(v.float(), (self.width,), eps=1e-6)
        y = (norm(x) * (1 + scale) + shift).to(TYPE)
        k = torch.cat((self.norm_k(self.k(y)), right_k), 1)
        v = torch.cat((self.v(y), right_v), 1)
        q, k = self.turn(self.norm_q(self.q(y)), cos[: x.shape[1]], sin[: x.shape[1]]), self.turn(k, cos, sin)
        own = self.o(join(F.scaled_dot_product_attention(q, k, self.split(v))))
        x = (x.float() + own * gate).to(TYPE)
        y = self.norm2(x.float()).to(TYPE)
        x = x + self.cross_o(join(F.scaled_dot_product_attention(self.split(self.norm_cross(self.cross_q(y))), key, value)))
        y = (norm(x) * (1 + scale2) + shift2).to(TYPE)
        return (x.float() + self.down(F.gelu(self.up(y), approximate="tanh")).float() * gate2).to(TYPE)


class Stack(torch.nn.Module):
    """The layers, or with `ends` a block-step's whole model: latents in, velocities out."""

    def __init__(self):
        super().__init__()
        self.width, channels = TASK["heads"] * TASK["headWidth"], TASK["channels"]
        self.embed = torch.nn.Conv3d(channels, self.width, (1, 2, 2), (1, 2, 2), dtype=TYPE) if TASK["ends"] else None
        self.head = torch.nn.Linear(self.width, 4 * channels, dtype=TYPE) if TASK["ends"] else None
        self.layers = torch.nn.ModuleList(Layer(TASK["heads"], TASK["headWidth"], TASK["feedForward"]) for _ in range(TASK["layers"]))

    def forward(self, x, shift, scale, *given):
        if self.embed is not None:
            x = self.embed(x.to(TYPE)).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x, *given)
        if self.head is None:
            return x
        y = self.head((F.layer_norm(x.float(), (self.width,), eps=1e-6) * (1 + scale) + shift).to(TYPE))
        y = y.unflatten(1, (TASK["frames"], TASK["height"], TASK["width"])).unflatten(-1, (2, 2, -1))
        return y.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4).float()


def main():
    torch.set_default_device("cuda" if CUDA else "cpu")
    torch.set_num_threads(TASK["threads"])
    torch.set_grad_enabled(False)
    heads, half, context, text = TASK["heads"], TASK["headWidth"] // 2, TASK["context"], TASK["text"]
    frames, height, wide = TASK["frames"], TASK["height"], TASK["width"]
    width, tokens = 2 * half * heads, frames * height * wide
    stack = Stack()
    normal = lambda *shape, dtype=TYPE: torch.randn(*shape, dtype=dtype)
    row = lambda *shape: normal(*shape, dtype=torch.float32)
    angles = row(tokens + context, 1, half)
    keys = normal(1, heads, text, 2 * half)
    given = (row(1, width), row(1, width), row(1, 6, width), keys, keys, normal(1, context, width), normal(1, context, width),
             angles.cos(), angles.sin())
    x = row(1, TASK["channels"], frames, 2 * height, 2 * wide) if TASK["ends"] else normal(1, tokens, width)
    rows, weight, bias = normal(tokens, width), normal(TASK["feedForward"], width), normal(TASK["feedForward"])
    runs = {"layers": lambda: stack(x, *given), "product": lambda: F.linear(rows, weight, bias)}
    with sdpa_kernel(BACKENDS, set_priority=True):
        form = faster(runs, stack, (x, *given))
        print(json.dumps({"torch": torch.__version__, "form": form}), flush=True)
        for line in sys.stdin:
            name, times = line.split()
            print(json.dumps(milliseconds(runs[name], int(times))), flush=True)


def faster(runs, stack, given):
    """Makes "layers" the faster of eager and compiled, and says which."""
    try:
        compiled = torch.compile(stack, dynamic=False)
        compiled(*given)
    except Exception as error:
        print(f"not compiled: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
        return "eager"
    plain, other = runs["layers"], lambda: compiled(*given)
    times = {"eager": [], "compiled": []}
    for _ in range(2):
        times["eager"].append(milliseconds(plain, 1)["wall"])
        times["compiled"].append(milliseconds(other, 1)["wall"])
    best = min(times, key=lambda form: min(times[form]))
    if best == "compiled":
        runs["layers"] = other
    return best


main()
