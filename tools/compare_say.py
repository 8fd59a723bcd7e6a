#!/usr/bin/env python3
"""compare_say.py PROGRAM CASE CLIP WORDS TEXT: speaks TEXT with `ishowtts say` and with F5-TTS's own infer_process, with
the same weights (a golden case's), clip and seed, and prints how far the two waves are from each other.

This covers what golden cases do not: the clip's preparation, lengths, chunks, noise, loudness and cross-fade. Needs the
PyPI packages f5-tts, vocos, pydub."""
import argparse
import importlib.machinery
import json
import pathlib
import subprocess
import sys
import tempfile
import types

import numpy as np
import soundfile
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from make_golden import load_packages, reference_vocoder  # noqa: E402


def upstream(case, clip, words, text, seed, nfe):
    load_packages()
    whisper = types.ModuleType("transformers")  # only for transcribing, which is not wanted here
    whisper.pipeline = None
    whisper.__spec__ = importlib.machinery.ModuleSpec("transformers", None)
    sys.modules.setdefault("transformers", whisper)
    from f5_tts.infer import utils_infer as infer
    from f5_tts.model import DiT

    def load(path):  # torchaudio's own wants a further package
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    infer.torchaudio.load = load
    about = json.loads((case / "case.json").read_text())
    arch = {k: v for k, v in about["arch"].items() if k != "dim_head"}
    weights = next(p for p in (case / "model.safetensors", case / "model.pt") if p.exists())
    model = infer.load_model(DiT, arch, str(weights), vocab_file=str(case / "vocab.txt"), device="cpu")
    vocoder = reference_vocoder(case)
    ref, words = infer.preprocess_ref_audio_text(str(clip), words)

    class Serial:  # the chunks one after the other: threads would share the generator in any order
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, fn, *args):
            value = fn(*args)
            return types.SimpleNamespace(result=lambda: value)

    infer.ThreadPoolExecutor = Serial
    torch.manual_seed(seed)
    wave, rate, _ = infer.infer_process(ref, words, text, model, vocoder, nfe_step=nfe, device="cpu", progress=None)
    assert rate == 24000
    return np.asarray(wave, dtype=np.float64)


def ours(program, case, clip, words, text, seed, nfe):
    arch = "v1" if json.loads((case / "case.json").read_text())["arch"]["text_mask_padding"] else "v0"
    with tempfile.NamedTemporaryFile(suffix=".raw") as out:
        subprocess.run([program, "say", "-q", "--precision", "f32", "--model", str(case), "--arch", arch,
                        "--ref", str(clip), "--ref-text", words, "--seed", str(seed),
                        "--nfe", str(nfe), "--no-normalize", "--format", "pcm", "-o", out.name, text],
                       check=True)
        return np.fromfile(out.name, dtype="<i2").astype(np.float64) / 32767


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "case", "clip", "words", "text"):
        parser.add_argument(name)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--nfe", type=int, default=7)
    a = parser.parse_args()
    case = pathlib.Path(a.case)
    theirs = upstream(case, a.clip, a.words, a.text, a.seed, a.nfe)
    mine = ours(a.program, case, a.clip, a.words, a.text, a.seed, a.nfe)
    peak = np.abs(theirs).max()
    print(f"upstream {len(theirs)} samples, ours {len(mine)}, peak {peak:.3f}")
    if len(theirs) != len(mine):
        sys.exit(1)
    theirs = np.clip(theirs, -1, 1)
    # 16-bit rounding of the output alone gives (1/32767)^2 / 12 over the wave's power
    floor = (1 / 32767) ** 2 / 12 / np.mean(theirs**2)
    print(f"NMSE {np.sum((theirs - mine) ** 2) / np.sum(theirs**2):.2e} (16-bit rounding alone: {floor:.2e})")


if __name__ == "__main__":
    main()
