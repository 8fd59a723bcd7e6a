#!/usr/bin/env python3
"""Writes the small checkpoints that tests/unit/test_torch_zip.c reads and the seeds of the checkpoint
fuzzers. Needs PyTorch (any 2.x); what it makes is kept in the tree, so only a change of this file asks
for running it again:

    python3 tools/make_ckpt_fixtures.py

The tensors are ramps of small whole numbers, so that a test can say what it expects of each.
"""
import collections
import io
import json
import pathlib
import struct
import zipfile

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests/unit/data/ckpt"
CORPUS = ROOT / "tests/fuzz/corpus"


def ramp(*shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    return torch.arange(count, dtype=torch.float32).reshape(shape).to(dtype)


def state():
    """What a test wants to see: every type, every kind of view, and what surrounds them in training."""
    base = ramp(3, 4)
    return {
        "plain": base,
        "transposed": base.t(),
        "row": base[1],
        "column": base[:, 2],
        "window": base[1:3, 1:4:2],
        "permuted": ramp(2, 3, 4).permute(2, 0, 1),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(ramp(2, 2)),
        "f16": ramp(5, dtype=torch.float16) / 4,
        "bf16": ramp(5, dtype=torch.bfloat16) / 4,
        "f64": ramp(5, dtype=torch.float64) / 4,
        "i64": ramp(5, dtype=torch.int64) - 2,
        "i32": ramp(5, dtype=torch.int32) - 2,
        "u8": ramp(5, dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "nested": collections.OrderedDict(x={"y": ramp(2)}),
        "update": 100,
        "rate": 0.5,
        "none": None,
        "large": 1 << 80,
        "negative": -3,
        "text": "words",
        "list": [1, 2.0, ramp(1)],
        "tuple": (1, 2, 3, 4),
        "device": torch.device("cpu"),
        "dtype": torch.bfloat16,
        "size": torch.Size([1, 2]),
        "bytes": b"abc",
    }


def training():
    """A fine-tuning checkpoint in small: model, average, optimizer, schedule."""
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {
        "model_state_dict": model.state_dict(),
        "ema_model_state_dict": {"initted": torch.tensor([True]), "step": torch.tensor([7]),
                                 "ema_model.weight": ramp(3, 2)},
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": schedule.state_dict(),
        "update": 7,
    }


class Hostile:
    def __reduce__(self):
        return __import__("os").system, ("true",)


def save(value, protocol=2, **options):
    out = io.BytesIO()
    torch.save(value, out, pickle_protocol=protocol, **options)
    return out.getvalue()


def pickle_of(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as z:
        return z.read(next(n for n in z.namelist() if n.endswith("data.pkl")))


def safetensors(entries, data, metadata=None):
    header = ({"__metadata__": metadata} if metadata else {}) | entries
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    files = {f"state-p{protocol}.pt": save(state(), protocol) for protocol in (2, 3, 4, 5)}
    files["training.pt"] = save(training())
    files["legacy.pt"] = save({"a": ramp(2)}, _use_new_zipfile_serialization=False)
    files["bare.pt"] = save(ramp(2))
    files["hostile.pt"] = save({"a": Hostile()})
    files["module.pt"] = save(torch.nn.Linear(1, 1))
    files["complex.pt"] = save({"a": torch.zeros(2, dtype=torch.complex64)})
    files["expanded.pt"] = save({"a": torch.zeros(1).expand(50, 50)})
    for name, content in files.items():
        (DATA / name).write_bytes(content)

    for folder in ("torch_zip", "unpickle", "safetensors"):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
    small = {
        "views": {"a": ramp(2, 2), "b": ramp(2, 2).t(), "c": ramp(6)[1:5:2]},
        "nested": collections.OrderedDict(x={1: {"y": ramp(1, dtype=torch.bfloat16)}}, n=None, l=[1, 2.5, "s", (1,)]),
        "training": training(),
        "hostile": {"a": Hostile()},
    }
    for name, value in small.items():
        for protocol in (2, 4):
            archive = save(value, protocol)
            (CORPUS / "torch_zip" / f"{name}-p{protocol}").write_bytes(archive)
            (CORPUS / "unpickle" / f"{name}-p{protocol}").write_bytes(pickle_of(archive))
    (CORPUS / "unpickle" / "state-p5").write_bytes(pickle_of(files["state-p5.pt"]))
    two = {"a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
           "b.c": {"dtype": "BF16", "shape": [], "data_offsets": [8, 10]}}
    seeds = {
        "two": safetensors(two, bytes(10), {"format": "pt"}),
        "none": safetensors({}, b""),
        "overlap": safetensors({"a": two["a"], "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, bytes(8)),
        "empty-tensor": safetensors({"a": {"dtype": "I64", "shape": [0, 3], "data_offsets": [0, 0]}}, b""),
        "all-types": safetensors({t: {"dtype": t, "shape": [1], "data_offsets": [8 * i, 8 * i + 8]}
                                  for i, t in enumerate(("F64", "I64", "U64", "C64"))}, bytes(32)),
        "past-the-end": struct.pack("<Q", 1 << 20) + b"{}",
    }
    for name, content in seeds.items():
        (CORPUS / "safetensors" / name).write_bytes(content)


if __name__ == "__main__":
    main()
