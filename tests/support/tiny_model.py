"""A model of the smallest size, for tests that need a model file and no training."""

import torch

from softsed.features.extract import make_filterbank
from softsed.train.network import CRNN

FEATURES = {"sample_rate": 8000, "window": 512, "hop_s": 0.05, "mel_bands": 16, "f_min": 50, "f_max": 4000}
FEATURES |= {"power": 2.0, "log": True, "log_floor": 1e-10}
SIZES = {"mel_bands": 16, "classes": 2, "filters": 4, "pooling": [2, 2], "dropout": 0.5, "gru_units": 4}
SIZES |= {"gru_layers": 2, "dense": [8], "output": "sigmoid"}
BANK = make_filterbank(FEATURES)


def save_model(path, *, seed, **changes):
    torch.manual_seed(seed)
    # Larger weights than the initial ones, so that scores depend on the audio.
    state = {
        name: value * 2 if value.is_floating_point() else value for name, value in CRNN(**SIZES).state_dict().items()
    }
    model = {
        **{"state": state, "parameters": SIZES, "classes": ["a b", "c"], "features": FEATURES},
        **{"mean": torch.full((16,), -5.0), "std": torch.full((16,), 3.0)},
        "thresholds": torch.tensor([0.2 * seed, torch.nan if seed == 1 else 0.6]),
        "sequence_frames": 40,
        "carried": {"pooling": "mean", "context": "recording", "threshold": 0.5, "trim": 10},
    }
    torch.save({key: value for key, value in (model | changes).items() if value is not None}, path)
    return path
