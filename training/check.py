"""The exported folder in diffusers' own WanPipeline: stores a run's latents, or compares a run with the stored ones.

Usage: python check.py --model FOLDER [--store]
"""

import argparse
import json
import pathlib

import torch
from diffusers import WanPipeline
from safetensors.torch import load_file, safe_open, save_file

PROMPT = "a red circle moving right on a dark background"
STEPS, GUIDANCE, FRAMES, SIDE, SEED = 8, 2.0, 33, 96, 7
TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--file", type=pathlib.Path, default=pathlib.Path(__file__).parent / "check.safetensors")
    args = parser.parse_args()
    pipeline = WanPipeline.from_pretrained(args.model)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 16, (FRAMES - 1) // 4 + 1, SIDE // 8, SIDE // 8,
                        generator=torch.Generator().manual_seed(SEED))
    latents = pipeline(
        prompt=PROMPT, negative_prompt="", height=SIDE, width=SIDE, num_frames=FRAMES, num_inference_steps=STEPS,
        guidance_scale=GUIDANCE, latents=noise.clone(), output_type="latent",
    ).frames
    frames = pipeline.vae.decode(latents).sample.detach()
    if args.store:
        settings = {"prompt": PROMPT, "negative_prompt": "", "steps": STEPS, "guidance": GUIDANCE, "frames": FRAMES,
                    "side": SIDE}
        save_file({"noise": noise, "latents": latents.contiguous(), "frames": frames[:, :, ::16].contiguous()}, args.file,
                  metadata={"settings": json.dumps(settings)})
        print(f"stored {args.file} {args.file.stat().st_size} bytes")
        return
    stored = load_file(args.file)
    with safe_open(args.file, "pt") as f:
        print(f.metadata()["settings"])
    differences = {
        "latents": (latents - stored["latents"]).abs().max().item(),
        "frames": (frames[:, :, ::16] - stored["frames"]).abs().max().item(),
    }
    print("greatest difference", differences)
    if max(differences.values()) > TOLERANCE:
        raise SystemExit(f"differences above {TOLERANCE}")


if __name__ == "__main__":
    main()
