"""Writes the trained parts as a stock Diffusers folder, all in float32.

Usage: python export.py --transformer STATE --vae STATE --out FOLDER
"""

import argparse
import json
import pathlib

import torch
from diffusers import UniPCMultistepScheduler

import tokenizer
from transformer import make_text_encoder, make_transformer
from vae import make_vae

LIMIT_BYTES = 25_000_000
MODEL_INDEX = {
    "_class_name": "WanPipeline", "_diffusers_version": "0.40.0.dev0", "boundary_ratio": None,
    "expand_timesteps": False, "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"], "tokenizer": ["transformers", "TokenizersBackend"],
    "transformer": ["diffusers", "WanTransformer3DModel"], "transformer_2": [None, None],
    "vae": ["diffusers", "AutoencoderKLWan"],
}


def load_parts(transformer_state, vae_state):
    """(transformer, text encoder, vae) with the averaged weights of the states in the folders."""
    both = torch.nn.ModuleList([make_transformer(), make_text_encoder()])
    both.load_state_dict(torch.load(transformer_state / "transformer.pt", weights_only=True)["average"])
    vae = make_vae()
    from vae import start_weights

    start_weights(vae, 0)
    for half in ("decoder", "encoder"):
        path = vae_state / f"{half}.pt"
        if path.exists():
            getattr(vae, half).load_state_dict(torch.load(path, weights_only=True)["average"])
    return both[0].eval(), both[1].eval(), vae.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--transformer", type=pathlib.Path, required=True)
    parser.add_argument("--vae", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    transformer, text_encoder, vae = load_parts(args.transformer, args.vae)
    args.out.mkdir(parents=True, exist_ok=True)
    transformer.save_pretrained(args.out / "transformer")
    text_encoder.save_pretrained(args.out / "text_encoder")
    vae.save_pretrained(args.out / "vae")
    UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, solver_order=2, solver_type="bh2",
        num_train_timesteps=1000, final_sigmas_type="zero",
    ).save_pretrained(args.out / "scheduler")
    tokenizer.write(args.out / "tokenizer")
    (args.out / "model_index.json").write_text(json.dumps(MODEL_INDEX, indent=2, sort_keys=True) + "\n")
    total = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file())
    print(f"{total / 1e6:.2f} MB")
    if total > LIMIT_BYTES:
        raise SystemExit(f"{total} bytes, at most {LIMIT_BYTES} wanted")


if __name__ == "__main__":
    main()
