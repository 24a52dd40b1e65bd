"""Models of the smallest size that embed sound, in every format that `softsed embed` reads."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

KERNEL, STRIDE = 80, 40
WEIGHTS = np.random.default_rng(0).normal(0, 0.2, (6, 1, KERNEL)).astype(np.float32)


class Net(nn.Module):
    """Mean magnitude of six filters: [batch, window] -> [batch, 6], or [batch, frames, 6]."""

    def __init__(self, frames: int = 0) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, len(WEIGHTS), KERNEL, stride=STRIDE, bias=False)
        self.filters.weight = nn.Parameter(torch.from_numpy(WEIGHTS))
        self.frames = frames

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.filters(x.unsqueeze(1)).abs()
        if self.frames:
            return torch.nn.functional.adaptive_avg_pool1d(x, self.frames).transpose(1, 2)
        return x.mean(dim=2)


def save_torchscript(path: Path, model: nn.Module, window: int) -> Path:
    torch.jit.trace(model.eval(), torch.zeros(2, window)).save(str(path))
    return path


def save_export(path: Path, model: nn.Module, window: int, *, batch: int | None = None) -> Path:
    shapes = None if batch else ({0: torch.export.Dim("batch")},)
    example = (torch.zeros(batch or 2, window),)
    torch.export.save(torch.export.export(model.eval(), example, dynamic_shapes=shapes), str(path))
    return path


def save_onnx(path: Path, window: int) -> Path:
    """Write the network without frames, operator by operator, because torch's exporter needs a further package."""
    from onnx import TensorProto, checker, helper, numpy_helper, save  # noqa: PLC0415  # optional package

    nodes = [
        helper.make_node("Unsqueeze", ["x", "axis"], ["channels"]),
        helper.make_node("Conv", ["channels", "weights"], ["filtered"], kernel_shape=[KERNEL], strides=[STRIDE]),
        helper.make_node("Abs", ["filtered"], ["magnitude"]),
        helper.make_node("ReduceMean", ["magnitude"], ["y"], axes=[2], keepdims=0),
    ]
    constants = {"axis": np.array([1]), "weights": WEIGHTS}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", window])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", len(WEIGHTS)])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    save(model, str(path))
    return path


def embed_by_hand(signal: np.ndarray, rate: int, window_s: float, hop_s: float) -> np.ndarray:
    """Embed a signal with numpy, one window after the other: float64 [frames, 6]."""
    window, hop = round(window_s * rate), round(hop_s * rate)
    padded = np.concatenate([np.zeros((window - hop) // 2), signal, np.zeros(window)])
    found = []
    for start in range(0, len(signal), hop):
        piece = padded[start : start + window]
        places = range(0, window - KERNEL + 1, STRIDE)
        responses = np.array([WEIGHTS[:, 0] @ piece[place : place + KERNEL] for place in places])
        found.append(np.abs(responses).mean(axis=0))
    return np.array(found)
