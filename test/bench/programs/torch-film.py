"""The tiny model's film in PyTorch, one process: prompt, DualParal in order, decoder frame by frame as Diffusers has it. No file is written.

Reads {"model", "prompt", "steps", "shift", "blocks", "block", "context", "stride", "height", "width", "surplus", "threads",
"device", "precision"} as JSON from standard input; writes {"torch", "textSeconds", "denoiseSeconds", "decodeSeconds",
"processorSeconds", "peakBytes"} to standard output.
"""

import json
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../golden/make"))

import torch
import torch.nn.functional as F
import transformer as algebra
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from dualparal import run
from sizes import Case
from transformer import Transformer
from transformers import AutoTokenizer, UMT5EncoderModel

TASK = json.load(sys.stdin)
DEVICE = TASK["device"]
TYPE = {"float32": torch.float32, "bfloat16": torch.bfloat16}[TASK["precision"]]


def attention(query, key, value, heads):
    """PyTorch's own instead of the plain algebra that the reference numbers are made with."""
    split = lambda part: part.unflatten(2, (heads, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(split(query), split(key), split(value)).transpose(1, 2).flatten(2)


def now():
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main():
    torch.set_num_threads(TASK["threads"])
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    algebra._attention = attention
    load = lambda kind, part: kind.from_pretrained(os.path.join(TASK["model"], part)).eval().to(DEVICE)
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(TASK["model"], "tokenizer"))
    text, model, vae = load(UMT5EncoderModel, "text_encoder"), load(WanTransformer3DModel, "transformer"), load(AutoencoderKLWan, "vae")
    torch.set_default_device(DEVICE)
    text, transformer = text.to(TYPE), Transformer.of(model, TYPE)
    started = now()
    tokens = tokenizer(TASK["prompt"], padding="max_length", max_length=TASK["text"], truncation=True, return_tensors="pt").to(DEVICE)
    embeds = text(tokens.input_ids, tokens.attention_mask).last_hidden_state * tokens.attention_mask[..., None]
    read = now()
    case = Case(steps=TASK["steps"], block=TASK["block"], context=TASK["context"], blocks=TASK["blocks"], guidance=(1,),
                shift=TASK["shift"], stride=TASK["stride"])
    pool = torch.randn(1, 16, case.block + case.context, TASK["height"], TASK["width"])
    orders = [torch.randperm(case.block) for _ in range(case.blocks - 1)]
    latents = run(case, [transformer], 0, [embeds, embeds], pool, orders).latents
    latents = latents[:, :, : latents.shape[2] - TASK["surplus"]]
    denoised = now()
    by_channel = lambda numbers: torch.tensor(numbers)[None, :, None, None, None]
    frames = vae.decode(latents.float() * by_channel(vae.config.latents_std) + by_channel(vae.config.latents_mean)).sample
    decoded = now()
    print(json.dumps({
        "torch": torch.__version__,
        "frames": frames.shape[2],
        "textSeconds": read - started,
        "denoiseSeconds": denoised - read,
        "decodeSeconds": decoded - denoised,
        "processorSeconds": time.process_time(),
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))


main()
