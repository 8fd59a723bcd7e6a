#!/usr/bin/env python3
"""A model folder of full size with random weights: for timing and memory, where what is said is no matter.

    make_random_model.py DIR --vocab vocab.txt [--preset v1-base|v1-small] [--seed N]

Writes DIR/model_1250000.safetensors (F32, with the tensor names of the published files), DIR/vocab.txt and
DIR/vocos/{config.yaml,pytorch_model.bin}. The published vocabulary has 2545 lines; the f5-tts package carries it
as infer/examples/vocab.txt. Tensors are drawn and written one after the other, so memory stays small.
Needs: pip install torch
"""
import argparse
import json
import math
import pathlib
import shutil
import struct

import torch

PRESETS = {  # SWivid/F5-TTS, src/f5_tts/configs
    "v1-base": {"dim": 1024, "depth": 22, "ff_mult": 2, "text_dim": 512, "conv_layers": 4},
    "v1-small": {"dim": 768, "depth": 18, "ff_mult": 2, "text_dim": 512, "conv_layers": 4},
}
MEL, HEAD = 100, 64
VOCOS = {"dim": 512, "intermediate": 1536, "layers": 8}  # charactr/vocos-mel-24khz


def linear(name, outputs, *inputs):
    yield f"{name}.weight", (outputs, *inputs)
    yield f"{name}.bias", (outputs,)


def transformer_tensors(dim, depth, ff_mult, text_dim, conv_layers, vocab):
    """(name, shape) of every tensor, in the order of the published files."""
    yield from linear("time_embed.time_mlp.0", dim, 256)
    yield from linear("time_embed.time_mlp.2", dim, dim)
    yield "text_embed.text_embed.weight", (vocab + 1, text_dim)
    for i in range(conv_layers):
        block = f"text_embed.text_blocks.{i}"
        yield from linear(f"{block}.dwconv", text_dim, 1, 7)
        yield from linear(f"{block}.norm", text_dim)
        yield from linear(f"{block}.pwconv1", 2 * text_dim, text_dim)
        yield f"{block}.grn.gamma", (1, 1, 2 * text_dim)
        yield f"{block}.grn.beta", (1, 1, 2 * text_dim)
        yield from linear(f"{block}.pwconv2", text_dim, 2 * text_dim)
    yield from linear("input_embed.proj", dim, 2 * MEL + text_dim)
    for i in (0, 2):
        yield from linear(f"input_embed.conv_pos_embed.conv1d.{i}", dim, dim // 16, 31)
    yield "rotary_embed.inv_freq", (HEAD // 2,)
    for i in range(depth):
        block = f"transformer_blocks.{i}"
        yield from linear(f"{block}.attn_norm.linear", 6 * dim, dim)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            yield from linear(f"{block}.attn.{part}", dim, dim)
        yield from linear(f"{block}.ff.ff.0.0", ff_mult * dim, dim)
        yield from linear(f"{block}.ff.ff.2", dim, ff_mult * dim)
    yield from linear("norm_out.linear", 2 * dim, dim)
    yield from linear("proj_out", MEL, dim)


def vocos_tensors(dim, intermediate, layers):
    yield "feature_extractor.mel_spec.spectrogram.window", (1024,)
    yield "feature_extractor.mel_spec.mel_scale.fb", (513, MEL)
    yield from linear("backbone.embed", dim, MEL, 7)
    yield from linear("backbone.norm", dim)
    for i in range(layers):
        block = f"backbone.convnext.{i}"
        yield f"{block}.gamma", (dim,)
        yield from linear(f"{block}.dwconv", dim, 1, 7)
        yield from linear(f"{block}.norm", dim)
        yield from linear(f"{block}.pwconv1", intermediate, dim)
        yield from linear(f"{block}.pwconv2", dim, intermediate)
    yield from linear("backbone.final_layer_norm", dim)
    yield from linear("head.out", 1026, dim)
    yield "head.istft.window", (1024,)


def values(name, shape, rng):
    """Activations of about the size that trained ones have, and finite at any depth."""
    if name.endswith("inv_freq"):
        return 1.0 / 10000 ** (torch.arange(0, HEAD, 2).float() / HEAD)
    if name.endswith("window"):
        return torch.hann_window(1024)
    if name.endswith("mel_scale.fb"):
        return torch.zeros(shape)  # recomputed by whoever needs it
    draw = torch.randn(shape, generator=rng)
    if "norm." in name and "attn_norm" not in name and name.endswith(".weight"):
        return 1 + 0.1 * draw
    if len(shape) == 1 or "grn" in name:
        return (0.3 if name.endswith("gamma") else 0.05) * draw
    if name.endswith("text_embed.weight"):
        return 0.5 * draw
    return draw * (0.5 / math.sqrt(math.prod(shape[1:])))


def write_safetensors(path, tensors, rng):
    """Header first, by shape alone; then each tensor as it is drawn."""
    header, offset = {}, 0
    for name, shape in tensors:
        size = 4 * math.prod(shape)
        header["ema_model.transformer." + name] = {
            "dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    for name, dtype, data in (("initted", "F32", struct.pack("<f", 1)), ("step", "I64", struct.pack("<q", 1250000))):
        header[name] = {"dtype": dtype, "shape": [1], "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            out.write(values(name, shape, rng).numpy().astype("<f4").tobytes())
        out.write(struct.pack("<fq", 1, 1250000))


def write_vocos(folder, rng):
    folder.mkdir(exist_ok=True)
    audio = "    n_fft: 1024\n    hop_length: 256\n"
    (folder / "config.yaml").write_text(
        "feature_extractor:\n  class_path: vocos.feature_extractors.MelSpectrogramFeatures\n  init_args:\n"
        f"    sample_rate: 24000\n{audio}    n_mels: {MEL}\n    padding: center\n\n"
        "backbone:\n  class_path: vocos.models.VocosBackbone\n  init_args:\n"
        f"    input_channels: {MEL}\n    dim: {VOCOS['dim']}\n    intermediate_dim: {VOCOS['intermediate']}\n"
        f"    num_layers: {VOCOS['layers']}\n\n"
        f"head:\n  class_path: vocos.heads.ISTFTHead\n  init_args:\n    dim: {VOCOS['dim']}\n{audio}"
        "    padding: center\n")
    torch.save({name: values(name, shape, rng) for name, shape in vocos_tensors(**VOCOS)},
               folder / "pytorch_model.bin")


def main():
    parser = argparse.ArgumentParser(description="A full-size F5-TTS model folder with random weights.")
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--vocab", type=pathlib.Path, required=True, help="vocab.txt, one token a line")
    parser.add_argument("--preset", choices=list(PRESETS), default="v1-base")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    args.dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(args.vocab, args.dir / "vocab.txt")
    lines = args.vocab.read_bytes().count(b"\n")
    rng = torch.Generator().manual_seed(args.seed)
    tensors = list(transformer_tensors(**PRESETS[args.preset], vocab=lines))
    write_safetensors(args.dir / "model_1250000.safetensors", tensors, rng)
    write_vocos(args.dir / "vocos", rng)
    parameters = sum(math.prod(shape) for _name, shape in tensors)
    print(f"{args.dir}: {args.preset}, {parameters / 1e6:.1f} M parameters, {lines} tokens")


if __name__ == "__main__":
    main()
