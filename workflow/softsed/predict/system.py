"""Scores of a trained model for whole recordings: frame-wise outputs pooled to one score per second and class."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from softsed.core.errors import InputError, is_out_of_memory
from softsed.core.metadata import read_fold
from softsed.core.options import add_options, build_parser
from softsed.core.scores import write_scores
from softsed.features.embeddings import Embeddings
from softsed.features.files import whole_seconds
from softsed.features.inputs import FRONT_ENDS, MEL, Both, FrontEnd, normalise
from softsed.train.device import choose_device
from softsed.train.fast.network import NETWORKS, choose_implementation
from softsed.train.network import CRNN

POOLING: dict[str, Callable] = {"mean": np.mean, "max": np.max}
CONTEXTS = ("recording", "sequence")
SEQUENCES = 32  # sequences to recur at once
BLOCK_FRAMES = 3000  # frames to convolve at once: a minute at 20 ms takes 0.4 GB with 128 filters

logger = logging.getLogger(__name__)


def pool_seconds(outputs: np.ndarray, rate: int, pooling: str, seconds: int | None = None) -> np.ndarray:
    """Pool frame-wise outputs to seconds.

    Parameters
    ----------
    outputs : ndarray [frames, classes]
        Outputs of a network.
    rate : int
        Frames per second.
    pooling : {"mean", "max"}
        How the outputs of a second become one score.
    seconds : int, optional
        Whole seconds of the recording; by default those of a network that reads mel energies.

    Returns
    -------
    ndarray [seconds, classes]
        Scores of the whole seconds of the recording.
    """
    seconds = whole_seconds(len(outputs), rate) if seconds is None else seconds
    frames = outputs[: seconds * rate].reshape(seconds, rate, outputs.shape[1])
    return POOLING[pooling](frames, axis=1)


def load_model(path: Path, device: torch.device) -> tuple[CRNN, dict]:
    """Load a model of a softsed training, without executing anything from the file.

    Returns
    -------
    model : CRNN
        The network on the device, in evaluation mode. Precision (float32) and implementation do not depend on the
        training, so that scores do not depend on the instructions of the CPU.
    extras : dict
        Everything else that scoring needs: classes, mean and std of the input (on the device), the feature section
        of the config, front end (`FrontEnd`), settings of its embeddings (or None), frames of a training sequence (None
        for a model of an older version), path.

    Raises
    ------
    InputError
        If the file is not a valid model, or if its parts do not fit each other.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = NETWORKS[choose_implementation("auto", device)](**saved["parameters"])
        model.load_state_dict(saved.pop("state"))
        _check_extras(saved)
    except FileNotFoundError as error:
        raise InputError("there is no such file", file=path, remedy="Correct the path") from error
    except Exception as error:  # torch raises many kinds of exceptions for files that are not models
        if is_out_of_memory(error):
            raise
        reason = f"the entry {error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
        remedy = "Pass the path of a model, or train the model again"
        raise InputError(f"not a model of softsed: {reason}", file=path, remedy=remedy) from error
    saved["path"] = path
    saved |= {name: saved[name].to(device) for name in ("mean", "std")}
    return model.to(device).eval(), saved


def _check_extras(saved: dict) -> None:
    """Raise a ValueError if the parts of a model file do not fit each other: the file may come from any source."""
    parameters, classes, features = (saved[key] for key in ("parameters", "classes", "features"))
    if len(set(classes)) != parameters["classes"]:
        raise ValueError(f"the network has {parameters['classes']} outputs for the classes {classes}")
    if any(set(name) & set("\t\n\r\0") for name in classes):
        raise ValueError(f"the names of the classes {classes} contain a tab or a line end")
    bands, dimensions = parameters["mel_bands"], parameters.get("dimensions", 0)
    for name in ("mean", "std"):
        if saved[name].shape != (bands + dimensions,) or not saved[name].isfinite().all():
            columns = f"{bands} mel bands" + (f" and {dimensions} dimensions" if dimensions else "")
            raise ValueError(f"{name} is not one finite number for each of {columns}")
    if not (saved["std"] > 0).all():
        raise ValueError("std is not positive")
    length = saved.setdefault("sequence_frames", None)  # models of older versions have no such key
    if length is not None and (not isinstance(length, int) or length < 1):
        raise ValueError(f"sequence_frames is {length!r}, not a positive whole number")
    if not features["hop_s"] > 0 or bands not in (0, features["mel_bands"]):
        raise ValueError(f"features {features} do not fit the network")
    kind, embeddings = saved.setdefault("front_end", MEL), saved.setdefault("embeddings", None)
    if kind not in FRONT_ENDS or (embeddings and not embeddings["hop_s"] > 0):
        raise ValueError(f"the front end is {kind!r}, with the embeddings {embeddings}")
    front_end = FrontEnd.choose(kind, features, embeddings)
    sizes = front_end.sizes(features, embeddings)
    if (sizes["mel_bands"], sizes.get("dimensions", 0)) != (bands, dimensions):
        raise ValueError(f"the front end {kind!r} with the embeddings {embeddings} does not fit the network")
    saved["front_end"] = front_end


