"""Files of a small experiment, for the tests of the steps that train."""

import numpy as np
import pytest

from softsed.core.labels import to_events, write_hard, write_soft


@pytest.fixture
def experiment(tmp_path):
    """Write the files of six recordings of 4 s at 10 frames per second, as the workflow does."""
    classes = ["a", "b"]
    (tmp_path / "classes.tsv").write_text("class\na\nb\n")
    (tmp_path / "features").mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        np.savez(tmp_path / "features" / f"r{i}.npz", mel=rng.normal(i, 1, (41, 16)).astype(np.float32))
    soft = {f"r{i}": rng.uniform(0, 1, (4, 2)) for i in range(6)}
    write_soft(tmp_path / "soft.tsv", soft, classes)
    write_hard(tmp_path / "hard.tsv", {name: to_events(values > 0.5, classes) for name, values in soft.items()})
    parts = ["train"] * 3 + ["validation"] + ["test"] * 2
    rows = "".join(f"r{i}\tscene\t{part}\n" for i, part in enumerate(parts))
    (tmp_path / "fold1.tsv").write_text("recording\tscene\tpart\n" + rows)
    return tmp_path
