"""Gate 1: the judge on 81-frame reconstructions by diffusers' own AutoencoderKLWan; first, middle and last frames apart.

Usage: python gate_vae.py --vae STATE [--clips N] [--sheet PNG]
"""

import argparse
import pathlib

import numpy as np
import torch

from domain import film, pairs
from export import make_vae
from judge import judge_films
from latent_film import place, window
from sheet import contact_sheet
from vae import start_weights

LEAST_SHARE = 0.95


def decibel(a, b):
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vae", type=pathlib.Path, required=True)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--sheet", type=pathlib.Path)
    parser.add_argument("--code", action="store_true", help="decode the exact code, without the encoder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    vae = make_vae()
    start_weights(vae, 0)
    for half in ("decoder",) if args.code else ("decoder", "encoder"):
        state = torch.load(args.vae / f"{half}.pt", weights_only=True)
        getattr(vae, half).load_state_dict(state["average"])
        print(half, "step", state["step"])
    rng = np.random.default_rng(21)
    pool = pairs(True) + pairs(False)
    chosen = [pool[i] for i in rng.choice(len(pool), args.clips, replace=False)]
    starts = [place(rng) for _ in chosen]
    films = np.stack([film(*c, 81, s) for c, s in zip(chosen, starts)])
    decoded = []
    with torch.no_grad():
        for clip, c, s in zip(films, chosen, starts):
            if args.code:
                z = window(*c, s, 21)[None]
            else:
                z = vae.encode(torch.from_numpy(clip).permute(3, 0, 1, 2)[None] * 2 - 1).latent_dist.mode()
            decoded.append(vae.decode(z).sample[0].permute(1, 2, 3, 0).numpy() / 2 + 0.5)
    decoded = np.stack(decoded).clip(0, 1)
    judged = judge_films(decoded, chosen)
    print("all", judged)
    loud = {}
    for name, part in (("first frame", slice(0, 1)), ("frames 1-16", slice(1, 17)), ("frames 65-80", slice(65, 81))):
        loud[name] = decibel(decoded[:, part], films[:, part])
        print(name, f"{loud[name]:.1f} dB")
    phases = [f"{decibel(decoded[:, p + 1::4], films[:, p + 1::4]):.1f}" for p in range(4)]
    print("dB by frame within a latent", *phases)
    if args.sheet:
        contact_sheet(decoded[:8], args.sheet, every=1, columns=12)
    if min(judged["colour"], judged["shape"]) < LEAST_SHARE:
        raise SystemExit(f"gate 1 does not hold: colour and shape at least {LEAST_SHARE}")
    if loud["first frame"] < loud["frames 65-80"] - 1:
        raise SystemExit("gate 1 does not hold: the first frame is worse than the last ones")


if __name__ == "__main__":
    main()
