"""Command lines of short trainings on the experiment of six recordings that the tests of the stage train share."""

import json
from pathlib import Path

from support.networks import TRAINING


def arguments(folder: Path, name: str, system: dict, **changes: object) -> list[str]:
    """Return the arguments that all trainings have in common.

    Parameters
    ----------
    folder : Path
        Folder of the experiment.
    name : str
        Name of the model file and of the history, without extension.
    system : dict
        Labels, loss and output.
    **changes : object
        Values of the section ``train``.
    """
    sections = {
        "--system": system,
        "--config": {**TRAINING, "epochs": 2, **changes},
        "--feature-config": {"mel_bands": 16, "hop_s": 0.1, "sample_rate": 1000},
        "--carried": {"pooling": "max", "context": "recording", "threshold": 0.4, "trim": 20},
    }
    files = {"--fold": "fold1.tsv", "--features": "features", "--soft": "soft.tsv", "--classes": "classes.tsv"}
    files |= {"--model": f"{name}.pt", "--history": f"{name}.tsv"}
    found = ["--seed", "7", "--device", "cpu"]
    found += [text for key, value in sections.items() for text in (key, json.dumps(value))]
    return found + [text for key, value in files.items() for text in (key, str(folder / value))]


def edit_text(folder: Path, name: str, before: str, after: str) -> None:
    """Replace a part of a file."""
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))
