"""Wan's transformer restated in plain tensor algebra for any float type, with DualParal's contexts in self-attention."""

import dataclasses
import math

import torch
import torch.nn.functional as F


@dataclasses.dataclass(frozen=True)
class Transformer:
    """A checkpoint's weights by name, and the numbers of its config that the algebra needs."""

    weights: dict
    heads: int
    layers: int
    time_width: int
    epsilon: float

    @staticmethod
    def of(model, dtype=torch.float32):
        config = model.config
        weights = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
        return Transformer(weights, config.num_attention_heads, config.num_layers, config.freq_dim, config.eps)

    @property
    def dtype(self):
        return self.weights["proj_out.weight"].dtype


@dataclasses.dataclass(frozen=True)
class Output:
    embed: torch.Tensor
    layers: tuple
    velocity: torch.Tensor
    """Keys (before norm and rotation) and values that the left neighbour will see, one pair `[1, K, D]` per layer."""
    kept: tuple
    ends: tuple
    """The same of the last latents, for the right neighbour where it reuses them."""


def forward(model, latents, timestep, text, right=(), context=0, left=()):
    """
    One pass: `latents [1, C, F, H, W]`, all at `timestep`, `text [1, L, textWidth]`. With a `context` of that many latents the
    tokens of latents `[context, 2·context)` are kept; `right` is what the right neighbour kept. `left` stands for the latents
    of a left context by the keys and values that they once had: `latents` are then without them, and the first `context` are kept.
    """
    w = model.weights
    _, _, frames, height, width = latents.shape
    linear = lambda x, name: F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    temb = sinusoid(timestep, model.time_width).to(model.dtype)[None]
    temb = linear(F.silu(linear(temb, "condition_embedder.time_embedder.linear_1")), "condition_embedder.time_embedder.linear_2")
    modulation = linear(F.silu(temb), "condition_embedder.time_proj").unflatten(1, (6, -1))
    prompt = linear(_gelu(linear(text, "condition_embedder.text_embedder.linear_1")), "condition_embedder.text_embedder.linear_2")
    embed = F.conv3d(latents, w["patch_embedding.weight"], w["patch_embedding.bias"], stride=(1, 2, 2))
    x = embed = embed.flatten(2).transpose(1, 2)

    tokens = context * (height // 2) * (width // 2)
    before = tokens if left else 0
    first = 0 if left else tokens
    seen = (context if left else 0) + frames + (context if right else 0)
    angles = rotary_angles(x.shape[-1] // model.heads, seen, height // 2, width // 2)
    turn = (angles.cos().to(model.dtype), angles.sin().to(model.dtype))
    layers, kept, ends = [], [], []
    for layer in range(model.layers):
        neighbours = (left[layer] if left else None, right[layer] if right else None)
        x, own = _layer(model, layer, x, prompt, modulation, turn, before, neighbours)
        layers.append(x)
        kept.append(tuple(part[:, first : first + tokens] for part in own))
        ends.append(tuple(part[:, part.shape[1] - tokens :] for part in own))

    shift, scale = (w["scale_shift_table"] + temb[:, None]).chunk(2, dim=1)
    out = linear(_norm(x, model.epsilon) * (1 + scale) + shift, "proj_out")
    out = out.reshape(1, frames, height // 2, width // 2, 1, 2, 2, -1).permute(0, 7, 1, 4, 2, 5, 3, 6)
    velocity = out.flatten(6, 7).flatten(4, 5).flatten(2, 3)
    return Output(embed, tuple(layers), velocity, tuple(kept) if context else (), tuple(ends) if context else ())


def _layer(model, layer, x, prompt, modulation, turn, before, neighbours):
    """A layer's `x`, whose tokens follow `before` others, and the keys and values of its own tokens."""
    w, epsilon, name = model.weights, model.epsilon, f"blocks.{layer}"
    linear = lambda value, part: F.linear(value, w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"])
    rms = lambda value, part: value / (value.square().mean(-1, keepdim=True) + epsilon).sqrt() * w[f"{name}.{part}.weight"]
    shift, scale, gate, shift2, scale2, gate2 = (w[f"{name}.scale_shift_table"] + modulation).chunk(6, dim=1)

    y = _norm(x, epsilon) * (1 + scale) + shift
    own = linear(y, "attn1.to_k"), linear(y, "attn1.to_v")
    left, right = neighbours
    key, value = (torch.cat(parts, 1) for parts in zip(*(part for part in (left, own, right) if part is not None)))
    here = tuple(table[before:] for table in turn)
    query = _rotate(rms(linear(y, "attn1.to_q"), "attn1.norm_q"), here, model.heads)
    mixed = _attention(query, _rotate(rms(key, "attn1.norm_k"), turn, model.heads), value, model.heads)
    x = x + linear(mixed, "attn1.to_out.0") * gate

    y = _norm(x, epsilon) * w[f"{name}.norm2.weight"] + w[f"{name}.norm2.bias"]
    query, key = rms(linear(y, "attn2.to_q"), "attn2.norm_q"), rms(linear(prompt, "attn2.to_k"), "attn2.norm_k")
    x = x + linear(_attention(query, key, linear(prompt, "attn2.to_v"), model.heads), "attn2.to_out.0")

    y = _norm(x, epsilon) * (1 + scale2) + shift2
    return x + linear(_gelu(linear(y, "ffn.net.0.proj")), "ffn.net.2") * gate2, own


def sinusoid(timestep, width):
    """Cosines, then sines, in float64: in float32 the angles of large timesteps would be off by up to 6e-5."""
    angles = timestep * torch.exp(-math.log(10000) * torch.arange(width // 2, dtype=torch.float64) / (width // 2))
    return torch.cat([angles.cos(), angles.sin()])


def rotary_angles(head_width, frames, height, width):
    """Angles `[tokens, headWidth / 2]` of every token, in float64: a part each for time, height and width."""
    spatial = 2 * (head_width // 6)
    grid = torch.meshgrid(*(torch.arange(size, dtype=torch.float64) for size in (frames, height, width)), indexing="ij")
    parts = []
    for position, axis in zip(grid, (head_width - 2 * spatial, spatial, spatial)):
        theta = 10000.0 ** (-torch.arange(0, axis, 2, dtype=torch.float64) / axis)
        parts.append(position.reshape(-1, 1) * theta)
    return torch.cat(parts, 1)


def _rotate(x, turn, heads):
    cos, sin = (table[: x.shape[1], None] for table in turn)
    even, odd = x.unflatten(2, (heads, -1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(2)


def _attention(query, key, value, heads):
    query, key, value = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def _norm(x, epsilon):
    return F.layer_norm(x, x.shape[-1:], eps=epsilon)


def _gelu(x):
    return F.gelu(x, approximate="tanh")
