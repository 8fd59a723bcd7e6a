#!/usr/bin/env python3
"""Writes the expected figures of the audio tests, as F5-TTS, pydub, torchaudio and Vocos compute them.

    python3 tools/make_audio_fixtures.py tests/unit

makes silence_cases.h and spectrum_cases.h there. Needs the PyPI packages f5-tts, pydub, vocos, torch,
torchaudio, numpy and soundfile, and Python < 3.13 (pydub uses audioop). Inputs are noise that the tests
make again from the same generator; the tables have the reference's output, or its length and hash."""
import contextlib
import io
import os
import random
import sys
import tempfile
from unittest import mock

import numpy as np
import soundfile
import torch
import torchaudio
import vocos.heads

# f5_tts imports these, what is called here does without: they need not be installed
for unused in ("f5_tts.model", "f5_tts.model.utils", "transformers"):
    sys.modules[unused] = mock.MagicMock()

from f5_tts.infer.utils_infer import preprocess_ref_audio_text, remove_silence_for_generated_wav  # noqa: E402

QUIET_DB = (-90, -70, -60, -52, -50.5, -50, -49.5, -47, -43, -42, -41, -40.5, -40, -39.5, -36)


def noise(segments):
    """The clip as 16-bit samples: a linear congruential generator's high half, scaled."""
    amps = np.concatenate([np.full(n, a, np.int64) for n, a in segments] or [np.zeros(0, np.int64)])
    power = np.cumprod(np.full(len(amps), 1664525, np.uint32), dtype=np.uint32)
    before = np.concatenate([np.ones(1, np.uint32), power[:-1]])[: len(amps)]
    state = power + np.uint32(1013904223) * np.cumsum(before, dtype=np.uint32)  # seed 1
    return ((state >> np.uint32(16)).astype(np.uint16).view(np.int16).astype(np.int64) * amps >> 15).astype(np.int16)


def hash32(samples):
    """h = h * 16777619 + sample, from 0, modulo 2^32."""
    if not len(samples):
        return 0
    power = np.cumprod(np.full(len(samples), 16777619, np.uint32), dtype=np.uint32)
    power = np.concatenate([np.ones(1, np.uint32), power[:-1]])[::-1]
    return int((samples.astype(np.uint16).astype(np.uint32) * power).sum(dtype=np.uint32))


def amplitude(db):
    """Uniform noise of amplitude a has an rms of a / sqrt(3)."""
    return round(32768 * 10 ** (db / 20) * 3**0.5)


