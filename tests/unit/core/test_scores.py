"""Scores as text: what is written comes back, other tools read it, mistakes are named with their line."""

import numpy as np
import pandas as pd
import pytest

from softsed.core.errors import InputError
from softsed.core.scores import read_scores, write_scores

CLASSES = ["door opens/closes", "car"]


def written(tmp_path, *lines, header="recording\tonset\toffset\tdoor opens/closes\tcar"):
    path = tmp_path / "fold1.tsv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_reads_back_what_was_written_to_6_decimals(tmp_path):
    rng = np.random.default_rng(1)
    scores = {"b": rng.normal(size=(5, 2)), "a": rng.random((3, 2))}
    write_scores(tmp_path / "fold1.tsv", scores, CLASSES)
    back = read_scores(tmp_path / "fold1.tsv", CLASSES)
    assert list(back) == ["b", "a"]
    for name, values in scores.items():
        np.testing.assert_allclose(back[name], values, atol=5.1e-7)


def test_each_recording_is_the_layout_of_sed_scores_eval(tmp_path):
    validate = pytest.importorskip("sed_scores_eval.base_modules.scores").validate_score_dataframe
    fscore = pytest.importorskip("sed_scores_eval").segment_based.fscore
    write_scores(tmp_path / "fold1.tsv", {"a": np.array([[0.1, 0.9], [0.7, 0.2]]), "b": np.ones((1, 2))}, CLASSES)
    table = pd.read_csv(tmp_path / "fold1.tsv", sep="\t")
    frames = {name: block.drop(columns="recording") for name, block in table.groupby("recording")}
    for frame in frames.values():
        _, found = validate(frame)
        assert found == CLASSES
    truth = {"a": [(0, 1, "car"), (1, 2, "door opens/closes")], "b": [(0, 1, "car"), (0, 1, "door opens/closes")]}
    f, *_ = fscore(frames, truth, {"a": 2.0, "b": 1.0}, threshold=0.5, segment_length=1.0)
    assert f["car"] == 1
    assert f["door opens/closes"] == 1


def test_refuses_to_write_a_matrix_of_another_width(tmp_path):
    with pytest.raises(InputError, match=r"shape \(4, 3\); expected \(seconds, 2\)"):
        write_scores(tmp_path / "fold1.tsv", {"a": np.zeros((4, 3))}, CLASSES)


@pytest.mark.parametrize("header", ["recording\tonset\toffset\tcar\tdoor opens/closes", "onset\toffset\tcar", ""])
def test_columns_must_be_the_classes_in_order(tmp_path, header):
    with pytest.raises(InputError, match=r"fold1.tsv, line 1: columns are"):
        read_scores(written(tmp_path, header=header), CLASSES)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a\t0\t1\t0\t0", "a\t2\t3\t0\t0"], r"line 3: 2 to 3 s; expected 1 to 2 s"),
        (["a\t1\t2\t0\t0"], r"line 2: 1 to 2 s; expected 0 to 1 s"),
        (["a\t0\t0.5\t0\t0"], r"line 2: 0 to 0.5 s; expected 0 to 1 s"),
        (["a\t0\t1\t0\t0", "b\t0\t1\t0\t0", "a\t1\t2\t0\t0"], r"line 4: 'a' appears in two places"),
        (["a\t0\t1\t0"], r"line 2: 4 tab-separated fields; expected 5"),
        (["a\t0\t1\t0\tx"], r"line 2: expected finite numbers as scores"),
        (["a_b\t0\t1\t0\t0_5"], r"line 2: expected finite numbers as scores, got \['0', '0_5'\]"),
        (["a\t0\tone\t0\t0"], r"line 2: 0 to one s; expected 0 to 1 s"),
        (["a\t0\t1\t0\tnan"], r"line 2: expected finite numbers as scores"),
        ([], r"no scores below the header"),
    ],
)
def test_errors_name_file_and_line(tmp_path, lines, message):
    with pytest.raises(InputError, match=f"fold1.tsv.*{message}"):
        read_scores(written(tmp_path, *lines), CLASSES)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: cannot be read as text"):
        read_scores(tmp_path / "none.tsv", CLASSES)
