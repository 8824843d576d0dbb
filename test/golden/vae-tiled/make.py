"""Frames of latents as Diffusers decodes them in tiles.

make.py VAE_FOLDER LATENTS.safetensors FRAMES.safetensors --tile 32 --stride 24 [--count 2]
"""

import argparse

import torch
from diffusers import AutoencoderKLWan
from safetensors.torch import load_file, save_file

parser = argparse.ArgumentParser()
parser.add_argument("vae")
parser.add_argument("latents")
parser.add_argument("frames")
parser.add_argument("--tile", type=int, required=True, help="pixels of a tile's side")
parser.add_argument("--stride", type=int, required=True, help="pixels from one tile to the next")
parser.add_argument("--count", type=int, help="latents to decode, all unless said")
arguments = parser.parse_args()

vae = AutoencoderKLWan.from_pretrained(arguments.vae, torch_dtype=torch.float32)
vae.enable_tiling(arguments.tile, arguments.tile, arguments.stride, arguments.stride)
latents = load_file(arguments.latents)["latents"][:, :, : arguments.count]
channel = lambda values: torch.tensor(values).view(1, -1, 1, 1, 1)
with torch.no_grad():
    scaled = latents * channel(vae.config.latents_std) + channel(vae.config.latents_mean)
    frames = vae.decode(scaled).sample
save_file({"frames": frames.contiguous()}, arguments.frames)
