#!/usr/bin/env python3
"""This program beside what a user would run instead, in one run on one machine.

    peers.py --program build/ishowtts --model DIR [--gemm build/bench/gemm_peers] [--write docs/PERFORMANCE.md]

DIR is what `ishowtts bench --preset v1-base --keep DIR` leaves: both sides get the same random weights, clip, frames
and evaluations. PyTorch runs f5-tts from PyPI in f32 and bf16 on all CPUs, each in a process of its own that is warm
before it counts; eager or torch.compile of the blocks, whichever takes less CPU time in a short trial. The rounds
alternate between all of them, so that a machine that slows down slows all. `make bench-peers` does all of it.

Needs: pip install f5-tts vocos (and torch for CPU)."""
import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import time

RATE, HOP, MEL = 24000, 256, 100
CLIP_SAMPLES, TAIL_SAMPLES = 70900, 1198  # as ishowtts bench has it: a tone of 3 s with 50 ms of silence behind
WORDS = "Some call me nature, others call me mother. "
TEXT = "Thanks for the raid, everyone. Tonight we try the last boss again, and this time it works."
ARCH = {"dim": 1024, "depth": 22, "heads": 16, "ff_mult": 2, "text_dim": 512, "conv_layers": 4}
TRIAL_STEPS = 2  # evaluations of the trial between eager and compiled
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


# -------- the PyTorch side: a process that answers one JSON line for each line it reads --------


class TooLong(Exception):
    pass


def out_of_time(*_):
    raise TooLong


