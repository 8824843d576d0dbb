"""Gates 2 and 3: the judge on 81-frame films of held-out prompts, sampled with UniPC and decoded by diffusers' VAE.

Usage: python gate_film.py --model FOLDER [--clips N] [--steps N] [--guidance G] [--sheet PNG]
"""

import argparse
import json
import pathlib

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from transformers import UMT5EncoderModel

from domain import caption
from flow import conditions, judge_latents, trial_pairs
from judge import judge_films
from sheet import contact_sheet
from transformer import velocity

LATENTS = 21
LEAST = {"colour": 0.95, "shape": 0.85, "direction": 0.90}


@torch.no_grad()
def sample_latents(model, text_encoder, scheduler, captions, steps, guidance, seed, latents=LATENTS):
    """[N, 16, latents, 12, 12], one clip at a time with noise of its own seed."""
    films = []
    for i, text in enumerate(captions):
        scheduler.set_timesteps(steps)
        generator = torch.Generator().manual_seed(seed + i)
        x = torch.randn(1, 16, latents, 12, 12, generator=generator)
        sides = [conditions(text_encoder, [c]) for c in ((text, None) if guidance > 1 else (text,))]
        for t in scheduler.timesteps:
            v = [velocity(model, x, t.float().reshape(1), *side) for side in sides]
            guided = v[1] + guidance * (v[0] - v[1]) if len(v) == 2 else v[0]
            x = scheduler.step(guided, t, x, return_dict=False)[0]
        films.append(x[0])
    return torch.stack(films)


@torch.no_grad()
def decode_films(vae, latents):
    """[N, 16, F, 12, 12] -> [N, 4 F - 3, 96, 96, 3] in 0..1."""
    frames = [vae.decode(z[None]).sample[0].permute(1, 2, 3, 0) / 2 + 0.5 for z in latents]
    return torch.stack(frames).clamp(0, 1).numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--latents", type=int, default=LATENTS)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--sheet", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = WanTransformer3DModel.from_pretrained(args.model / "transformer").eval()
    text_encoder = UMT5EncoderModel.from_pretrained(args.model / "text_encoder").eval()
    vae = AutoencoderKLWan.from_pretrained(args.model / "vae").eval()
    scheduler = UniPCMultistepScheduler.from_pretrained(args.model / "scheduler")
    wanted = trial_pairs(args.clips, 77, held=True)
    captions = [caption(*w) for w in wanted]
    z = sample_latents(model, text_encoder, scheduler, captions, args.steps, args.guidance, args.seed, args.latents)
    print("latents", json.dumps({k: round(v, 3) for k, v in judge_latents(z, wanted).items()}))
    films = decode_films(vae, z)
    judged = judge_films(films, wanted)
    print("films  ", json.dumps({k: round(v, 3) for k, v in judged.items()}))
    if args.sheet:
        contact_sheet(films[:10], args.sheet, every=4, columns=21, scale=0.75)
        print("\n".join(captions[:10]))
    below = [f"{k} {judged[k]:.3f}, at least {least}" for k, least in LEAST.items() if judged[k] < least]
    if below:
        raise SystemExit(f"the gate does not hold: {'; '.join(below)}")


if __name__ == "__main__":
    main()
