"""WanTransformer3DModel and UMT5 for the tiny model: configuration, starting weights and a fast forward pass.

The forward pass computes what diffusers' module computes (`check.py` compares them); it differs in speed only:
plain matrix products for attention and one zero row of text standing for all padding rows.

B batch, F latents, S tokens, D width, L text rows.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

from tokenizer import vocabulary

HEADS, HEAD_WIDTH, LAYERS, FFN = 4, 32, 8, 384
WIDTH = HEADS * HEAD_WIDTH
TEXT_WIDTH = 64
TEXT_ROWS = 512
ROWS_PER_LATENT = 36  # Tokens of a latent: 12 x 12 cells in patches of 2 x 2.

# Key minus query (frames, rows, columns) at which each head of a layer looks when training starts.
AROUND = [(0, 0, -1), (0, 0, 1), (0, -1, 0), (0, 1, 0)]
TRAIL_1 = [(-1, 0, 0), (1, 0, 0), (-2, 0, 0), (2, 0, 0)]
TRAIL_2 = [(-1, 0, 0), (1, 0, 0), (-3, 0, 0), (3, 0, 0)]
FIRST_OFFSETS = [AROUND, TRAIL_1, TRAIL_2, AROUND, TRAIL_1, TRAIL_2, TRAIL_1, AROUND]
# Layers whose heads are taught to follow the object: to look where the caption's motion puts it, that many latents
# before or after. An auxiliary loss of the first part of training; without it direction is learnt last or never.
TRAIL_LAYERS = (1, 2, 4, 5, 6)
PLACE_AMPLITUDE, CONTENT_AMPLITUDE, GAIN, FIRST_GATE = 1.5, 0.35, 2.0, 0.3


def axis_widths():
    side = 2 * (HEAD_WIDTH // 6)
    return HEAD_WIDTH - 2 * side, side, side


def axis_frequencies(width):
    return 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def rotary(frames, rows, columns):
    """cos and sin [S, HEAD_WIDTH / 2]."""
    angles = []
    for axis, (width, count) in enumerate(zip(axis_widths(), (frames, rows, columns))):
        shape = [1, 1, 1, width // 2]
        shape[axis] = count
        angle = torch.arange(count, dtype=torch.float64)[:, None] * axis_frequencies(width)
        angles.append(angle.reshape(shape).expand(frames, rows, columns, width // 2))
    angle = torch.cat(angles, dim=-1).reshape(frames * rows * columns, -1)
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """x [B, heads, S, HEAD_WIDTH], interleaved pairs."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def make_text_encoder():
    config = UMT5Config(
        vocab_size=len(vocabulary()), d_model=TEXT_WIDTH, d_kv=16, d_ff=128, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", dropout_rate=0.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
        is_encoder_decoder=False, use_cache=False, tie_word_embeddings=True,
    )
    return UMT5EncoderModel(config)


def make_transformer():
    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=HEADS, attention_head_dim=HEAD_WIDTH, in_channels=16,
        out_channels=16, text_dim=TEXT_WIDTH, freq_dim=256, ffn_dim=FFN, num_layers=LAYERS, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", eps=1e-6, rope_max_seq_len=1024,
    )


def place_phases(offset):
    """Query components [HEAD_WIDTH] that prefer keys at `offset`, and the key components they meet."""
    query, key = torch.zeros(HEAD_WIDTH), torch.zeros(HEAD_WIDTH)
    first = 0
    for axis, (width, distance) in enumerate(zip(axis_widths(), offset)):
        # In time two frequencies: the fastest alone would repeat after six latents. On the six-token torus
        # its period (2 pi) is what makes a head see across the edge.
        for j in range(2 if axis == 0 else 1):
            angle = float(axis_frequencies(width)[j]) * distance
            query[first + 2 * j] = math.cos(angle)
            query[first + 2 * j + 1] = math.sin(angle)
            key[first + 2 * j] = 1.0
        first += width
    return query * PLACE_AMPLITUDE, key * PLACE_AMPLITUDE


