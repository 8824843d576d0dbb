"""`check.py DIR`: makes every DualParal number of a folder anew from its own weights, noise and settings, and says how far it is."""

import json
import pathlib
import sys

import torch
from diffusers import WanTransformer3DModel
from dualparal import block_step, run
from safetensors import safe_open
from sizes import Case
from transformer import Transformer, forward

torch.set_num_threads(1)
torch.set_grad_enabled(False)


def read(path):
    with safe_open(path, "pt") as file:
        settings = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
        return {name: file.get_tensor(name) for name in file.keys()}, settings


def distance(ours, theirs):
    return (ours.double() - theirs.double()).abs().max().item()


def check_case(folder, path, experts, texts):
    tensors, told = read(path)
    guidance = told["guidance"] if isinstance(told["guidance"], list) else [told["guidance"]]
    case = Case(told["steps"], told["block_latents"], told["context_latents"], told["blocks"], tuple(guidance),
                told["flow_shift"], told["boundary_policy"] == "any", stride=told.get("stride", 1),
                left_context=told.get("left_context", "recompute"), guidance_interval=tuple(told.get("guidance_interval", ())))
    orders = tensors.get("permutations", [])
    done = run(case, experts[: told["experts"]], told["boundary_timestep"], texts, tensors["pool"], orders)
    far = {"latents": distance(done.latents, tensors["latents"])}
    far["noise"] = max(distance(noise, tensors[f"noise.{i}"]) for i, noise in enumerate(done.noise))
    traced = [name for name in tensors if name.startswith("iteration.")]
    if traced:
        at = lambda name: done.iterations[int(name.split(".")[1])][int(name.split(".")[3])]
        far["iterations"] = max(distance(at(name), tensors[name]) for name in traced)
        assert len(traced) == sum(map(len, done.iterations)), "other blocks in flight"
    return far


def check_block_step(folder, experts, texts):
    tensors, told = read(folder / "dualparal/block-step.safetensors")
    context, model = told["context_latents"], experts[0]
    right = [list(zip(tensors["right.k"][branch].unsqueeze(1), tensors["right.v"][branch].unsqueeze(1))) for branch in (0, 1)]
    window = torch.cat([tensors["left"], tensors["own"]], 2)
    outputs = [forward(model, window, tensors["timestep"].item(), texts[b], right[b], context) for b in (0, 1)]
    guided = block_step(model, texts, tensors["timestep"].item(), tensors["left"], tensors["own"], right, context,
                        told["guidance"], True).velocity
    kept = lambda part: torch.stack([torch.cat([pair[part] for pair in out.kept]) for out in outputs])
    return {
        "layers": max(distance(x, tensors[f"layer.{i}"]) for i, x in enumerate(outputs[0].layers)),
        "kept.k": distance(kept(0), tensors["kept.k"]),
        "kept.v": distance(kept(1), tensors["kept.v"]),
        "velocity.cond": distance(outputs[0].velocity, tensors["velocity.cond"]),
        "velocity.uncond": distance(outputs[1].velocity, tensors["velocity.uncond"]),
        "velocity.own": distance(guided, tensors["velocity.own"]),
    }


def main(folder):
    folder = pathlib.Path(folder)
    experts = [Transformer.of(WanTransformer3DModel.from_pretrained(folder / place))
               for place in ("tiny-wan/transformer", "two-experts/transformer_2")]
    embeds = read(folder / "text.safetensors")[0]["embeds"]
    texts = [embeds[0:1], embeds[1:2]]
    plain, _ = read(folder / "transformer.safetensors")
    ours = forward(experts[0], plain["latents"], plain["timestep"].item(), plain["text"])
    found = {"transformer": {"velocity": distance(ours.velocity, plain["velocity"])}}
    found["block-step"] = check_block_step(folder, experts, texts)
    for path in sorted((folder / "dualparal").glob("*.safetensors")):
        if path.stem != "block-step":
            found[path.stem] = check_case(folder, path, experts, texts)
    for name, far in found.items():
        print(f"{name}: " + ", ".join(f"{what} {delta:.1e}" for what, delta in far.items()))
    worst = max(delta for far in found.values() for delta in far.values())
    print(f"largest |Δ| {worst:.1e}")
    return 0 if worst <= 6e-5 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
