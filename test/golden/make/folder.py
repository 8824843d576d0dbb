"""A folder of reference numbers on its way."""

import json
import pathlib

import torch
from safetensors.torch import save_file
from weights import generator

# What two right float32 implementations may differ by; the bound of the comparison is 1e-4.
FAIR = 8e-5


class Folder:
    """Where everything is written, and what is found on the way."""

    def __init__(self, path, seed, channels):
        self.path, self.seed, self.channels, self.checks = pathlib.Path(path), seed, channels, {}

    def write(self, name, tensors, **settings):
        path = self.path / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        told = {setting: json.dumps(value) for setting, value in settings.items()}
        save_file({key: tensor.contiguous().clone() for key, tensor in tensors.items()}, path, metadata=told)

    def noise(self, label, frames, height, width):
        return torch.randn((1, self.channels, frames, height, width), generator=generator(self.seed, label))

    def found(self, what, value):
        self.checks[what] = value
        print(f"{what}: {value:.2e}", flush=True)

    def report(self, name, *libraries):
        versions = {library.__name__: library.__version__ for library in libraries}
        (self.path / name).write_text(json.dumps({**versions, "seed": self.seed, "checks": self.checks}, indent=1))

    def unfair(self):
        return [what for what, value in self.checks.items() if " vs " in what and value > FAIR]


def distance(one, other):
    return (one.double() - other.double()).abs().max().item()
