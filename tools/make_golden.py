#!/usr/bin/env python3
"""Golden cases: what the PyTorch reference computes, stage by stage, for `ishowtts verify` to be held to.

A case is a folder with case.json, ref.wav, vocab.txt, model.safetensors or model.pt, vocos/ and
expected.safetensors (tests/golden/README.md lists the tensors). The numbers come from the PyPI packages
f5-tts and vocos on CPU in f32; nothing of theirs is in this file, it only calls them and listens in.

    make_golden.py make DIR --ref clip.wav --ref-text "…" --gen-text "…" [--dim 64 --depth 1 …]
    make_golden.py expect DIR       computes expected.safetensors anew from the folder's own files
    make_golden.py check DIR        computes it and compares with the one that is there
    make_golden.py own DIR          makes the project's own cases, with their weights (DIR = tests/golden)

Needs: pip install f5-tts vocos
"""
import argparse
import json
import math
import os
import pathlib
import sys
import types
import wave

import torch
import yaml
from safetensors.torch import load_file, save_file

RATE, HOP, MEL = 24000, 256, 100
TARGET_RMS = 0.1
NOISE_SEED = 1234
WEIGHT_TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

# A case that shares another's weights keeps only what its own switches can change, to stay small in git.
FEW_TENSORS = ("tokens", "timesteps", "noise", "mel_out", "wave")


# ---- the reference -------------------------------------------------------------------------------

def load_packages():
    """Two things in the packages' way that sampling on a CPU has no use for: f5_tts.model pulls in its
    trainer and all that training needs; torchaudio refuses a torch built for another CUDA."""
    trainer = types.ModuleType("f5_tts.model.trainer")
    trainer.Trainer = None
    sys.modules.setdefault(trainer.__name__, trainer)
    torch.version.cuda = None


def reference_transformer(arch, vocab_size):
    from f5_tts.model import DiT
    return DiT(**arch, text_num_embeds=vocab_size, mel_dim=MEL).eval()


def reference_vocoder(folder):
    from vocos import Vocos
    vocoder = Vocos.from_hparams(str(folder / "vocos" / "config.yaml"))
    state = torch.load(folder / "vocos" / "pytorch_model.bin", map_location="cpu", weights_only=True)
    vocoder.load_state_dict(state)
    return vocoder.eval()


def read_vocab(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return {token: i for i, token in enumerate(lines)}


def read_weights(path):
    """The transformer's tensors under their plain names."""
    if path.suffix == ".safetensors":
        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)["ema_model_state_dict"]
    prefix = "ema_model.transformer."
    return {name[len(prefix):]: tensor for name, tensor in state.items() if name.startswith(prefix)}


def read_clip(path):
    """Samples as [1, n] floats with full scale 1."""
    with wave.open(str(path)) as clip:
        if (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) != (RATE, 1, 2):
            sys.exit(f"{path}: expected 16-bit mono at {RATE} Hz")
        data = bytearray(clip.readframes(clip.getnframes()))
    return torch.frombuffer(data, dtype=torch.int16).to(torch.float32)[None] / 32768


class Listener:
    """Keeps the outputs of modules during their first `keep` calls."""

    def __init__(self):
        self.heard = {}

    def listen(self, name, module, keep=1):
        def hook(_module, _inputs, output):
            calls = self.heard.setdefault(name, [])
            if len(calls) < keep:
                calls.append(output.detach().clone())
        module.register_forward_hook(hook)


