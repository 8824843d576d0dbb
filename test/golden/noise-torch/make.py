"""Noise of PyTorch's CPU generator. In and out: a JSON list of cases; each comes back with its results filled in."""

import hashlib
import json
import sys

import torch


def fill(case):
    generator = torch.Generator().manual_seed(case["seed"])
    pool = torch.randn(case["shape"], generator=generator, dtype=torch.float32)
    orders = [torch.randperm(case["blockLatents"], generator=generator) for _ in range(1, case["blocks"])]
    numbers = pool.numpy().astype("<f4")
    return {
        **{key: case[key] for key in ("seed", "shape", "blocks", "blockLatents")},
        "first": [float(number) for number in numbers.ravel()[:8]],
        "last": [float(number) for number in numbers.ravel()[-8:]],
        "sha256": hashlib.sha256(numbers.tobytes()).hexdigest(),
        "permutations": [order.tolist() for order in orders],
    }


if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
    sys.exit("this build of PyTorch does not use AVX2: its numbers differ in their last bits")
print("[\n" + ",\n".join(json.dumps(fill(case)) for case in json.load(sys.stdin)) + "\n]")
