"""The models of a folder: random weights in the stock Diffusers layout, as its own classes save them."""

import pathlib
import tempfile

import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from sampler import unipc
from tokenizer import sentence_piece, unigram
from transformers import UMT5Config, UMT5EncoderModel
from weights import TRANSFORMER_GAIN, fill, generator


def transformer(sizes, seed, label, **changes):
    numbers = {
        "num_attention_heads": sizes.heads, "attention_head_dim": sizes.head_width, "num_layers": sizes.layers,
        "ffn_dim": sizes.ffn, "text_dim": sizes.text_width, "freq_dim": sizes.time_width,
        "in_channels": sizes.latent_channels, "out_channels": sizes.latent_channels, **changes}
    return fill(WanTransformer3DModel(**numbers), seed, label, TRANSFORMER_GAIN)


def autoencoder(sizes, seed):
    draw = generator(seed, "latent statistics")
    numbers = lambda drawn: [round(number, 4) for number in drawn.tolist()]
    vae = AutoencoderKLWan(
        base_dim=sizes.vae_width, z_dim=sizes.latent_channels, dim_mult=list(sizes.vae_multipliers),
        num_res_blocks=sizes.vae_blocks,
        latents_mean=numbers(0.8 * torch.randn(sizes.latent_channels, generator=draw)),
        latents_std=numbers(1.1 + 2.2 * torch.rand(sizes.latent_channels, generator=draw)))
    return fill(vae, seed, "vae")


def text_encoder(sizes, seed, vocabulary):
    config = UMT5Config(
        vocab_size=vocabulary, d_model=sizes.text_width, d_kv=sizes.text_head_width, d_ff=sizes.text_ffn,
        num_layers=sizes.text_layers, num_heads=sizes.text_heads, feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=sizes.buckets, relative_attention_max_distance=sizes.max_distance)
    return fill(UMT5EncoderModel(config), seed, "text encoder")


def pipeline(sizes, seed):
    """A whole Wan pipeline. Its encoder knows a few tokens more than its tokenizer, as UMT5's does."""
    tokenizer = unigram(seed) if sizes.tokenizer == "unigram" else sentence_piece(seed)[0]
    return WanPipeline(
        tokenizer=tokenizer, text_encoder=text_encoder(sizes, seed, len(tokenizer) + 13), vae=autoencoder(sizes, seed),
        scheduler=unipc(sizes.shift), transformer=transformer(sizes, seed, "transformer"))


def write_sharded(model, folder, shards):
    """Saves a model in as many files as asked for, or the next lower number that a limit of their size can give; says in how many."""
    total = sum(parameter.numel() * 4 for parameter in model.parameters())
    for twentieth in range(20, 200):
        limit = total // shards * twentieth // 20 + 1
        with tempfile.TemporaryDirectory() as trial:
            model.save_pretrained(trial, max_shard_size=limit)
            found = len(list(pathlib.Path(trial).glob("*.safetensors")))
        if found <= shards:
            break
    model.save_pretrained(folder, max_shard_size=limit)
    return found


def bfloat16(model, folder):
    """Saves a model in bfloat16 as diffusers keeps one: the modules that it computes in float32 stay so. Gives it back read."""
    with tempfile.TemporaryDirectory() as whole:
        model.save_pretrained(whole)
        half = WanTransformer3DModel.from_pretrained(whole, torch_dtype=torch.bfloat16)
    half.save_pretrained(folder)
    return WanTransformer3DModel.from_pretrained(folder, torch_dtype=torch.bfloat16).eval()
