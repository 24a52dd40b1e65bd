"""Scores of a trained model for whole recordings: frame-wise outputs pooled to one score a second and class."""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch

from softsed.core.errors import InputError, is_out_of_memory
from softsed.core.metadata import read_fold
from softsed.core.scores import write_scores
from softsed.train.network import CRNN, choose_device
from softsed.train.sequences import frames_per_second, read_features, whole_seconds

POOLING = {"mean": np.mean, "max": np.max}
BLOCK_FRAMES = 3000  # a minute at 20 ms: convolved at once, 0.4 GB for 128 filters

logger = logging.getLogger(__name__)


def pool_seconds(outputs: np.ndarray, rate: int, pooling: str) -> np.ndarray:
    """Pool frame-wise outputs to seconds.

    Parameters
    ----------
    outputs : ndarray [frames, classes]
    rate : int
        Frames a second.
    pooling : {"mean", "max"}

    Returns
    -------
    ndarray [seconds, classes]
        The whole seconds of the recording.
    """
    seconds = whole_seconds(len(outputs), rate)
    frames = outputs[: seconds * rate].reshape(seconds, rate, outputs.shape[1])
    return POOLING[pooling](frames, axis=1)


def load_model(path: Path, device: torch.device) -> tuple[CRNN, dict]:
    """Load a model written by `softsed train.system`, without executing anything from the file.

    Returns
    -------
    model : CRNN
        On the device, in evaluation mode, and in float32 whatever it was trained in: scores do not depend on what the
        CPU has.
    extras : dict
        What is needed to apply it: classes, mean and std of the features (on the device), the feature section of the
        config.

    Raises
    ------
    InputError
        When the file is no such model, or what it carries does not fit its network.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = CRNN(**saved["parameters"])
        model.load_state_dict(saved.pop("state"))
        _check_extras(saved)
    except Exception as error:  # whatever torch meets in a file that is not a model, there is one thing to say
        if is_out_of_memory(error):
            raise
        raise InputError(f"{path}: not a model written by `softsed train.system`: {error}") from error
    saved |= {name: saved[name].to(device) for name in ("mean", "std")}
    return model.to(device).eval(), saved


def _check_extras(saved: dict) -> None:
    """Raise a ValueError where what a model carries does not fit its network: it may come from anybody."""
    parameters, classes, features = (saved[key] for key in ("parameters", "classes", "features"))
    if len(set(classes)) != parameters["classes"]:
        raise ValueError(f"{parameters['classes']} outputs for the classes {classes}")
    if any(set(name) & set("\t\n\r\0") for name in classes):
        raise ValueError(f"a tab or line end in the names of the classes {classes}")
    for name in ("mean", "std"):
        if saved[name].shape != (parameters["mel_bands"],) or not saved[name].isfinite().all():
            raise ValueError(f"{name} is not a number for each of {parameters['mel_bands']} mel bands")
    if not (saved["std"] > 0).all():
        raise ValueError("std is not positive")
    if not features["hop_s"] > 0 or features["mel_bands"] != parameters["mel_bands"]:
        raise ValueError(f"features {features} do not fit the network")


def convolve_blocks(model: CRNN, mel: torch.Tensor, frames: int = BLOCK_FRAMES) -> torch.Tensor:
    """Apply `CRNN.convolve` to mel [frames, mel_bands] block by block: the same numbers in bounded memory."""
    blocks = []
    for start in range(0, len(mel), frames):
        before = min(model.reach, start)
        block = model.convolve(mel[start - before : start + frames + model.reach].unsqueeze(0))[0]
        blocks.append(block[before : before + frames])
    return torch.cat(blocks)


@torch.inference_mode()
def score(model: CRNN, extras: dict, features: np.ndarray, pooling: str) -> np.ndarray:
    """Score one recording.

    Parameters
    ----------
    model, extras
        From `load_model`.
    features : ndarray [frames, mel_bands]
        Not normalised.
    pooling : {"mean", "max"}

    Returns
    -------
    ndarray [seconds, classes]
    """
    mel = (torch.from_numpy(features).to(extras["mean"].device) - extras["mean"]) / extras["std"]
    convolved = convolve_blocks(model, mel)  # [frames, filters * bands]
    outputs = model.activate(model.recur(convolved.unsqueeze(0)))[0]  # [frames, classes]
    return pool_seconds(outputs.cpu().numpy(), frames_per_second(extras["features"]), pooling)


def main(argv: list[str] | None = None) -> None:
    """Score the test recordings of one fold."""
    parser = argparse.ArgumentParser(prog="softsed predict.system", description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="trained on the fold")
    parser.add_argument("--fold", type=Path, required=True, help="lists of the fold")
    parser.add_argument("--features", type=Path, required=True, help="folder of RECORDING.npz")
    parser.add_argument("--config", type=json.loads, required=True, help="section `predict` as JSON")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="scores, written")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    model, extras = load_model(options.model, device)
    scores = {
        name: score(model, extras, read_features(options.features / f"{name}.npz"), options.config["pooling"])
        for name in read_fold(options.fold)["test"]
    }
    write_scores(options.output, scores, extras["classes"])
    logger.info("%d recordings scored with %s", len(scores), options.model)