def compute(folder, weights=None):
    """What the reference makes of a case folder: (tensors, clip's rms)."""
    import f5_tts.model.cfm as cfm
    from f5_tts.model.utils import convert_char_to_pinyin

    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    if weights is None:
        weights = next(p for p in (folder / "model.safetensors", folder / "model.pt") if p.exists())
    vocab = read_vocab(folder / "vocab.txt")
    transformer = reference_transformer(case["arch"], len(vocab))
    transformer.load_state_dict(read_weights(weights))
    vocoder = reference_vocoder(folder)

    clip = read_clip(folder / "ref.wav")
    rms = torch.sqrt(torch.mean(torch.square(clip)))
    quiet = bool(rms < TARGET_RMS)
    if quiet:
        clip = clip * TARGET_RMS / rms

    ear = Listener()
    guided = case["cfg_strength"] >= 1e-5
    ear.listen("text", transformer.text_embed, keep=2 if guided else 1)
    ear.listen("time", transformer.time_embed)
    ear.listen("input", transformer.input_embed)
    for i, block in enumerate(transformer.transformer_blocks):
        ear.listen(f"block{i}", block)
    ear.listen("velocity", transformer)
    ear.listen("backbone", vocoder.backbone)

    model = cfm.CFM(transformer=transformer, vocab_char_map=vocab).eval()
    solver, grid = cfm.odeint, {}

    def listening_solver(fn, y0, t, **kwargs):
        grid.update(y0=y0.detach().clone(), t=t.detach().clone())
        return solver(fn, y0, t, **kwargs)

    tokens = convert_char_to_pinyin([case["ref_text"] + case["gen_text"]])
    cfm.odeint = listening_solver
    try:
        with torch.inference_mode():
            mel, trajectory = model.sample(
                cond=clip, text=tokens, duration=case["duration_frames"], steps=case["nfe"],
                cfg_strength=case["cfg_strength"], sway_sampling_coef=case["sway"], seed=NOISE_SEED)
            sound = vocoder.decode(mel[:, case["ref_frames"]:].permute(0, 2, 1))
            ref_mel = model.mel_spec(clip).permute(0, 2, 1)
    finally:
        cfm.odeint = solver
    if mel.shape[1] != case["duration_frames"]:
        sys.exit(f"{folder}: duration_frames is {case['duration_frames']}, the reference makes {mel.shape[1]}")

    heard = ear.heard
    out = {
        "tokens": torch.tensor([vocab.get(t, 0) for t in tokens[0]], dtype=torch.int32),
        "timesteps": grid["t"],
        "noise": grid["y0"][0],
        "ref_mel": ref_mel[0],
        "text_embed_cond": heard["text"][0][0],
        "time_embed_step0": heard["time"][0][0],
        "input_embed_cond_step0": heard["input"][0][0],
        "velocity_step0": heard["velocity"][0],
        "trajectory_step1": trajectory[1][0],
        "mel_out": mel[0],
        "vocoder_backbone": heard["backbone"][0][0],
        "wave_before_rms": sound[0],
        "wave": (sound * rms / TARGET_RMS if quiet else sound)[0],
    }
    if guided:
        out["text_embed_uncond"] = heard["text"][1][0]
    for i in range(case["arch"]["depth"]):
        out[f"block{i}_step0"] = heard[f"block{i}"][0]
    return {name: tensor.clone().contiguous() for name, tensor in out.items()}, rms.item()


def nmse(a, b):
    a, b = a.double(), b.double()
    if a.shape != b.shape:
        return math.inf
    wrong = ((a - b) ** 2).sum().item()
    return wrong / (b ** 2).sum().item() if wrong else 0.0


# ---- random weights ------------------------------------------------------------------------------

def random_tensor(name, shape, rng):
    """Values under which every stage has a say: upstream zeroes AdaLN, output layers and GRN at birth,
    so a model fresh from the package would let half of the network go untested. In steps of a 16th of a
    standard deviation, and that a power of two: git then packs them to a third."""
    draw = torch.round(torch.randn(shape, generator=rng) * 16) / 16
    leaf = name.split(".")[-2]
    if name.endswith(("grn.gamma", "grn.beta")):
        return 0.25 * draw
    if name.endswith(".gamma"):  # Vocos' layer scale
        return 0.25 + draw / 16
    if leaf in ("norm", "final_layer_norm", "q_norm", "k_norm") and name.endswith("weight"):
        return 1 + draw / 8
    if name.endswith("bias"):
        return draw / 8
    if name.endswith("text_embed.weight"):
        return 0.5 * draw
    if leaf in ("to_q", "to_k"):
        draw *= 2  # attention that looks at a few frames, as a trained one does
    fan_in = math.prod(shape[1:])
    return draw * 2.0 ** round(-math.log2(fan_in) / 2)