def random_segments(rng, rate, seconds):
    segments, left = [], int(seconds * rate) + rng.randrange(1000)
    loud = rng.random() < 0.5
    while left > 0:
        ms = rng.choice((7, 40, 95, 100, 105, 130, 250, 480, 700, 990, 1000, 1005, 1013, 1500, 2300, 3700))
        if loud:
            ms = rng.choice((15, 60, 200, 333, 700, 1500, 2900, 5200))
        n = min(left, int(ms * rate / 1000) + rng.randrange(rate // 500))
        segments.append((n, amplitude(rng.uniform(-30, -8) if loud else rng.choice(QUIET_DB))))
        left -= n
        loud = not loud
    return segments


def cases():
    speech, hush = amplitude(-15), amplitude(-65)
    yield 24000, [(1200, speech)]  # 50 ms
    yield 24000, [(240000, hush)]  # silence alone
    yield 24000, [(24000 * 12, speech)]
    yield 24000, [(24000 * 12 + 13, speech)]
    yield 24000, [(24000 * 40 + 7, speech)]  # nothing to cut at
    yield 44100, [(44100 * 25, speech), (44100 * 3, hush)]
    yield 24000, [(24000 * 7, speech), (24000 * 2, hush), (24000 * 6, speech)]
    yield 24000, [(24000 * 13, speech), (2500, hush), (24000 * 2, speech)]
    yield 24000, [(24000 * 5, hush), (4799, speech), (24000, hush)]
    yield 24000, [(24000 * 5, hush), (5100, speech), (24000, hush)]
    yield 16000, [(11, speech)]
    yield 22050, [(22049, hush), (1, 32767)]
    rng = random.Random(20240607)
    for i in range(72):
        rate = (16000, 24000, 44100, 24000, 22050, 48000, 11025, 32000)[i % 8]
        yield rate, random_segments(rng, rate, rng.uniform(0.3, 40) if i % 3 else rng.uniform(10, 30))


def expect(rate, segments, folder):
    wav = os.path.join(folder, "clip.wav")
    soundfile.write(wav, noise(segments), rate, subtype="PCM_16")
    with contextlib.redirect_stdout(io.StringIO()):
        prepared = preprocess_ref_audio_text(wav, "words.", show_info=lambda *_: None)[0]
    cut, cut_rate = soundfile.read(prepared, dtype="int16")
    os.unlink(prepared)
    tail = 1 + 550 * rate // 11025  # silence at its end
    if cut_rate != rate or (len(cut) - tail) / rate < 0.2:
        cut = cut[:0]  # silent, or too short: refused
    remove_silence_for_generated_wav(wav)
    removed, _ = soundfile.read(wav, dtype="int16")
    return len(cut), hash32(cut), len(removed), hash32(removed)


def write_silence_cases(path):
    rows, parts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for rate, segments in cases():
            values = expect(rate, segments, folder)
            rows.append("    {%d, %d, %d, %d, 0x%08xu, %d, 0x%08xu}," % (rate, len(parts), len(segments), *values))
            parts += segments
    lines, line = [], "   "
    for n, a in parts:
        item = " {%d, %d}," % (n, a)
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    with open(path, "w", encoding="utf-8") as out:
        out.write("/* Made by tools/make_audio_fixtures.py: what F5-TTS 1.1 with pydub 0.25 makes of noise clips. */\n"
                  "#ifndef ISHOW_TESTS_SILENCE_CASES_H\n#define ISHOW_TESTS_SILENCE_CASES_H\n\n"
                  "#include <stdint.h>\n\n"
                  "struct noise_segment {\n    unsigned samples;\n    int amplitude;\n};\n\n"
                  "static const struct noise_segment noise_segments[] = {\n" + "\n".join(lines) + "\n};\n\n"
                  "/* Segments [first, first + count) make the clip; length 0: refused as silent or too short, or\n"
                  " * nothing left. */\n"
                  "static const struct silence_case {\n    int rate;\n    unsigned first, count;\n"
                  "    unsigned cut_len; /* preprocess_ref_audio_text */\n    uint32_t cut_hash;\n"
                  "    unsigned removed_len; /* remove_silence_for_generated_wav */\n    uint32_t removed_hash;\n"
                  "} silence_cases[] = {\n" + "\n".join(rows) + "\n};\n\n#endif\n")


def table(name, values):
    lines, line = [], "   "
    for v in values:
        item = " %.9gf," % v
        if "." not in item and "e" not in item:
            item = " %.1ff," % v
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += item
    return "static const float %s[] = {\n%s\n};\n" % (name, "\n".join(lines + [line]))


def write_spectrum_cases(path):
    """mel_long, mel_short: of half-scale noise and of 513 samples; wave_1024, wave_64: of heads of noise."""
    mel = torchaudio.transforms.MelSpectrogram(sample_rate=24000, n_fft=1024, win_length=1024, hop_length=256,
                                               n_mels=100, power=1, center=True, normalized=False, norm=None)
    out = ["/* Made by tools/make_audio_fixtures.py: what torchaudio and Vocos make of noise. */\n"
           "#ifndef ISHOW_TESTS_SPECTRUM_CASES_H\n#define ISHOW_TESTS_SPECTRUM_CASES_H\n"]
    for name, n in (("mel_long", 1500), ("mel_short", 513)):
        wave = torch.from_numpy(noise([(n, 16384)]).astype(np.float32) / 32768)
        out.append(table(name, mel(wave).clamp(min=1e-5).log().T.flatten().tolist()))
    for n_fft, hop, frames in ((1024, 256, 4), (64, 16, 6)):
        head = vocos.heads.ISTFTHead(1, n_fft, hop, "center")
        head.out = torch.nn.Identity()
        x = noise([(frames * (n_fft + 2), 32767)]).astype(np.float32) / 32768 * 6
        with torch.inference_mode():
            wave = head(torch.from_numpy(x).reshape(1, frames, n_fft + 2))
        out.append(table("wave_%d" % n_fft, wave.flatten().tolist()))
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n#endif\n")


if __name__ == "__main__":
    write_silence_cases(os.path.join(sys.argv[1], "silence_cases.h"))
    write_spectrum_cases(os.path.join(sys.argv[1], "spectrum_cases.h"))
