"""Trained models for anyone's recordings: scores a second, events and a picture of both, whatever the length.

Conventions
-----------
- Everything needed comes from the model files: classes, normalisation, features, pooling, thresholds.
- Several models (the folds of a run) score a recording each, and the mean of their scores counts. Thresholds are
  averaged likewise. That is no cross-validation: all but one of them were trained on any recording of the experiment,
  so scores of these say nothing about how good the models are; those in predictions/ do.
- Scores are text in the layout of sed_scores_eval, one file a recording: onset, offset, one column a class.
- Events are hard label text: onset, offset, label. sed_eval reads it, and Audacity imports it as a label track.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from softsed.core.errors import InputError
from softsed.core.event_text import write_events
from softsed.core.labels import harden, to_events
from softsed.core.scores import write_plain
from softsed.core.thresholds import FIXED, MIDRANGE, check_threshold
from softsed.features.extract import make_filterbank, read_filterbank
from softsed.predict.long_audio import CONTEXT_S, STRETCH_S, mel_of, overlapping
from softsed.predict.system import POOLING, load_model, score
from softsed.predict.timeline import draw_timeline
from softsed.train.network import CRNN, choose_device
from softsed.train.sequences import frames_per_second

FEATURES = ("sample_rate", "window", "hop_s", "mel_bands", "f_min", "f_max", "power", "log", "log_floor")
CARRIED = ("classes", "features", "carried")  # what the models of a run have in common

logger = logging.getLogger(__name__)


def load_models(paths: list[Path], device: torch.device) -> list[tuple[CRNN, dict]]:
    """Load the models that are to be averaged.

    Raises
    ------
    InputError
        When a file is no model or lacks what it takes to apply it, or two differ in classes, features or pooling.
    """
    models = [load_model(path, device) for path in paths]
    for path, (_, extras) in zip(paths, models, strict=True):
        if missing := [key for key in (*CARRIED, "thresholds") if key not in extras]:
            raise InputError(f"{path}: no {missing} in this model, of an older version of softsed; train it again")
        if missing := [key for key in FEATURES if not isinstance(extras["features"].get(key), int | float)]:
            raise InputError(f"{path}: no numbers for {missing} of the features")
        classes, carried = len(extras["classes"]), extras["carried"]
        if np.shape(extras["thresholds"]) != (classes,):
            raise InputError(f"{path}: no thresholds for each of its {classes} classes")
        if carried.get("pooling") not in POOLING or not isinstance(carried.get("threshold"), int | float):
            raise InputError(
                f"{path}: pooling and threshold are {carried}; expected one of {list(POOLING)} and a number"
            )
        for key in CARRIED:
            if extras[key] != models[0][1][key]:
                raise InputError(f"{path} and {paths[0]} differ in {key}; expected the models of one run")
    return models


def choose_threshold(models: list[tuple[CRNN, dict]], wanted: str) -> np.ndarray:
    """Choose the threshold of each class.

    Parameters
    ----------
    models
        From `load_models`.
    wanted : str
        "class-dependent": trimmed midrange of the training labels, mean over the models; "fixed": the one of the
        experiment's config; or a number from 0 to 1.

    Returns
    -------
    ndarray [classes]
        nan, which nothing exceeds, for a class that no model has a class-dependent threshold of.
    """
    _, extras = models[0]
    check_threshold(wanted)
    if wanted == MIDRANGE:
        listed = np.array([extras["thresholds"].cpu().numpy() for _, extras in models])  # [models, classes]
        known = ~np.isnan(listed)
        with np.errstate(invalid="ignore"):
            return np.where(known, listed, 0).sum(axis=0) / known.sum(axis=0)
    value = extras["carried"]["threshold"] if wanted == FIXED else float(wanted)
    return np.full(len(extras["classes"]), value)


def score_recording(
    models: list[tuple[CRNN, dict]],
    path: Path,
    filterbank: np.ndarray,
    *,
    length: int = STRETCH_S,
    context: int = CONTEXT_S,
) -> np.ndarray:
    """Score a recording of any length.

    Parameters
    ----------
    models
        From `load_models`.
    path : Path
        Anything libsndfile reads.
    filterbank : ndarray of float32 [mel_bands, window // 2 + 1]
        From `features.make_filterbank`, of the models' features.
    length, context : int
        Whole seconds, see `stream`: a recording no longer than `length` is scored as a whole.

    Returns
    -------
    ndarray [seconds, classes]
        Mean over the models; an InputError for less than a second of audio.
    """
    _, extras = models[0]
    rate, pooling = frames_per_second(extras["features"]), extras["carried"]["pooling"]
    scores = []
    for mel, lead in overlapping(mel_of(path, filterbank, extras["features"]), length * rate, context * rate):
        mean = np.mean([score(*model, mel, pooling) for model in models], axis=0)
        scores.append(mean[lead // rate :][:length])
    found = np.concatenate(scores)
    if not len(found):
        raise InputError(f"{path}: shorter than a second, the unit of all scores")
    return found


def main(argv: list[str] | None = None) -> None:
    """Score one recording with a model, or with the mean of several; or make the filter bank for it."""
    parser = argparse.ArgumentParser(prog="softsed apply", description=main.__doc__)
    parser.add_argument(
        "--models", type=Path, nargs="+", required=True, help="written by `softsed train.system`; averaged"
    )
    parser.add_argument("--filterbank", type=Path, required=True, help="written without --audio, read with it")
    parser.add_argument("--audio", type=Path, help="recording, anything libsndfile reads; with it all outputs")
    parser.add_argument(
        "--threshold", default=MIDRANGE, help=f"of the events: {MIDRANGE} (default), {FIXED} or a number"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scores", type=Path, help="scores, written")
    parser.add_argument("--events", type=Path, help="events, written")
    parser.add_argument("--timeline", type=Path, help="picture, written: .png, .svg or .pdf")
    options = parser.parse_args(argv)
    if options.audio and not (options.scores and options.events and options.timeline):
        parser.error("--audio needs --scores, --events and --timeline")
    torch.set_num_threads(options.threads)
    models = load_models(options.models, choose_device(options.device))
    if options.audio is None:
        np.savez(options.filterbank, filterbank=make_filterbank(models[0][1]["features"]))
        return
    filterbank = read_filterbank(options.filterbank, models[0][1]["features"])
    classes = models[0][1]["classes"]
    thresholds = choose_threshold(models, options.threshold)
    scores = score_recording(models, options.audio, filterbank)
    events = to_events(harden(scores, thresholds), classes)
    write_plain(options.scores, scores, classes)
    write_events(options.events, events)
    draw_timeline(scores, events, classes, title=options.audio.name).savefig(options.timeline, dpi=120)
    levels = ", ".join(f"{name} {value:.3g}" for name, value in zip(classes, thresholds, strict=True))
    logger.info("%s: %d s scored by the mean of %d models", options.audio, len(scores), len(models))
    logger.info("%d events above the thresholds (%s) %s", len(events), options.threshold, levels)