def randomise(module, seed):
    """Weights for every parameter; buffers (rope's frequencies, windows, mel bands) stay what they are."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(random_tensor(name, parameter.shape, rng))


def training_leftovers(tensors):
    """What a fine-tuning run saves beside the weights, from a real optimiser and scheduler."""
    from torch.optim.lr_scheduler import LinearLR, SequentialLR
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([weight], lr=1e-5)
    parts = [LinearLR(optimizer, 1e-8, 1.0, total_iters=2), LinearLR(optimizer, 1.0, 1e-8, total_iters=8)]
    scheduler = SequentialLR(optimizer, schedulers=parts, milestones=[2])
    for _ in range(3):
        weight.grad = torch.ones(3)
        optimizer.step()
        scheduler.step()
    return {"model_state_dict": {name: t for name, t in tensors.items() if name.startswith("transformer.")},
            "optimizer_state_dict": optimizer.state_dict(), "scheduler_state_dict": scheduler.state_dict()}


def write_weights(path, transformer, dtype, leftovers=False, extra=None):
    state = {"ema_model.transformer." + name: t.to(dtype) for name, t in transformer.state_dict().items()}
    state.update(extra or {})
    state["initted"] = torch.ones(1)
    state["step"] = torch.tensor([1250000])
    if path.suffix == ".safetensors":
        save_file(state, path)
        return
    saved = {"ema_model_state_dict": state, "update": 100}
    if leftovers:
        # The plain names share their storages with the averaged ones: two tensors over one record.
        plain = {name.removeprefix("ema_model."): t for name, t in state.items()}
        saved = {**training_leftovers(plain), **saved}
    torch.save(saved, path)


def write_vocoder(folder, dim, intermediate, layers, seed):
    common = {"sample_rate": RATE, "n_fft": 1024, "hop_length": HOP, "n_mels": MEL, "padding": "center"}
    config = {
        "feature_extractor": {"class_path": "vocos.feature_extractors.MelSpectrogramFeatures", "init_args": common},
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": {
            "input_channels": MEL, "dim": dim, "intermediate_dim": intermediate, "num_layers": layers}},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": {
            "dim": dim, "n_fft": 1024, "hop_length": HOP, "padding": "center"}},
    }
    from vocos.pretrained import instantiate_class
    from vocos import Vocos
    vocoder = Vocos(*(instantiate_class(args=(), init=config[part]) for part in config))
    randomise(vocoder, seed)
    with torch.no_grad():
        magnitude = vocoder.head.out.bias[:513]
        magnitude += 0.5  # a wave of a voice's loudness; one bin beyond exp(4.6), where the head cuts at 100
        magnitude[40] = 5.2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    torch.save(vocoder.state_dict(), folder / "pytorch_model.bin")


# ---- cases ---------------------------------------------------------------------------------------

def duration_frames(ref_text, gen_text, ref_frames, speed=1.0):
    """Frames of clip and speech together, by upstream's rule of three over UTF-8 bytes."""
    ref_bytes, gen_bytes = len(ref_text.encode()), len(gen_text.encode())
    if gen_bytes < 10:
        speed = 0.3
    return ref_frames + int(ref_frames / ref_bytes * gen_bytes / speed)


def write_case(folder, arch, ref_text, gen_text, nfe=7, cfg_strength=2.0, sway=-1.0, duration=None, only=None):
    """case.json and expected.safetensors of a folder whose other files stand."""
    clip = read_clip(folder / "ref.wav")
    ref_frames = clip.shape[-1] // HOP
    case = {
        "arch": arch, "ref_text": ref_text, "gen_text": gen_text,
        "duration_frames": duration or duration_frames(ref_text, gen_text, ref_frames),
        "ref_frames": ref_frames, "nfe": nfe, "cfg_strength": cfg_strength, "sway": sway,
        "rms": clip.square().mean().sqrt().item(),
    }
    (folder / "case.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_expected(folder, only)


def write_expected(folder, only=None):
    tensors, _rms = compute(folder)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor.double()).all():
            sys.exit(f"{folder}: {name} is not finite")
    save_file({n: t for n, t in tensors.items() if only is None or n in only}, folder / "expected.safetensors")


def make_arch(dim, depth, heads, ff_mult=2, text_dim=32, conv_layers=2, text_mask_padding=True, qk_norm=None,
              pe_attn_head=None):
    return {"dim": dim, "depth": depth, "heads": heads, "dim_head": 64, "ff_mult": ff_mult, "text_dim": text_dim,
            "conv_layers": conv_layers, "text_mask_padding": text_mask_padding, "qk_norm": qk_norm,
            "pe_attn_head": pe_attn_head, "attn_backend": "torch", "attn_mask_enabled": False}


def make_model(path, arch, vocab, dtype, seed, leftovers=False, extra=None):
    transformer = reference_transformer(arch, len(read_vocab(vocab)))
    randomise(transformer, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, transformer, WEIGHT_TYPES[dtype], leftovers, extra)


def link(at, target):
    """A relative symbolic link `at` to `target`, over whatever was there."""
    at.parent.mkdir(parents=True, exist_ok=True)
    if at.is_symlink() or at.exists():
        at.unlink()
    at.symlink_to(os.path.relpath(target, at.parent))


