"""Trained models applied to user-provided recordings of any length: scores per second, events and a picture of both.

Conventions
-----------
- The model files contain classes, normalisation, settings of the features, pooling and thresholds. Models that read
  embeddings also need the embeddings of the recording, or the model that computes embeddings.
- The scores of several models (the folds of a run) are averaged, and so are their thresholds. This is not
  cross-validation: each recording of the experiment was used to train all models but one. Scores of these recordings
  do not measure the quality of the models; the scores in predictions/ do.
- Scores are text in the layout of sed_scores_eval, one file per recording: onset, offset, one column per class.
- Events are hard labels as text: onset, offset, label. sed_eval reads them, and Audacity imports them as a label track.
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from softsed.core.errors import InputError, count
from softsed.core.event_text import write_events
from softsed.core.labels import harden, to_events
from softsed.core.options import add_options, build_parser
from softsed.core.scores import write_plain
from softsed.core.thresholds import MIDRANGE
from softsed.features.examine import examine
from softsed.features.extract import read_filterbank, write_filterbank
from softsed.features.recorded import describe
from softsed.predict.front_end import embeddings_of, inputs_of
from softsed.predict.long_audio import CONTEXT_S, STRETCH_S
from softsed.predict.system import CONTEXTS, POOLING, load_model, score
from softsed.predict.threshold import FIXED, choose_threshold
from softsed.predict.timeline import draw_timeline
from softsed.train.device import choose_device
from softsed.train.network import CRNN

FEATURES = ("sample_rate", "window", "hop_s", "mel_bands", "f_min", "f_max", "power", "log", "log_floor")
CARRIED = ("classes", "features", "carried", "front_end", "embeddings")  # keys that are equal in all models of a run

logger = logging.getLogger(__name__)


def load_models(paths: list[Path], device: torch.device) -> list[tuple[CRNN, dict]]:
    """Load models whose scores are to be averaged.

    Raises
    ------
    InputError
        If a file is not a valid model or lacks one of the required keys, or if two models differ in one of `CARRIED`.
    """
    models = [load_model(path, device) for path in paths]
    for path, (_, extras) in zip(paths, models, strict=True):
        if missing := [key for key in (*CARRIED, "thresholds") if key not in extras]:
            raise InputError(
                f"the model lacks {missing}, since an older version of softsed trained it",
                file=path,
                remedy="Train the model again",
            )
        if missing := [key for key in FEATURES if not isinstance(extras["features"].get(key), int | float)]:
            raise InputError(
                f"the features of the model lack {missing}",
                file=path,
                expected=f"a number for each of {', '.join(FEATURES)}",
                remedy="Train the model again",
            )
        # Models of older versions have no context.
        classes, carried = len(extras["classes"]), {"context": CONTEXTS[0]} | extras["carried"]
        extras["carried"] = carried
        if np.shape(extras["thresholds"]) != (classes,):
            raise InputError(
                f"the model has thresholds of shape {list(np.shape(extras['thresholds']))}",
                file=path,
                expected=f"one threshold for each of its {classes} classes",
                remedy="Train the model again",
            )
        known = carried.get("pooling") in POOLING and carried.get("context") in CONTEXTS
        if not known or not isinstance(carried.get("threshold"), int | float):
            raise InputError(
                f"pooling, context and threshold of the model are {carried}",
                file=path,
                expected=f"a pooling of {list(POOLING)}, a context of {list(CONTEXTS)} and a number as threshold",
                remedy="Train the model again",
            )
        for key in CARRIED:
            if extras[key] != models[0][1][key]:
                raise InputError(
                    f"the model differs from {paths[0]} in the key {key!r}",
                    file=path,
                    expected="the models of one run",
                )
    return models


def score_recording(
    models: list[tuple[CRNN, dict]],
    path: Path,
    filterbank: np.ndarray,
    *,
    embeddings: np.ndarray | None = None,
    length: int = STRETCH_S,
    context: int = CONTEXT_S,
) -> np.ndarray:
    """Score a recording of any length.

    Parameters
    ----------
    models : list of (CRNN, dict)
        From `load_models`.
    path : Path
        Recording in a format that libsndfile reads.
    filterbank : ndarray of float32 [mel_bands, window // 2 + 1]
        Filter bank of the models' features.
    embeddings : ndarray [frames, dimensions], optional
        Embeddings of the recording, for models that read them.
    length, context : int
        Whole seconds, see `softsed.predict.long_audio`. A recording of at most `length` is scored as a whole.

    Returns
    -------
    ndarray [seconds, classes]
        Mean of the models' scores.

    Raises
    ------
    InputError
        If the recording is shorter than one second.
    """
    _, extras = models[0]
    scores = [np.empty((0, len(extras["classes"])))]
    for x, lead in inputs_of(extras, path, filterbank, embeddings=embeddings, length=length, context=context):
        mean = np.mean([score(*model, x, extras["carried"]) for model in models], axis=0)
        scores.append(mean[lead:][:length])
    found = np.concatenate(scores)
    if not len(found):
        raise InputError(
            "the recording is shorter than one second",
            file=path,
            expected="at least one second, the unit of all scores",
            remedy="Leave the recording out",
        )
    return found


def main(argv: list[str] | None = None) -> None:
    """Score one recording with one or several models, or compute the filter bank of the models."""
    example = (
        "--models results/demo/models/S_MSE_lin/run1/fold1.pt --audio results/demo/data/audio/city_center_00.wav"
        " --filterbank results/demo/features/filterbank/filterbank.npz"
        " --scores city_center_00.tsv --events city_center_00.txt --timeline city_center_00.png"
    )
    parser = build_parser("apply", main, example=example)
    parser.add_argument(
        "--models",
        type=Path,
        nargs="+",
        required=True,
        help="models of one run (.pt), whose scores are averaged",
    )
    parser.add_argument(
        "--filterbank",
        type=Path,
        required=True,
        help="filter bank (.npz): written without --audio, read with --audio",
    )
    parser.add_argument("--audio", type=Path, help="recording to score; requires --scores, --events and --timeline")
    source = parser.add_mutually_exclusive_group()
    help_text = "folder with the embeddings of the recording, for models that read embeddings"
    source.add_argument("--embeddings", type=Path, help=help_text)
    help_text = "model that computes these embeddings, the same as for the training (.pt, .pt2 or .onnx)"
    source.add_argument("--embedding-model", type=Path, help=help_text)
    parser.add_argument(
        "--threshold",
        default=MIDRANGE,
        help=f"threshold of the events: {MIDRANGE} (trimmed midrange of the training labels), {FIXED} (of the"
        f" experiment) or a number from 0 to 1 (default: {MIDRANGE})",
    )
    add_options(parser, "device", "threads")
    parser.add_argument("--scores", type=Path, help="table of scores to write")
    parser.add_argument("--events", type=Path, help="table of events to write")
    parser.add_argument("--timeline", type=Path, help="picture to write (.png, .svg or .pdf)")
    options = parser.parse_args(argv)
    if options.audio and not (options.scores and options.events and options.timeline):
        parser.error("--audio needs --scores, --events and --timeline")
    torch.set_num_threads(options.threads)
    models = load_models(options.models, choose_device(options.device))
    if options.audio is None:
        write_filterbank(options.filterbank, models[0][1]["features"])
        return
    filterbank = read_filterbank(options.filterbank, models[0][1]["features"])
    classes = models[0][1]["classes"]
    thresholds = choose_threshold([extras for _, extras in models], options.threshold)
    # In the workflow, `features.examine` warns once about all recordings. These lines go to the log of the job.
    for line in describe([examine(options.audio.stem, options.audio)], models[0][1]["features"]["f_max"]):
        logger.info("%s", line)
    with TemporaryDirectory(dir=options.scores.parent, prefix=".") as folder:
        embeddings = embeddings_of(
            options.audio, models[0][1], files=options.embeddings, model=options.embedding_model, work=Path(folder)
        )
        scores = score_recording(models, options.audio, filterbank, embeddings=embeddings)
    events = to_events(harden(scores, thresholds), classes)
    write_plain(options.scores, scores, classes)
    write_events(options.events, events)
    draw_timeline(scores, events, classes, title=options.audio.name).savefig(options.timeline, dpi=120)
    levels = ", ".join(f"{name} {value:.3g}" for name, value in zip(classes, thresholds, strict=True))
    number = count(len(models), "model", "models")
    logger.info("%s: %d s scored by the mean of %s", options.audio, len(scores), number)
    logger.info("%s above the thresholds (%s) %s", count(len(events), "event", "events"), options.threshold, levels)
