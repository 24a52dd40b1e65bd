"""Files of features that are not valid, and the time grid of their frames."""

import numpy as np
import pytest
from support.errors import refused

from softsed.features.files import frames_per_second, read_features, whole_seconds


@pytest.mark.parametrize(("hop_s", "rate"), [(0.02, 50), (0.04, 25), (0.2, 5)])
def test_frames_per_second(hop_s, rate):
    assert frames_per_second({"hop_s": hop_s}) == rate


@pytest.mark.parametrize("samples", [44100 * 3 - 1, 44100 * 3, 44100 * 3 + 1, 44100 * 4 - 1])
def test_whole_seconds_are_those_of_the_samples(samples):
    assert whole_seconds(1 + samples // 882, 50) == samples // 44100


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "No such file"),
        (b"garbage", ""),
        (b"", ""),
        ({"other": np.zeros(3)}, "mel"),
        ({"mel": np.array([{}], dtype=object)}, "allow_pickle"),
        ("half", ""),
    ],
)
def test_file_that_is_not_valid_is_refused(tmp_path, content, named):
    path = tmp_path / "r.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "half":
        np.savez(path, mel=np.zeros((9, 2)))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif content:
        np.savez(path, **content)
    with refused(file="r.npz", problem=named, golden=False):
        read_features(path)


def test_features_are_read_as_written(tmp_path):
    mel = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.savez(tmp_path / "r.npz", mel=mel, sample_rate=8000)
    np.testing.assert_array_equal(read_features(tmp_path / "r.npz"), mel)