OWN_VOCAB = (
    [" "] + list("!\"#$%&'()*+,-./0123456789:=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~")
    + list("àáèéêìíòóùúüñ") + list("。，、！？：；（）《》…—～")
    + """a1 ai4 an1 ba1 ba5 bai2 bo1 bu2 bu4 chang4 da4 dan4 dao4 de5 di4 dian3 dou1 er2 fang2 fei1 ge1 ge4 guan1
    guo2 hao3 hao4 he2 hen3 hua4 huan1 hui4 jia1 jian1 jiang3 jin1 jiu4 ka1 kai1 kan4 ke3 kuai4 lai2 le5 li3 li4
    ling2 liu4 liang3 ma1 ma5 mei3 men5 mo2 mu4 na4 ne5 neng2 ni2 ni3 nü3 pa4 peng2 piao4 qian2 qing3 qiu2 quan2
    ren2 san1 shang4 shen2 sheng1 shi2 shi4 shuo1 si4 song4 ta1 tian1 ting1 tong2 wan3 wei2 wo3 wu3 xi3 xian4
    xie4 xin1 xing2 yao4 yi1 yi2 yi4 ying2 you3 yue4 zai4 zan4 zhe4 zhen1 zhi2 zhong1 zhu3 zi4 zuo4""".split())


def make_own(root):
    """The project's cases. Three models and two vocoders; what shares one links to it."""
    root = root.resolve()
    vocab = root / "english" / "vocab.txt"
    vocab.parent.mkdir(parents=True, exist_ok=True)
    vocab.write_text("".join(t + "\n" for t in OWN_VOCAB), encoding="utf-8")
    assert len(set(OWN_VOCAB)) == len(OWN_VOCAB)

    ref, quiet_ref = root / "english" / "ref.wav", root / "quiet" / "ref.wav"
    ref_text = "Hello. "
    clip = read_clip(ref)
    quiet_ref.parent.mkdir(exist_ok=True)
    write_clip(quiet_ref, clip * 0.25)

    v1 = make_arch(64, 2, 1)
    v0 = make_arch(128, 1, 2, ff_mult=1, text_dim=16, conv_layers=1, text_mask_padding=False, pe_attn_head=1)
    bare = make_arch(64, 1, 1, ff_mult=1, text_dim=20, conv_layers=0, qk_norm="rms_norm")
    english, half, plain = (root / "english/model.safetensors", root / "v0/model.pt", root / "qk_norm/model.pt")
    window = {"ema_model.mel_spec.mel_stft.spectrogram.window": torch.hann_window(1024).bfloat16()}
    make_model(english, v1, vocab, "bf16", 1, extra=window)
    make_model(half, v0, vocab, "f16", 2, leftovers=True)
    make_model(plain, bare, vocab, "f32", 3)
    write_vocoder(root / "english/vocos", 24, 40, 2, 4)
    write_vocoder(root / "v0/vocos", 16, 48, 1, 5)

    def case(name, model, vocos, arch, gen_text, clip_text=ref_text, clip=ref, **how):
        folder = root / name
        for target in (model, clip, vocab, vocos):
            if target != folder / target.name:
                link(folder / target.name, target)
        write_case(folder, arch, clip_text, gen_text, **how)
        print(name)

    big, small = root / "english/vocos", root / "v0/vocos"
    texts = ("text_embed_cond", "text_embed_uncond")
    chinese_text = "你好，欢迎来到直播间。"
    case("english", english, big, v1, "Thanks, chat!")
    case("v0", half, small, v0, "Good evening.", nfe=6, duration=58)
    case("two_heads", half, small, {**v0, "text_mask_padding": True, "pe_attn_head": None}, "Good evening.",
         nfe=5, duration=55, only=FEW_TENSORS + texts + ("block0_step0",))
    case("qk_norm", plain, small, bare, "It works well.", nfe=5, duration=57)
    case("chinese", english, big, v1, "大家晚上好，GG！ø", chinese_text, nfe=5, only=FEW_TENSORS + texts)
    case("no_guidance", english, big, v1, "Thanks, chat!", nfe=5, cfg_strength=0.0, duration=53,
         only=FEW_TENSORS + ("text_embed_cond", "block1_step0", "velocity_step0"))
    case("uniform", english, big, v1, "Thanks, chat!", nfe=3, cfg_strength=3.5, sway=0.0, duration=50,
         only=FEW_TENSORS)
    case("sway_up", english, big, v1, "Thanks, chat!", nfe=4, sway=0.4, duration=52, only=FEW_TENSORS)
    case("quiet", english, big, v1, "Hi chat!", clip=quiet_ref, nfe=5, duration=51,
         only=FEW_TENSORS + ("ref_mel", "wave_before_rms"))
    case("batch/a", english, big, v1, "One two three, four five.", nfe=5, duration=83, only=FEW_TENSORS)
    case("batch/b", english, big, v1, "Thank you.", nfe=5, duration=56, only=FEW_TENSORS)
    case("batch/c", english, big, v1, "谢谢，很好看！", chinese_text, nfe=5, only=FEW_TENSORS)