def convolve_blocks(model: CRNN, mel: torch.Tensor) -> torch.Tensor:
    """Apply `CRNN.convolve` to mel [frames, mel_bands] block by block: the same values in bounded memory."""
    blocks = []
    for start in range(0, len(mel), BLOCK_FRAMES):
        before = min(model.reach, start)
        block = model.convolve(mel[start - before : start + BLOCK_FRAMES + model.reach].unsqueeze(0))[0]
        blocks.append(block[before : before + BLOCK_FRAMES])
    return torch.cat(blocks)


def recur_overlapping(model: CRNN, convolved: torch.Tensor, length: int) -> torch.Tensor:
    """Apply the recurrent part to overlapping sequences of `length` frames, and average the outputs of each frame.

    Sequences start every half length; the last one ends with the recording. In the average, an output weighs more the
    farther it is from the ends of its sequence, where the context on one side is missing.

    Parameters
    ----------
    convolved : Tensor [frames, filters * bands]
        Output of `convolve_blocks`.
    length : int
        Frames per sequence. A recording that is not longer is one sequence.

    Returns
    -------
    Tensor [frames, classes]
        Probabilities, or linear outputs.
    """
    frames = len(convolved)
    if length >= frames:
        return model.activate(model.recur(convolved.unsqueeze(0)))[0]
    starts = [*range(0, frames - length, max(1, length // 2)), frames - length]
    rising = torch.arange(1, length + 1, device=convolved.device)
    weight = torch.minimum(rising, rising.flip(0)).unsqueeze(1).float()
    total = convolved.new_zeros(frames, model.dense[-1].out_features)
    weights = convolved.new_zeros(frames, 1)
    for first in range(0, len(starts), SEQUENCES):
        group = starts[first : first + SEQUENCES]
        outputs = model.activate(model.recur(torch.stack([convolved[start : start + length] for start in group])))
        for start, output in zip(group, outputs, strict=True):
            total[start : start + length] += weight * output
            weights[start : start + length] += weight
    return total / weights


@torch.inference_mode()
def score(model: CRNN, extras: dict, features: np.ndarray | Both, config: dict) -> np.ndarray:
    """Score one recording.

    Parameters
    ----------
    model, extras : CRNN, dict
        From `load_model`.
    features : ndarray [frames, columns] or Both
        Input of the model's front end, not normalised.
    config : dict
        The section ``predict``: pooling ("mean" or "max", how the outputs of a second become one score) and context
        ("recording": the GRUs depend on the whole recording; "sequence": on sequences as long as in training, which
        overlap by half).

    Returns
    -------
    ndarray [seconds, classes]
        Scores of the whole seconds of the recording.

    Raises
    ------
    InputError
        If the context is "sequence" and the model does not contain the length of its training sequences.
    """
    front_end, device = extras["front_end"], extras["mean"].device
    if isinstance(features, Both):
        tensors = Both(torch.from_numpy(features.mel), torch.from_numpy(features.embeddings)).to(device)
        x = normalise(tensors, extras["mean"], extras["std"])
        encoded = model.fuse(convolve_blocks(model, x.mel).unsqueeze(0), x.embeddings.unsqueeze(0))[0]
    else:
        x = normalise(torch.from_numpy(features).to(device), extras["mean"], extras["std"])
        encoded = convolve_blocks(model, x) if front_end.kind == MEL else model.project(x.unsqueeze(0))[0]
    length = extras["sequence_frames"] if config["context"] == "sequence" else len(encoded)
    if length is None:
        raise InputError(
            "the model was trained by an older version of softsed and lacks the length of its training sequences",
            file=extras["path"],
            key="predict.context",
            remedy="Train the model again, or set predict.context to recording",
        )
    outputs = recur_overlapping(model, encoded, length)  # [frames, classes]
    return pool_seconds(outputs.cpu().numpy(), front_end.rate, config["pooling"], front_end.seconds(features))


def main(argv: list[str] | None = None) -> None:
    """Score the test recordings of one fold."""
    example = (
        "--model results/demo/models/S_MSE_lin/run1/fold1.pt --fold results/demo/folds/fold1.tsv"
        ' --features results/demo/features --config \'{"pooling": "mean", "context": "recording"}\' --output scores.tsv'
    )
    parser = build_parser("predict.system", main, example=example)
    parser.add_argument("--model", type=Path, required=True, help="model trained on this fold (.pt)")
    add_options(parser, "fold", "features", config="section `predict` of the config, as JSON")
    help_text = "manifest of embeddings, for a model that reads embeddings"
    parser.add_argument("--embeddings", type=Path, nargs="?", help=help_text)
    add_options(parser, "device", "threads", output="table of scores to write")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    model, extras = load_model(options.model, device)
    embeddings = Embeddings.read(options.embeddings) if options.embeddings else None
    scores = {
        name: score(model, extras, extras["front_end"].read(name, options.features, embeddings), options.config)
        for name in read_fold(options.fold)["test"]
    }
    write_scores(options.output, scores, extras["classes"])
    logger.info("%d recordings scored with %s", len(scores), options.model)
