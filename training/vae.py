"""AutoencoderKLWan for the tiny model: configuration, starting weights and fast forward passes for training.

Only the last temporal tap of a causal convolution is used (the earlier ones stay zero), except in the decoder's first
convolution, which also sees the latent before. So latent j depends on frame 4j alone, and the frames of latent j on
latents j - 1 and j alone: nothing can drift over a long film, and training needs no long clips.

N images, C channels.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan

BASE = 8
Z = 16


def make_vae():
    return AutoencoderKLWan(
        base_dim=BASE, z_dim=Z, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[],
        temperal_downsample=[False, True, True], dropout=0.0, latents_mean=[0.0] * Z, latents_std=[1.0] * Z,
    )


def used_taps(name):
    return 2 if name == "decoder.conv_in.weight" else 1


@torch.no_grad()
def start_weights(vae, seed):
    """Fan-in weights on the used taps, zero biases, second convolutions x 0.3; time convolutions pass frames on."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in vae.named_parameters():
        if name.endswith("gamma"):
            p.fill_(1.0)
        elif name.endswith("bias"):
            p.zero_()
        elif "time_conv" in name:
            p.zero_()
            eye = torch.eye(p.shape[1])
            p[:, :, -1, 0, 0] = eye.repeat(p.shape[0] // p.shape[1], 1)
        else:
            taps = used_taps(name) if p.ndim == 5 else 1
            fan_in = p[0].numel() // (p.shape[2] if p.ndim == 5 else 1) * taps
            scale = 0.3 if "conv2" in name or ".proj." in name else 1.0
            fresh = torch.randn(p.shape, generator=generator) * scale / math.sqrt(fan_in)
            if p.ndim == 5:
                fresh[:, :, : p.shape[2] - taps] = 0
            p.copy_(fresh)
    # The code is given, so the quantising convolutions only pass it on; the deviation is a small constant.
    vae.post_quant_conv.weight.copy_(torch.eye(Z).reshape(Z, Z, 1, 1, 1))
    vae.quant_conv.weight.copy_(torch.eye(2 * Z).reshape(2 * Z, 2 * Z, 1, 1, 1))
    vae.encoder.conv_out.weight[Z:] = 0
    vae.encoder.conv_out.bias[Z:] = -10.0


def conv(c, x):
    """The last temporal tap of a causal convolution, as a convolution of images."""
    w = c.weight[:, :, -1]
    return F.conv2d(x, w, c.bias, padding=w.shape[-1] // 2)


def norm(n, x):
    return F.normalize(x, dim=1) * (n.scale * n.gamma.reshape(-1, 1, 1))


def residual(block, x):
    h = conv(block.conv_shortcut, x) if hasattr(block.conv_shortcut, "weight") else x
    y = conv(block.conv1, F.silu(norm(block.norm1, x)))
    return conv(block.conv2, F.silu(norm(block.norm2, y))) + h


def attention(block, x):
    q, k, v = F.conv2d(norm(block.norm, x), block.to_qkv.weight, block.to_qkv.bias).flatten(2).chunk(3, dim=1)
    a = (q.transpose(1, 2) @ k * q.shape[1] ** -0.5).softmax(dim=-1)
    y = (v @ a.transpose(1, 2)).reshape(x.shape)
    return x + F.conv2d(y, block.proj.weight, block.proj.bias)


def middle(block, x):
    return residual(block.resnets[1], attention(block.attentions[0], residual(block.resnets[0], x)))


def decode(vae, before, now):
    """Latents `before` (None at the film's start) and `now` [N, 16, h, w] -> frames [N, 4 or 1, 3, 8h, 8w]."""
    d = vae.decoder
    n = len(now)
    w = d.conv_in.weight
    x = F.conv2d(now, w[:, :, 2], d.conv_in.bias, padding=1)
    if before is not None:
        x = x + F.conv2d(before, w[:, :, 1], padding=1)
    x = middle(d.mid_block, x)
    for block in d.up_blocks:
        for r in block.resnets:
            x = residual(r, x)
        if block.upsamplers is None:
            continue
        up = block.upsamplers[0]
        if up.mode == "upsample3d" and before is not None:
            c = x.shape[1]
            x = conv(up.time_conv, x)
            x = x.reshape(-1, c, *x.shape[2:])
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = F.conv2d(x, up.resample[1].weight, up.resample[1].bias, padding=1)
    x = conv(d.conv_out, F.silu(norm(d.norm_out, x)))
    return x.reshape(n, -1, *x.shape[1:])


def encode(vae, images):
    """Images [N, 3, H, W] in -1..1 -> latents [N, 16, H/8, W/8]; the time convolutions are identities."""
    e = vae.encoder
    x = conv(e.conv_in, images)
    for block in e.down_blocks:
        if hasattr(block, "resample"):
            x = F.conv2d(F.pad(x, (0, 1, 0, 1)), block.resample[1].weight, block.resample[1].bias, stride=2)
        else:
            x = residual(block, x)
    x = middle(e.mid_block, x)
    return conv(e.conv_out, F.silu(norm(e.norm_out, x)))[:, :Z]


def keep_frozen(vae):
    """Called after the gradient: unused taps, the quantising convolutions and the encoder's time stay as they are."""
    for name, p in vae.named_parameters():
        if p.grad is None:
            continue
        if "quant_conv" in name or ("encoder" in name and "time_conv" in name):
            p.grad = None
        elif name.startswith("encoder.conv_out"):
            p.grad[Z:] = 0
