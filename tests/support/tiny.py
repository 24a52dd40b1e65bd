"""The smallest dataset of a user that the whole workflow accepts, and the config that keeps its run short."""

from pathlib import Path

import numpy as np
import soundfile
import yaml

RATE, SECONDS = 16000, 12
SIZES = {
    "features": {"sample_rate": RATE, "window": 1024, "hop_s": 0.2, "mel_bands": 32, "f_max": 8000},
    "folds": {"number": 3, "validation": 0.4},
    "systems": {"S_BCE_sig": None},
    "labels": {"compare": [], "crowd_sizes": [1], "draws": 1, "competence": {"restarts": 1}},
    "train": {"model": {"filters": 2, "gru_units": 4, "gru_layers": 1}, "epochs": 2, "sequence_frames": 10},
}


def write_sizes(path: Path, **sections: object) -> Path:
    """Write the config that keeps a run short, with other sections where given."""
    path.write_text(yaml.safe_dump(SIZES | sections), encoding="utf-8")
    return path


def write_noise(folder: Path, names: list[str]) -> None:
    """Write recordings of noise of 12 s."""
    rng = np.random.default_rng(0)
    for name in names:
        soundfile.write(folder / f"{name}.wav", 0.1 * rng.standard_normal(RATE * SECONDS), RATE)
