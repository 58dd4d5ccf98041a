"""Checkpoints as the authors of TSAM save them, and files that pretend to be such."""

import contextlib
import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch


def save_published(path, state, *, is_zip=True):
    """Save a generator's state as the published code does, with all that lies around it in the file."""
    with logger_module() as logger:
        others = {
            "temporal_discriminator.conv1.featureConv.bias": torch.ones(64),
            "vgg.slice1.0.bias": torch.ones(64),
        }
        state = OrderedDict(state | others | {"advloss.real_label": torch.tensor(1.0)})
        state._metadata = OrderedDict([("", {"version": 1}), ("generator", {"version": 1})])
        checkpoint = {
            "arch": "VideoInpaintingModel",
            "epoch": 245,
            "logger": logger,
            "state_dict": state,
            "optimizer_g": _optimiser_state(),
            "optimizer_d_s": None,
            "monitor_best": float("inf"),
            "config": {
                "name": "tsm",
                "data_loader": {"args": {"batch_size": 8, "shuffle": True}},
                "n_gpu": 4,
            },
        }
        torch.save(checkpoint, path, _use_new_zipfile_serialization=is_zip)
    return path


@contextlib.contextmanager
def logger_module():
    """Let `utils.logger.Logger` be there, as where the checkpoint was made, and give one."""

    class Logger:
        def __init__(self):
            self.entries = {1: {"epoch": 1, "loss": np.float64(0.5), "metrics": [0.1, np.float32(2)]}}

    Logger.__module__, Logger.__qualname__ = "utils.logger", "Logger"
    modules = {"utils": types.ModuleType("utils"), "utils.logger": types.ModuleType("utils.logger")}
    modules["utils.logger"].Logger = Logger
    sys.modules.update(modules)
    try:
        yield Logger()
    finally:
        for name in modules:
            del sys.modules[name]


def _optimiser_state():
    parameter = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([parameter], amsgrad=True)
    parameter.sum().backward()
    optimiser.step()
    return optimiser.state_dict()


def archive(program, storages=None, *, compression=zipfile.ZIP_STORED):
    """Return the bytes of a zip checkpoint with this pickle and these storages."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as file:
        file.writestr("archive/data.pkl", program)
        for key, numbers in (storages or {}).items():
            file.writestr(f"archive/data/{key}", numbers)
    return data.getvalue()


def legacy(program):
    """Return the bytes of an old checkpoint with this pickle and no storage."""
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    parts = [pickle.dumps(part, protocol=2) for part in (0x1950A86A20F9469CFC6C, 1001, system)]
    return b"".join([*parts, program, pickle.dumps([], protocol=2)])


def text(words):
    """Return the instruction that pushes a text."""
    data = str(words).encode()
    return pickle.BINUNICODE + len(data).to_bytes(4, "little") + data


class Made:
    """Leaves a file behind when it is made."""

    def __new__(cls, path=None):
        if path is not None:
            Path(path).touch()
        return super().__new__(cls)


class Told:
    """Leaves a file behind when it is given a state."""

    def __setstate__(self, path):
        Path(path).touch()