class Reference:
    def __init__(self, folder, precision):
        import types

        import numpy
        import torch
        from safetensors.torch import load_file

        # f5_tts.model pulls in its trainer, which sampling has no use for; torchaudio refuses a torch built for another CUDA
        trainer = types.ModuleType("f5_tts.model.trainer")
        trainer.Trainer = None
        sys.modules.setdefault(trainer.__name__, trainer)
        torch.version.cuda = None
        from f5_tts.model import CFM, DiT
        from vocos import Vocos

        self.torch = torch
        torch.set_grad_enabled(False)
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        vocab = {token: i for i, token in enumerate(lines)}
        prefix = "ema_model.transformer."
        state = {k[len(prefix):]: v for k, v in load_file(folder / "model.safetensors").items() if k.startswith(prefix)}
        transformer = DiT(**ARCH, text_num_embeds=len(vocab), mel_dim=MEL)
        transformer.load_state_dict(state)
        mel = {"n_fft": 1024, "hop_length": HOP, "win_length": 1024, "n_mel_channels": MEL, "target_sample_rate": RATE,
               "mel_spec_type": "vocos"}
        self.model = CFM(transformer=transformer, mel_spec_kwargs=mel, vocab_char_map=vocab).eval()
        self.model = self.model.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        self.model.mel_spec.to(torch.float32)
        self.vocoder = Vocos.from_hparams(str(folder / "vocos" / "config.yaml"))
        self.vocoder.load_state_dict(load_file(folder / "vocos" / "pytorch_model.bin"), strict=False)
        self.vocoder.eval()
        t = numpy.arange(CLIP_SAMPLES) / RATE
        phase = numpy.cumsum(2 * math.pi * (140 + 30 * numpy.sin(2.1 * t)) / RATE)
        tone = sum(numpy.sin(h * phase) / h for h in range(1, 13)) * 0.15 * (0.7 + 0.3 * numpy.sin(17 * t))
        clip = numpy.concatenate([tone, numpy.zeros(TAIL_SAMPLES)]).astype(numpy.float32)
        self.clip = torch.from_numpy(clip)[None]
        self.ref_frames = clip.size // HOP

    def run(self, frames, steps):
        start, cpu = time.perf_counter(), time.process_time()
        with self.torch.inference_mode():
            mel, _ = self.model.sample(cond=self.clip, text=[list(WORDS + TEXT)], duration=frames, steps=steps,
                                       cfg_strength=2.0, sway_sampling_coef=-1.0, seed=1)
            wave = self.vocoder.decode(mel[:, self.ref_frames:].to(self.torch.float32).permute(0, 2, 1))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        assert wave.shape[-1] == (frames - self.ref_frames - 1) * HOP
        return {"seconds": seconds, "cpu_seconds": cpu, "audio_seconds": wave.shape[-1] / RATE,
                "threads": self.torch.get_num_threads(), "torch": self.torch.__version__,
                "rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def worker(folder, precision, frames, compile_limit):
    """Says what it became ready as, then measures at each line on stdin."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the packages print is not for the other side
    r = Reference(folder, precision)
    r.run(frames, 1)
    ready = {"mode": "eager", "eager_seconds": r.run(frames, TRIAL_STEPS)["cpu_seconds"]}
    if compile_limit:
        blocks = r.model.transformer.transformer_blocks
        start = time.monotonic()
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(compile_limit)
        try:
            for block in blocks:  # PyTorch's advice for a stack of equal layers: one compilation serves all
                block.compile()
            r.run(frames, 1)
            ready["compiled_seconds"] = r.run(frames, TRIAL_STEPS)["cpu_seconds"]
        except Exception as why:  # the alarm, in whatever wrapping, or what the compiler trips over: eager remains
            late = time.monotonic() - start >= compile_limit
            ready["compiled"] = f"not done after {compile_limit} s" if late else f"failed: {type(why).__name__}"
        signal.alarm(0)
        if ready.get("compiled_seconds", math.inf) < ready["eager_seconds"]:
            ready["mode"] = "torch.compile"
        else:
            for block in blocks:
                block._compiled_call_impl = None
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(r.run(frames, int(line))), file=answers, flush=True)


class Peer:
    def __init__(self, args, precision):
        self.name = f"PyTorch {precision}"
        self.seconds, self.cpu, self.audio, self.details = [], [], 0, {}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", precision, "--model", str(args.model), "--frames", str(args.frames),
             "--compile-limit", str(args.compile_limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.details = self.answer()
        self.mode = self.details["mode"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"peers: {self.name} ended without an answer")
        return json.loads(line)

    def measure(self, args):
        print(args.nfe, file=self.process.stdin, flush=True)
        a = self.answer()
        self.seconds.append(a["seconds"])
        self.cpu.append(a["cpu_seconds"] / a["threads"])
        self.audio = a["audio_seconds"]
        self.details.update(a)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    mode = ""

    def __init__(self, precision):
        self.name = f"ishowtts {precision}"
        self.precision = precision
        self.seconds, self.cpu, self.audio, self.details = [], [], 0, {}

    def bench(self, args, *more):
        command = [str(args.program), "bench", "--model", str(args.model), "--precision", self.precision, "--json", *more]
        env = dict(os.environ, XDG_CACHE_HOME=str(args.model / "cache"))
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=env).stdout)

    def measure(self, args):
        self.details = self.bench(args, "--frames", str(args.frames), "--nfe", str(args.nfe), "--runs", "1")
        run = self.details["runs"][0]
        self.seconds.append(run["rtf_mean"] * run["audio_seconds"])
        self.cpu.append(run["rtf_cpu_mean"] * run["audio_seconds"])
        self.audio = run["audio_seconds"]

    def close(self):
        pass


# -------- what came out --------


def quantile(values, q):
    values = sorted(values)
    at = q * (len(values) - 1)
    low = int(at)
    return values[low] + (at - low) * (values[min(low + 1, len(values) - 1)] - values[low])


def row(side):
    rtf = [s / side.audio for s in side.seconds]
    cpu = [s / side.audio for s in side.cpu]
    spread = statistics.stdev(rtf) if len(rtf) > 1 else 0
    name = side.name + (f" ({side.mode})" if side.mode else "")
    return (f"| {name} | {len(rtf)} | {statistics.mean(rtf):.2f} | {statistics.median(rtf):.2f} | {quantile(rtf, .95):.2f} "
            f"| {quantile(rtf, .99):.2f} | {spread:.2f} | {min(rtf):.2f} | {statistics.median(cpu):.2f} |")


def ratios(sides):
    """Round by round, theirs over ours: what the machine did to one round it did to both."""
    theirs = [s for s in sides if isinstance(s, Peer)]
    lines = ["| faster than | " + " | ".join(t.name for t in theirs) + " |", "|---" * (len(theirs) + 1) + "|"]
    for ours in (s for s in sides if isinstance(s, Ours)):
        cells = []
        for t in theirs:
            wall = statistics.median(a / b for a, b in zip(t.seconds, ours.seconds))
            cpu = statistics.median(a / b for a, b in zip(t.cpu, ours.cpu))
            cells.append(f"{wall:.2f}x (CPU time {cpu:.2f}x)")
        lines.append(f"| {ours.name} | " + " | ".join(cells) + " |")
    return lines


def share_table(sides):
    lines = ["| | peak, GFLOP/s | share of it, wall | CPU time | of each part's own, CPU time | vocoder | memory "
             "| start to first evaluation |", "|---|---|---|---|---|---|---|---|"]
    for side in sides:
        if isinstance(side, Peer):
            lines.append(f"| {side.name} | | | | | | {side.details['rss_bytes'] / 1e9:.2f} GB | |")
            continue
        run, peaks = side.details["runs"][0], side.details["peaks"]
        peak = peaks.get(side.precision.split(":")[0]) or peaks["f32"]
        lines.append(f"| {side.name} | {peak:.0f} | {run['peak_share'] * 100:.0f} % | {run['peak_share_cpu'] * 100:.0f} % "
                     f"| {run['own_peaks_share_cpu'] * 100:.0f} % "
                     f"| {run['components']['vocoder']['share'] * 100:.1f} % | {run['rss_bytes'] / 1e9:.2f} GB "
                     f"| {run['to_first_evaluation_seconds']:.2f} s |")
    return lines


def versions(sides):
    words = [f"Python {platform.python_version()}"]
    for side in sides:
        if "torch" in side.details and f"torch {side.details['torch']}" not in words:
            words.append(f"torch {side.details['torch']}")
    try:
        from importlib.metadata import version
        words += [f"{p} {version(p)}" for p in ("f5-tts", "vocos")]
    except Exception:
        pass
    return ", ".join(words)


def report(args, sides, gemm):
    ours = next(s for s in sides if isinstance(s, Ours))
    machine = ours.details["machine"]
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    used = [f for f in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "asimddp", "bf16", "i8mm")
            if flags and f in flags[1].split()]
    trial = [f"{s.name}: eager {s.details['eager_seconds']:.1f} s, compiled "
             + (f"{s.details['compiled_seconds']:.1f} s" if "compiled_seconds" in s.details
                else s.details.get("compiled", "not tried")) for s in sides if isinstance(s, Peer)]
    lines = [BEGIN, "",
             f"{machine['cpu']}, {machine['threads']} threads ({' '.join(used)}), {machine['memory_bytes'] / 2**30:.0f} GiB, "
             f"{machine['system']}; ishowtts {ours.details['version']} by gcc {machine['compiler']}; {versions(sides)}; "
             f"{datetime.date.today()}.",
             "", f"    {' '.join(args.command)}", "",
             f"{args.frames} frames of clip (3 s) and speech ({ours.audio:.1f} s), {args.nfe} evaluations, guidance 2. "
             "Real-time factors; CPU is the median by CPU time over threads.", "",
             "| | runs | mean | median | p95 | p99 | stdev | best | CPU |", "|---|---|---|---|---|---|---|---|---|",
             *(row(s) for s in sides), "", *ratios(sides), "", *share_table(sides), "",
             f"Trial of {TRIAL_STEPS} evaluations before, CPU seconds: " + "; ".join(trial) + ".", ""]
    if gemm:
        lines += ["Products alone, GFLOP/s (best of several, in turns; in brackets the mean by CPU time over threads), at the rows of 750 frames "
                  "with guidance:", "", gemm.rstrip(), ""]
    return "\n".join(lines + [END])


def put(path, text):
    old = path.read_text(encoding="utf-8")
    if BEGIN not in old or END not in old:
        sys.exit(f"peers: {path} has no place for the tables, {BEGIN} to {END}")
    head, rest = old.split(BEGIN, 1)
    path.write_text(head + text + rest.split(END, 1)[1], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("build/ishowtts"))
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--gemm", type=pathlib.Path, help="the program that times products alone")
    parser.add_argument("--write", type=pathlib.Path, help="a file with the markers %s and %s" % (BEGIN, END))
    parser.add_argument("--runs", type=int, default=5, help="rounds of all (5)")
    parser.add_argument("--frames", type=int, default=750)
    parser.add_argument("--nfe", type=int, default=7)
    parser.add_argument("--torch", default="f32,bf16", help="precisions of PyTorch (f32,bf16); empty for none")
    parser.add_argument("--ours", default="f32,bf16,int8", help="precisions of this program (f32,bf16,int8)")
    parser.add_argument("--compile-limit", type=int, default=300, help="seconds that torch.compile may take; 0: eager only (300)")
    parser.add_argument("--budget", type=float, default=math.inf, help="seconds after which no further round begins")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.model, args.worker, args.frames, args.compile_limit)
    args.command = ["make bench-peers", f"PEERS_RUNS={args.runs}"]
    more = [f"--{name} {value:g}" for name, value in (("budget", args.budget), ("compile-limit", args.compile_limit))
            if value != parser.get_default(name.replace("-", "_"))]
    if more:
        args.command.append(f"PEERS_OPTIONS='{' '.join(more)}'")
    start = time.monotonic()
    say = lambda text: print(f"{time.monotonic() - start:6.0f} s  {text}", file=sys.stderr, flush=True)  # noqa: E731
    sides = []
    for precision in filter(None, args.torch.split(",")):
        sides.append(Peer(args, precision))
        say(f"{sides[-1].name} is ready: {sides[-1].details}")
    for precision in args.ours.split(","):
        sides.append(Ours(precision))
        sides[-1].bench(args, "--frames", "300", "--nfe", "1", "--runs", "1")  # makes the packed cache
        say(f"{sides[-1].name} is ready")
    for number in range(args.runs):
        if time.monotonic() - start > args.budget:
            say(f"out of time after {number} rounds")
            break
        for side in sides:
            side.measure(args)
            say(f"round {number + 1}: {side.name} {side.seconds[-1]:.2f} s, by CPU time {side.cpu[-1]:.2f} s")
    for side in sides:
        side.close()
    gemm = subprocess.run([str(args.gemm)], check=True, capture_output=True, text=True).stdout if args.gemm else ""
    text = report(args, sides, gemm)
    if args.write:
        put(args.write, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
