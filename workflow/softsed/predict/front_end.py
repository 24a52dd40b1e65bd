"""Input of the models for a user-provided recording: mel energies and embeddings, stretch by stretch."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softsed.core.audio import measure
from softsed.core.errors import InputError, Problems
from softsed.core.text.files import recording_name
from softsed.features.embed import Embedder, write_blocks
from softsed.features.embeddings import check_array, file_sha256, find_files, read_embeddings, to_grid
from softsed.features.inputs import EMBEDDINGS, MEL, Both
from softsed.predict.long_audio import mel_of, overlapping, stretches


def inputs_of(
    extras: dict, path: Path, filterbank: np.ndarray, *, embeddings: np.ndarray | None, length: int, context: int
) -> Iterator[tuple[np.ndarray | Both, int]]:
    """Yield the input of each stretch of a recording, and the length of the context before the stretch in seconds.

    Parameters as in `softsed.predict.apply.score_recording`; `extras` are those of one of the models.
    """
    front_end, settings = extras["front_end"], extras["embeddings"]
    if front_end.kind == EMBEDDINGS and embeddings is not None:
        for start, end, lead in stretches(int(measure(path)), length, context):
            yield to_grid(embeddings, settings["hop_s"], front_end.rate, end - start, start=start), lead
        return
    rate, first = front_end.mel_rate, 0
    for mel, lead in overlapping(mel_of(path, filterbank, extras["features"]), length * rate, context * rate):
        x = mel
        if front_end.kind != MEL and embeddings is not None:
            seconds = -(-len(mel) // rate)  # rounded up: the seconds that `join` needs
            start = first - lead // rate
            x = front_end.join(
                mel, to_grid(embeddings, settings["hop_s"], front_end.embedding_rate, seconds, start=start)
            )
        if len(x):  # without a whole second, there is nothing to score
            yield x, lead // rate
        first += length


def embeddings_of(
    audio: Path, extras: dict, *, files: Path | None, model: Path | None, work: Path
) -> np.ndarray | None:
    """Return the embeddings of a recording, [frames, dimensions]; None for models that read mel energies.

    Parameters
    ----------
    audio : Path
        The recording.
    extras : dict
        Extras of one of the models.
    files, model : Path, optional
        Folder of embeddings, or the model that computes embeddings.
    work : Path
        Folder for the file of the computed embeddings, which is then read.

    Raises
    ------
    InputError
        If the models read embeddings and none are given, or if the embeddings do not fit the models or the recording.
    """
    settings, given = extras["embeddings"], files or model
    if extras["front_end"].kind == MEL:
        if given:
            raise InputError("the models read no embeddings", file=given, remedy="Leave this path out")
        return None
    made_by = settings.get("model")
    if files:
        problems, name = Problems(), recording_name(audio.stem)
        found = find_files(files, [name], problems)
        problems.raise_all(f"in {files}", alone=True)
        path = found[name]
    elif model:
        if made_by is None or file_sha256(model) != made_by["sha256"]:
            problem = "the training used embeddings of another model, or of unknown origin"
            expected = f"{made_by['name']}, SHA-256 {made_by['sha256']}" if made_by else "files (--embeddings)"
            raise InputError(problem, file=model, key="--embedding-model", expected=expected)
        path = work / "embeddings.npy"
        window = {name: made_by[name] for name in ("sample_rate", "window_s", "batch")}
        write_blocks(path, Embedder(model, hop_s=settings["hop_s"], **window).embed(audio))
    else:
        made = f", or --embedding-model with the file {made_by['name']}" if made_by else ""
        remedy = f"Add --embeddings with the folder of embeddings{made}"
        raise InputError("the models read embeddings of the recording", key="--embeddings", remedy=remedy)
    embeddings = read_embeddings(path)
    if embeddings.shape[1] != settings["dimensions"]:
        problem = f"the embeddings have {embeddings.shape[1]} dimensions"
        expected = f"{settings['dimensions']}, as in the training"
        raise InputError(problem, file=path, expected=expected)
    if error := check_array(embeddings, path, duration_s=measure(audio), hop_s=settings["hop_s"]):
        raise error
    return embeddings
