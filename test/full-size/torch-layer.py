"""One transformer layer of full width in PyTorch, with random weights.

Reads {"folder", "heads", "headWidth", "feedForward", "frames", "height", "width", "text", "seed"} as JSON from standard input,
writes the layer as FOLDER/layer/weights.safetensors and its inputs and outputs as FOLDER/numbers.safetensors: `y` by the plain
formulas below, and `diffusers` by the library's own block where it is installed.
"""

import ctypes
import json
import math
import os
import struct
import sys

import torch
import torch.nn.functional as F

EPSILON = 1e-6


def save(path, tensors):
    """A safetensors file, written without any library but torch."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            assert tensor.is_contiguous() and tensor.dtype == torch.float32
            file.write((ctypes.c_char * (tensor.numel() * 4)).from_address(tensor.data_ptr()))


def random_weights(width, feed_forward):
    normal = lambda *shape: torch.randn(*shape)
    weights = {"scale_shift_table": normal(1, 6, width) / math.sqrt(width)}
    linear = [(f"{a}.{part}", width, width) for a in ("attn1", "attn2") for part in ("to_q", "to_k", "to_v", "to_out.0")]
    for name, source, target in linear + [("ffn.net.0.proj", width, feed_forward), ("ffn.net.2", feed_forward, width)]:
        weights[f"{name}.weight"] = normal(target, source).div_(math.sqrt(source))
        weights[f"{name}.bias"] = 0.1 * normal(target)
    for name in ("attn1.norm_q", "attn1.norm_k", "attn2.norm_q", "attn2.norm_k", "norm2"):
        weights[f"{name}.weight"] = 1 + 0.1 * normal(width)
    weights["norm2.bias"] = 0.1 * normal(width)
    return weights


def rotary(head_width, frames, height, width):
    """Angles of every token, [S, headWidth / 2], in float64."""
    spatial = 2 * (head_width // 6)
    axes = [(frames, head_width - 2 * spatial), (height, spatial), (width, spatial)]
    grids = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n, _ in axes), indexing="ij")
    parts = []
    for grid, (_, size) in zip(grids, axes):
        theta = 10_000 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        parts.append(grid.reshape(-1, 1) * theta)
    return torch.cat(parts, dim=1)


def plain_layer(w, x, ctx, tproj, angles, heads):
    rms = lambda v, name: v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + EPSILON) * w[f"{name}.weight"]
    norm = lambda v: F.layer_norm(v, v.shape[-1:], eps=EPSILON)
    linear = lambda v, name: F.linear(v, w[f"{name}.weight"], w[f"{name}.bias"])
    split = lambda v: v.unflatten(-1, (heads, -1)).transpose(1, 2)
    cos, sin = angles.cos().float(), angles.sin().float()

    def turn(v):
        even, odd = v[..., 0::2], v[..., 1::2]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)

    def attend(query, key, value):
        scores = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(-1)
        return (scores @ value).transpose(1, 2).flatten(2)

    shift, scale, gate, shift2, scale2, gate2 = (w["scale_shift_table"] + tproj).unbind(1)
    y = norm(x) * (1 + scale) + shift
    query = turn(split(rms(linear(y, "attn1.to_q"), "attn1.norm_q")))
    key = turn(split(rms(linear(y, "attn1.to_k"), "attn1.norm_k")))
    x = x + linear(attend(query, key, split(linear(y, "attn1.to_v"))), "attn1.to_out.0") * gate
    y = norm(x) * w["norm2.weight"] + w["norm2.bias"]
    query = split(rms(linear(y, "attn2.to_q"), "attn2.norm_q"))
    key = split(rms(linear(ctx, "attn2.to_k"), "attn2.norm_k"))
    x = x + linear(attend(query, key, split(linear(ctx, "attn2.to_v"))), "attn2.to_out.0")
    y = norm(x) * (1 + scale2) + shift2
    return x + linear(F.gelu(linear(y, "ffn.net.0.proj"), approximate="tanh"), "ffn.net.2") * gate2


def diffusers_layer(w, x, ctx, tproj, angles, heads, feed_forward):
    """The library's own block; None where it is not installed."""
    try:
        from diffusers.models.transformers.transformer_wan import WanTransformerBlock
    except ImportError:
        return None
    with torch.device("meta"):
        block = WanTransformerBlock(x.shape[-1], feed_forward, heads, "rms_norm_across_heads", True, EPSILON)
    block.load_state_dict(w, assign=True)
    tables = [table.float().repeat_interleave(2, dim=1)[None, :, None] for table in (angles.cos(), angles.sin())]
    return block.eval()(x, ctx, tproj, tables)


def main():
    task = json.load(sys.stdin)
    heads, head_width, feed_forward = task["heads"], task["headWidth"], task["feedForward"]
    width = heads * head_width
    tokens = task["frames"] * task["height"] * task["width"]
    torch.manual_seed(task["seed"])
    weights = random_weights(width, feed_forward)
    x, ctx, tproj = torch.randn(1, tokens, width), torch.randn(1, task["text"], width), torch.randn(1, 6, width)
    angles = rotary(head_width, task["frames"], task["height"], task["width"])
    with torch.no_grad():
        numbers = {"x": x, "ctx": ctx, "tproj": tproj, "y": plain_layer(weights, x, ctx, tproj, angles, heads)}
        block = diffusers_layer(weights, x, ctx, tproj, angles, heads, feed_forward)
    if block is not None:
        numbers["diffusers"] = block.contiguous()
    os.makedirs(os.path.join(task["folder"], "layer"))
    save(os.path.join(task["folder"], "layer/weights.safetensors"), {f"blocks.0.{n}": t for n, t in weights.items()})
    save(os.path.join(task["folder"], "numbers.safetensors"), numbers)
    print(json.dumps({"torch": torch.__version__}))


main()