@torch.no_grad()
def start_weights(model, text_encoder, seed):
    """Fan-in weights, zero biases; heads that look along the trails; words that outweigh the padding rows."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, scale=1.0):
        fan_in = tensor[0].numel()
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale / math.sqrt(fan_in))

    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.zero_()
        elif "norm" in name:
            p.fill_(1.0)
        elif "scale_shift_table" not in name:
            normal(p)
    # Input and output projections start as each other's inverse, so the velocity starts as the noisy latent.
    whole = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))[0]
    frame, spare = whole[:, :64], whole[:, 64:]
    model.patch_embedding.weight.copy_(frame.reshape(WIDTH, 16, 1, 2, 2))
    model.proj_out.weight.copy_(frame.reshape(WIDTH, 16, 2, 2).permute(2, 3, 1, 0).reshape(64, WIDTH) / math.sqrt(2))
    model.scale_shift_table.zero_()
    normal(model.condition_embedder.time_proj.weight, 0.1)
    normal(model.condition_embedder.time_embedder.linear_2.weight, 0.3)
    for layer, block in enumerate(model.blocks):
        block.scale_shift_table.zero_()
        block.scale_shift_table[0, 2] = FIRST_GATE
        block.scale_shift_table[0, 5] = FIRST_GATE
        normal(block.attn2.to_out[0].weight, 0.4)
        normal(block.attn1.to_q.weight, CONTENT_AMPLITUDE)
        normal(block.attn1.to_k.weight, CONTENT_AMPLITUDE)
        phases = [place_phases(offset) for offset in FIRST_OFFSETS[layer]]
        block.attn1.to_q.bias.copy_(torch.cat([p[0] for p in phases]))
        block.attn1.to_k.bias.copy_(torch.cat([p[1] for p in phases]))
        for norm in (block.attn1.norm_q, block.attn1.norm_k):
            norm.weight.fill_(GAIN)
        if layer in TRAIL_LAYERS:
            # Each head carries the first eight channels of the code; past and future gather in a place of their own.
            block.attn1.to_v.weight.copy_(frame[:, :32].T.repeat(HEADS, 1))
            block.attn1.to_out[0].weight.copy_(torch.cat([spare[:, :32], spare[:, 32:]] * 2, dim=1))
        # About 500 rows of padding meet ten words: queries start out averse to the key of a zero row, which is
        # its bias alone; otherwise the padding takes nearly all of the attention and the caption is not heard.
        sign = torch.sign(torch.randn(WIDTH, generator=generator))
        normal(block.attn2.to_q.weight, CONTENT_AMPLITUDE)
        block.attn2.to_q.bias.copy_(sign)
        block.attn2.to_k.bias.copy_(-0.2 * sign)
        for norm in (block.attn2.norm_q, block.attn2.norm_k):
            norm.weight.fill_(1.6)
    embedding = text_encoder.shared.weight
    embedding.copy_(torch.randn(embedding.shape, generator=generator))


def text_rows(text_encoder, ids, mask):
    """Text [B, L, TEXT_WIDTH] with zero rows past the end, as the pipeline makes it."""
    hidden = text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return hidden * mask[..., None]


def padding_bias(mask):
    """[B, L + 1]: the last row stands for all rows that the pipeline adds, padding in `mask` is left out."""
    count = TEXT_ROWS - mask.sum(dim=1, keepdim=True)
    return torch.cat([torch.where(mask > 0, 0.0, -1e9), torch.log(count.float())], dim=1)


def heads_of(x):
    return x.unflatten(-1, (HEADS, HEAD_WIDTH)).transpose(1, 2)


def attend(q, k, v, bias=None):
    """Attended values [B, S, D] and the shares [B, heads, S, keys]."""
    score = q @ k.transpose(-1, -2) * HEAD_WIDTH ** -0.5
    if bias is not None:
        score = score + bias
    share = score.softmax(dim=-1)
    return (share @ v).transpose(1, 2).flatten(2), share


def trail_targets(steps, frames, rows, columns):
    """Keys on the object's trail for every query.

    steps [B, 2]: tokens (x, y) per latent. Returns {latents between: (key [B, S], has one [S])}.
    """
    f, y, x = torch.meshgrid(torch.arange(frames), torch.arange(rows), torch.arange(columns), indexing="ij")
    targets = {}
    for between in (-3, -2, -1, 1, 2, 3):
        column = (x[None] + between * steps[:, 0, None, None, None]) % columns
        row = (y[None] + between * steps[:, 1, None, None, None]) % rows
        frame = f + between
        key = ((frame.clamp(0, frames - 1) * rows)[None] + row) * columns + column
        targets[between] = key.flatten(1), ((frame >= 0) & (frame < frames)).flatten()
    return targets


def trail_loss(share, offsets, targets):
    """Mean of -log of the share that each head gives to the trail, [B]."""
    losses = []
    for head, (between, _, _) in enumerate(offsets):
        key, has = targets[between]
        if has.any():
            hit = share[:, head].gather(2, key[..., None])[:, has, 0]
            losses.append(-(hit + 1e-4).log().mean(dim=1))
    return torch.stack(losses).mean(dim=0) if losses else share.new_zeros(len(share))


def project(linear, x):
    return F.linear(x, linear.weight, linear.bias)


def rms(x, norm):
    return F.rms_norm(x, (WIDTH,), norm.weight, 1e-6)


def layer_norm(x, scale=None, shift=None):
    y = F.layer_norm(x, (WIDTH,), eps=1e-6)
    return y if scale is None else torch.addcmul(shift, y, 1 + scale)


def velocity(model, latents, timestep, text, bias, targets=None, taught=None, right=None, kept=None):
    """latents [B, 16, F, H, W], timestep [B] in 0..1000, text [B, L, TEXT_WIDTH], bias [B, L + 1] -> like latents.

    With trail targets, each taught layer's loss [B] is appended to the list `taught`. DualParal's cache: `kept` collects each
    layer's keys (before rotation) and values; `right` holds those of the latents that follow, for each layer.
    """
    b, _, f, h, w = latents.shape
    rows, columns = h // 2, w // 2
    size = f * rows * columns
    after = right[0][0].shape[2] if right else 0
    cos, sin = rotary(f + after // (rows * columns), rows, columns)
    patches = latents.reshape(b, 16, f, rows, 2, columns, 2).permute(0, 2, 3, 5, 1, 4, 6).reshape(b, -1, 64)
    x = F.linear(patches, model.patch_embedding.weight.flatten(1), model.patch_embedding.bias)
    embedder = model.condition_embedder
    angle = timestep[:, None] * torch.exp(-math.log(10000.0) * torch.arange(128) / 128)
    sinusoid = torch.cat([angle.cos(), angle.sin()], dim=1)
    te = embedder.time_embedder
    temb = project(te.linear_2, F.silu(project(te.linear_1, sinusoid)))
    tproj = project(embedder.time_proj, F.silu(temb)).unflatten(1, (6, WIDTH))
    text = torch.cat([text, text.new_zeros(b, 1, TEXT_WIDTH)], dim=1)
    tx = embedder.text_embedder
    context = project(tx.linear_2, F.gelu(project(tx.linear_1, text), approximate="tanh"))
    bias = bias[:, None, None, :]
    for layer, block in enumerate(model.blocks):
        shift, scale, gate, cshift, cscale, cgate = (block.scale_shift_table + tproj).unsqueeze(2).unbind(1)
        a = block.attn1
        y = layer_norm(x, scale, shift)
        q = rotate(heads_of(rms(project(a.to_q, y), a.norm_q)), cos[:size], sin[:size])
        k, v = heads_of(rms(project(a.to_k, y), a.norm_k)), heads_of(project(a.to_v, y))
        if kept is not None:
            kept.append((k, v))
        if right:
            k, v = torch.cat([k, right[layer][0]], dim=2), torch.cat([v, right[layer][1]], dim=2)
        values, share = attend(q, rotate(k, cos, sin), v)
        if targets is not None and layer in TRAIL_LAYERS:
            taught.append(trail_loss(share, FIRST_OFFSETS[layer], targets))
        x = torch.addcmul(x, project(a.to_out[0], values), gate)
        a = block.attn2
        y = F.layer_norm(x, (WIDTH,), block.norm2.weight, block.norm2.bias, 1e-6)
        q = heads_of(rms(project(a.to_q, y), a.norm_q))
        k = heads_of(rms(project(a.to_k, context), a.norm_k))
        x = x + project(a.to_out[0], attend(q, k, heads_of(project(a.to_v, context)), bias)[0])
        y = layer_norm(x, cscale, cshift)
        y = project(block.ffn.net[2], F.gelu(project(block.ffn.net[0].proj, y), approximate="tanh"))
        x = torch.addcmul(x, y, cgate)
    shift, scale = (model.scale_shift_table + temb[:, None]).chunk(2, dim=1)
    y = project(model.proj_out, layer_norm(x, scale, shift))
    return y.reshape(b, f, rows, columns, 2, 2, 16).permute(0, 6, 1, 2, 4, 3, 5).reshape(latents.shape)
