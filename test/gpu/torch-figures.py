"""What PyTorch does on the same device: the best matrix product, attention, and a layer of the same shape.

`torch-figures.py TASK`: the task as JSON, as every part is given it; figures are appended to the task's `rows`.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

TASK = json.loads(sys.argv[1])
CUDA = TASK["kind"] == "cuda"
DEVICE = "cuda" if CUDA else "cpu"
TYPE = torch.bfloat16
TEXT = 512
STARTED = time.time()


def note(name, **values):
    line = json.dumps({**values, "name": name, "atSeconds": round(time.time() - STARTED, 1)})
    with open(TASK["rows"], "a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def attempt(name, run):
    try:
        note(name, **run())
    except Exception as error:
        note(name, error=f"{type(error).__name__}: {error}"[:400])


def timed(run, times):
    """Milliseconds by the clock, each run waited for as the runner waits: median and least."""
    wait = torch.cuda.synchronize if CUDA else lambda: None
    for _ in range(2):
        run()
    wait()
    all_times = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        wait()
        all_times.append(1000 * (time.perf_counter() - started))
    all_times.sort()
    return {"milliseconds": all_times[len(all_times) // 2], "least": all_times[0]}


def product(size):
    a, b = (torch.randn(size, size, device=DEVICE, dtype=TYPE) for _ in range(2))
    times = timed(lambda: a @ b, 20)
    return {**times, "teraflops": 2 * size**3 / times["milliseconds"] / 1e9}


def attention(backend, heads, tokens):
    q, k, v = (torch.randn(1, tokens, heads, 128, device=DEVICE, dtype=TYPE).transpose(1, 2) for _ in range(3))
    with sdpa_kernel(backend):
        times = timed(lambda: F.scaled_dot_product_attention(q, k, v), 5)
    return {**times, "teraflops": 4 * tokens**2 * heads * 128 / times["milliseconds"] / 1e9}


def copy(megabytes):
    a = torch.empty(megabytes << 20, dtype=torch.uint8, device=DEVICE)
    b = torch.empty_like(a)
    times = timed(lambda: b.copy_(a), 10)
    return {**times, "terabytesPerSecond": 2 * (megabytes << 20) / times["milliseconds"] / 1e9}


class Layer(torch.nn.Module):
    """A layer as Diffusers computes it: norms and modulation in float32, the rest in bfloat16; the text's keys are given."""

    def __init__(self, heads, feed_forward):
        super().__init__()
        width = heads * 128
        self.heads, self.width = heads, width
        linear = lambda a, b: torch.nn.Linear(a, b, device=DEVICE, dtype=TYPE)
        for name in ("q", "k", "v", "o", "cross_q", "cross_o"):
            setattr(self, name, linear(width, width))
        self.up, self.down = linear(width, feed_forward), linear(feed_forward, width)
        for name in ("norm_q", "norm_k", "norm_cross"):
            setattr(self, name, torch.nn.RMSNorm(width, eps=1e-6, device=DEVICE, dtype=TYPE))
        self.norm2 = torch.nn.LayerNorm(width, eps=1e-6, device=DEVICE, dtype=torch.float32)

    def turn(self, x, cos, sin):
        even, odd = x.float().unflatten(-1, (self.heads, 64, 2)).unbind(-1)
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(TYPE).transpose(1, 2)

    def forward(self, x, table, key, value, cos, sin):
        split = lambda v: v.unflatten(-1, (self.heads, 128)).transpose(1, 2)
        join = lambda v: v.transpose(1, 2).flatten(2)
        shift, scale, gate, shift2, scale2, gate2 = table.unbind(1)
        norm = lambda v: F.layer_norm(v.float(), (self.width,), eps=1e-6)
        y = (norm(x) * (1 + scale) + shift).to(TYPE)
        q, k = self.turn(self.norm_q(self.q(y)), cos, sin), self.turn(self.norm_k(self.k(y)), cos, sin)
        own = self.o(join(F.scaled_dot_product_attention(q, k, split(self.v(y)))))
        x = (x.float() + own * gate).to(TYPE)
        y = self.norm2(x.float()).to(TYPE)
        x = x + self.cross_o(join(F.scaled_dot_product_attention(split(self.norm_cross(self.cross_q(y))), key, value)))
        y = (norm(x) * (1 + scale2) + shift2).to(TYPE)
        return (x.float() + self.down(F.gelu(self.up(y), approximate="tanh")).float() * gate2).to(TYPE)


def layer(heads, feed_forward, tokens, compiled, backend=None):
    width = heads * 128
    torch.compiler.reset()
    model = Layer(heads, feed_forward)
    started = time.time()
    run = torch.compile(model, dynamic=False) if compiled else model
    normal = lambda *shape, dtype=TYPE: torch.randn(*shape, device=DEVICE, dtype=dtype)
    angles = normal(tokens, 1, 64, dtype=torch.float32)
    given = (normal(1, tokens, width), normal(1, 6, width, dtype=torch.float32), normal(1, heads, TEXT, 128),
             normal(1, heads, TEXT, 128), angles.cos(), angles.sin())
    with torch.no_grad(), sdpa_kernel(backend or [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.MATH],
                                      **({} if backend else {"set_priority": True})):
        run(*given)
        first = time.time() - started
        times = timed(lambda: run(*given), 8)
    operations = 2 * tokens * (6 * width**2 + 2 * width * feed_forward) + 4 * tokens * (tokens + TEXT) * width
    return {**times, "teraflops": operations / times["milliseconds"] / 1e9, "firstSeconds": first}


def main():
    small = TASK["small"]
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    note("versions", **versions, device=torch.cuda.get_device_name() if CUDA else "cpu")
    attempt("matrix product in bfloat16, 8192", lambda: product(256 if small else 8192))
    attempt("copy within the device, 2048 MB", lambda: copy(16 if small else 2048))
    widths = {"Wan2.1-T2V-1.3B": (12, 8960), "Wan2.1-T2V-14B": (40, 13824)}
    lengths = (64,) if small else (1560, 6240, 18720)
    for name, (heads, feed_forward) in widths.items():
        title = f"{name}: 1 layer, {lengths[-1]} tokens in BF16, eager"
        attempt(title, lambda: layer(heads, feed_forward, lengths[-1], False))
        title = f"CUDNN_ATTENTION in BF16, {lengths[-1]} tokens x {heads} heads"
        attempt(title, lambda: attention(SDPBackend.CUDNN_ATTENTION, heads, lengths[-1]))
    for tokens in lengths[::-1]:
        for name, (heads, feed_forward) in widths.items():
            title = f"{name}: 1 layer, {tokens} tokens in BF16, compiled"
            attempt(title, lambda: layer(heads, feed_forward, tokens, True))
    attempt("matrix product in bfloat16, 8192, again", lambda: product(256 if small else 8192))


main()
