"""Random weights whose every input matters: matrices keep the size of what they are given, biases and scales are not idle."""

import zlib

import torch

# A transformer's gates and norms shrink what its matrices give, so these are a little above one.
TRANSFORMER_GAIN = 1.2


def generator(seed, label):
    """Random numbers of one part of the folder, whatever else is drawn."""
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {label}".encode()))


@torch.no_grad()
def fill(module, seed, label, gain=1.0):
    """Draws all parameters of a module, in the order of their names, and returns it for use."""
    draw = generator(seed, label)
    for name, parameter in sorted(module.named_parameters()):
        normal = torch.randn(parameter.shape, generator=draw)
        parameter.copy_(_scaled(name, normal, gain))
    return module.float().eval().requires_grad_(False)


def _scaled(name, normal, gain):
    if name.endswith("bias"):
        return 0.1 * normal
    if "scale_shift_table" in name or "relative_attention_bias" in name:
        return 0.5 * normal
    if normal.dim() == 1 or name.endswith("gamma"):
        return 1 + 0.2 * normal
    if name.startswith(("shared", "encoder.embed_tokens")):
        return normal
    return gain * normal / normal[0].numel() ** 0.5
