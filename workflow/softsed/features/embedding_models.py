"""Pretrained models in files: TorchScript (.pt), torch.export (.pt2) and ONNX (.onnx), as functions of numpy arrays.

Model files are programs, so use only files from sources that you trust. No pickled Python object is loaded from them.
torch.export.load of torch 2.13.0 would load such objects, and compiled libraries: https://github.com/pytorch/pytorch,
torch/export/pt2_archive/_package.py. `_check_archive` and `_weights_only` prevent both. Delete these two functions when
torch.export.load has an option for weights only.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, is_out_of_memory

Run = Callable[[np.ndarray], np.ndarray]
FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # read by torch.load


def _load_torchscript(path: Path) -> Run:
    import torch  # noqa: PLC0415  # takes a second to import

    return _run_torch(torch.jit.load(str(path), map_location="cpu").eval(), path)


def _load_export(path: Path) -> Run:
    import torch  # noqa: PLC0415  # as above

    _check_archive(path)
    with _weights_only():
        return _run_torch(torch.export.load(str(path)).module(), path)


def _run_torch(model, path: Path) -> Run:
    import torch  # noqa: PLC0415  # as above

    @torch.inference_mode()
    def run(windows: np.ndarray) -> np.ndarray:
        found = model(torch.from_numpy(windows))
        if not isinstance(found, torch.Tensor):
            problem, remedy = f"the output is a {type(found).__name__}", "Wrap the model as docs/embeddings.md shows"
            raise InputError(problem, file=path, expected="one tensor", remedy=remedy)
        return found.float().numpy()

    return run


def _check_archive(path: Path) -> None:
    """Raise a ValueError if an archive contains Python objects beside tensors, or compiled libraries."""
    from torch.export.pt2_archive._package import PT2ArchiveReader  # noqa: PLC0415  # as above
    from torch.export.pt2_archive.constants import (  # noqa: PLC0415
        AOTINDUCTOR_DIR,
        CONSTANTS_DIR,
        TENSOR_CONSTANT_FILENAME_PREFIX,
    )

    with PT2ArchiveReader(str(path)) as archive:
        names = archive.get_file_names()
        configs = [name for name in names if name.startswith(CONSTANTS_DIR) and name.endswith(".json")]
        constants = [entry for name in configs for entry in json.loads(archive.read_string(name))["config"].values()]
    objects = [entry for entry in constants if not entry["path_name"].startswith(TENSOR_CONSTANT_FILENAME_PREFIX)]
    if objects or any(name.startswith(AOTINDUCTOR_DIR) for name in names):
        raise ValueError("it contains Python objects or compiled code beside tensors")


@contextmanager
def _weights_only() -> Iterator[None]:
    """Make torch.load refuse Python objects beside tensors, even if its caller allows them."""
    before = os.environ.get(FORCED)
    os.environ[FORCED] = "1"
    try:
        yield
    finally:
        os.environ.pop(FORCED)
        if before is not None:
            os.environ[FORCED] = before


def _load_onnx(path: Path) -> Run:
    try:
        import onnxruntime  # noqa: PLC0415  # optional package
    except ImportError as error:
        remedy = "Run `pip install onnxruntime`, or save the model by torch.export.save"
        raise InputError("ONNX models need the package onnxruntime", file=path, remedy=remedy) from error
    import torch  # noqa: PLC0415  # as above

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise TypeError(f"it has {len(inputs)} inputs and {len(outputs)} outputs, not one of each")

    def run(windows: np.ndarray) -> np.ndarray:
        return session.run(None, {inputs[0].name: windows})[0].astype(np.float32)

    return run


LOADERS = {".pt": _load_torchscript, ".pt2": _load_export, ".onnx": _load_onnx}


def load_embedding_model(path: Path) -> Run:
    """Load a model as a function of windows: float32 [batch, samples] -> float32 [batch, ...].

    Raises
    ------
    InputError
        If the file is missing or not such a model, or a package is missing. The function raises exceptions of many
        kinds for windows that the model does not accept.
    """
    expected = "a model saved by torch.jit.save (.pt), torch.export.save (.pt2) or torch.onnx.export (.onnx)"
    if not path.is_file() or path.suffix.lower() not in LOADERS:
        problem = "not a model" if path.is_file() else "there is no such file"
        raise InputError(problem, file=path, expected=expected)
    try:
        return LOADERS[path.suffix.lower()](path)
    except InputError:
        raise
    except Exception as error:  # torch and ONNX Runtime raise many kinds of exceptions for files that are not models
        if is_out_of_memory(error):
            raise
        problem = f"cannot be loaded as a model: {first_line(error)}"
        remedy = "Save the model as docs/embeddings.md shows; a checkpoint with weights alone is not a model"
        raise InputError(problem, file=path, expected=expected, remedy=remedy) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text that is not blank; the type of the error without text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
