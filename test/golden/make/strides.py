"""`strides.py DIR`: adds runs whose blocks enter only every few iterations to a folder, on the models and texts it has."""

import argparse
import json
import pathlib
import sys

import diffusers
import torch
from cases import Scene, write_case
from check import read
from diffusers import WanTransformer3DModel
from folder import FAIR, Folder
from sizes import Case

CASES = (
    Case(6, 4, 4, 4, (5.0,), 3.0, traced=True, name="s2-t6-b4-c4", stride=2),
    Case(5, 4, 0, 4, (5.0,), 3.0, name="s2-t5-b4-c0", stride=2),
    Case(5, 4, 4, 4, (1.0,), 3.0, name="s2-t5-b4-c4-no-guidance", stride=2),
    Case(6, 4, 0, 3, (5.0,), 3.0, name="s3-t6-b4-c0", stride=3),
    Case(7, 4, 4, 4, (5.0,), 3.0, name="s3-t7-b4-c4", stride=3),
    Case(3, 4, 4, 3, (5.0,), 3.0, name="s3-t3-b4-c4-as-many-steps", stride=3),
    Case(2, 4, 4, 3, (5.0,), 3.0, name="s3-t2-b4-c4-fewer-steps", stride=3),
    Case(6, 4, 4, 4, (4.0, 3.0), 5.0, name="s2-two-experts-same-expert", stride=2),
    Case(6, 4, 4, 4, (4.0, 3.0), 5.0, any_expert=True, name="s2-two-experts-any", stride=2),
    Case(8, 4, 4, 4, (4.0, 3.0), 5.0, name="s3-two-experts-same-expert", stride=3),
)


def scene_of(folder):
    models = tuple(WanTransformer3DModel.from_pretrained(folder / place).eval()
                   for place in ("tiny-wan/transformer", "two-experts/transformer_2"))
    tensors, told = read(folder / "text.safetensors")
    texts = [tensors["embeds"][0:1], tensors["embeds"][1:2]]
    boundary = json.loads((folder / "two-experts/model_index.json").read_text())["boundary_ratio"]
    size = read(folder / "transformer.safetensors")[0]["latents"].shape[-2:]
    return Scene(models, texts, tuple(told["prompts"][:2]), 1000 * boundary, tuple(size))


def add_runs(description, cases, seed, report, more=lambda folder, scene: None):
    """The program: writes the cases' runs to the folder it is given, and what is found about them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=seed)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    scene = scene_of(given.folder)
    folder = Folder(given.folder, given.seed, scene.models[0].config.in_channels)
    more(folder, scene)
    for case in cases:
        write_case(folder, scene, case)
    folder.report(report, torch, diffusers)
    if unfair := folder.unfair():
        sys.exit(f"not fair, two right implementations differ by more than {FAIR} in: {', '.join(unfair)}")


if __name__ == "__main__":
    add_runs(__doc__, CASES, 2, "report-strides.json")