def write_clip(path, samples):
    pcm = (samples[0] * 32768).round().clamp(-32768, 32767).to(torch.int16)
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, len(pcm), "NONE", ""))
        out.writeframes(pcm.numpy().tobytes())


# ---- command line --------------------------------------------------------------------------------

def command_make(args):
    folder = args.dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_bytes(args.vocab.read_bytes() if args.vocab else
                                       "".join(t + "\n" for t in OWN_VOCAB).encode())
    (folder / "ref.wav").write_bytes(args.ref.read_bytes())
    arch = make_arch(args.dim, args.depth, args.heads or args.dim // 64, args.ff_mult, args.text_dim,
                     args.conv_layers, args.text_mask_padding, args.qk_norm, args.pe_attn_head)
    for kind in args.format.split(","):
        make_model(folder / f"model.{kind}", arch, folder / "vocab.txt", args.dtype, args.seed)
    write_vocoder(folder / "vocos", args.vocos_dim, args.vocos_intermediate, args.vocos_layers, args.seed + 1)
    write_case(folder, arch, args.ref_text, args.gen_text, args.nfe, args.cfg_strength, args.sway, args.duration)


def command_expect(args):
    write_expected(args.dir)


def command_check(args):
    expected = load_file(args.dir / "expected.safetensors")
    tensors, rms = compute(args.dir, args.weights)
    worst = 0.0
    for name, want in expected.items():
        wrong = nmse(tensors[name], want) if name in tensors else math.inf
        worst = max(worst, wrong)
        print(f"{name:24} {str(list(want.shape)):16} {wrong:.2e}{' exact' if wrong == 0 else ''}")
    stored = json.loads((args.dir / "case.json").read_text(encoding="utf-8"))["rms"]
    print(f"rms {rms} (case.json: {stored})")
    sys.exit(0 if worst <= 1e-10 else 1)


def command_own(args):
    make_own(args.dir)


def main():
    parser = argparse.ArgumentParser(description="Golden cases from the PyTorch reference.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    p = commands.add_parser("make", help="a new case: random weights, a clip, two texts")
    p.add_argument("--ref", type=pathlib.Path, required=True, help="16-bit mono wav at 24 kHz")
    p.add_argument("--ref-text", required=True, help="as the model gets it: ends in '. ' or '。'")
    p.add_argument("--gen-text", required=True)
    p.add_argument("--vocab", type=pathlib.Path, help="default: a small one of our own")
    p.add_argument("--dim", type=int, default=64)
    p.add_argument("--depth", type=int, default=1)
    p.add_argument("--heads", type=int, help="default: dim / 64")
    p.add_argument("--ff-mult", type=int, default=2)
    p.add_argument("--text-dim", type=int, default=32)
    p.add_argument("--conv-layers", type=int, default=2)
    p.add_argument("--text-mask-padding", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--pe-attn-head", type=int, help="heads that are roped; default all")
    p.add_argument("--qk-norm", choices=["rms_norm"])
    p.add_argument("--nfe", type=int, default=7)
    p.add_argument("--cfg-strength", type=float, default=2.0)
    p.add_argument("--sway", type=float, default=-1.0)
    p.add_argument("--duration", type=int, help="frames of clip and speech; default: by the texts' lengths")
    p.add_argument("--vocos-dim", type=int, default=24)
    p.add_argument("--vocos-intermediate", type=int, default=48)
    p.add_argument("--vocos-layers", type=int, default=1)
    p.add_argument("--seed", type=int, default=0, help="of the weights")
    p.add_argument("--dtype", choices=list(WEIGHT_TYPES), default="f32", help="of the stored weights")
    p.add_argument("--format", default="safetensors", help="safetensors, pt, or both with a comma")
    p.set_defaults(run=command_make)
    for name, run, words in (("expect", command_expect, "expected.safetensors anew, from the folder's files"),
                             ("check", command_check, "compare the reference with expected.safetensors"),
                             ("own", command_own, "the project's own cases")):
        p = commands.add_parser(name, help=words)
        p.set_defaults(run=run)
        if name == "check":
            p.add_argument("--weights", type=pathlib.Path)
    for p in commands.choices.values():
        p.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    load_packages()
    args.run(args)


if __name__ == "__main__":
    main()
