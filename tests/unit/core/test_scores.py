"""Scores as text: written and read, read by other tools, and errors with file and line."""

import numpy as np
import pandas as pd
import pytest
from support.errors import refused

from softsed.core.scores import read_scores, write_scores

CLASSES = ["door opens/closes", "car"]


def written(tmp_path, *lines, header="recording\tonset\toffset\tdoor opens/closes\tcar"):
    path = tmp_path / "fold1.tsv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_scores_read_back_to_6_decimals(tmp_path):
    rng = np.random.default_rng(1)
    scores = {"b": rng.normal(size=(5, 2)), "a": rng.random((3, 2))}
    write_scores(tmp_path / "fold1.tsv", scores, CLASSES)
    back = read_scores(tmp_path / "fold1.tsv", CLASSES)
    assert list(back) == ["b", "a"]
    for name, values in scores.items():
        np.testing.assert_allclose(back[name], values, atol=5.1e-7)


def test_layout_of_sed_scores_eval(tmp_path):
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


def test_write_matrix_of_another_width(tmp_path):
    with refused(file="fold1.tsv", problem=["'a'", "(4, 3)"], expected="(seconds, 2), one column per class"):
        write_scores(tmp_path / "fold1.tsv", {"a": np.zeros((4, 3))}, CLASSES)


@pytest.mark.parametrize("header", ["recording\tonset\toffset\tcar\tdoor opens/closes", "onset\toffset\tcar", ""])
def test_columns_are_not_the_classes_in_order(tmp_path, header):
    with refused(file="fold1.tsv", line=1, problem=str(header.split("\t") if header else "")):
        read_scores(written(tmp_path, header=header), CLASSES)


@pytest.mark.parametrize(
    ("lines", "line", "problem", "expected"),
    [
        (["a\t0\t1\t0\t0", "a\t2\t3\t0\t0"], 3, "2 to 3 s", "1 to 2 s"),
        (["a\t1\t2\t0\t0"], 2, "1 to 2 s", "0 to 1 s"),
        (["a\t0\t0.5\t0\t0"], 2, "0 to 0.5 s", "0 to 1 s"),
        (["a\t0\t1\t0\t0", "b\t0\t1\t0\t0", "a\t1\t2\t0\t0"], 4, "'a'", "one block of rows per recording"),
        (["a\t0\t1\t0"], 2, "4 fields", "5 fields"),
        (["a\t0\t1\t0\tx"], 2, "['0', 'x']", "finite numbers"),
        (["a_b\t0\t1\t0\t0_5"], 2, "['0', '0_5']", "finite numbers"),
        (["a\t0\tone\t0\t0"], 2, "0 to one s", "0 to 1 s"),
        (["a\t0\t1\t0\tnan"], 2, "['0', 'nan']", "finite numbers"),
        ([], None, "no score", "one row per second"),
    ],
)
def test_bad_rows(tmp_path, lines, line, problem, expected):
    with refused(file="fold1.tsv", line=line, problem=problem, expected=expected):
        read_scores(written(tmp_path, *lines), CLASSES)


def test_missing_file(tmp_path):
    with refused(golden=False) as caught:  # the message is that of core.tsv
        read_scores(tmp_path / "none.tsv", CLASSES)
    assert "none.tsv" in str(caught.value)
