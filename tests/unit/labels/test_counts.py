"""Numbers of opinions per second and class, against a loop over the opinions."""

import numpy as np
from support.crowds import ask, hear

from softsed.core.metadata import Recording
from softsed.labels.aggregate import soft_labels
from softsed.labels.counts import count_opinions, write_counts


def test_counts_equal_a_loop_over_opinions():
    rng = np.random.default_rng(0)
    opinions, recordings = ask({name: hear(rng, 30, 4, 2)[0] for name in "yx"}, number=3, rng=rng)
    found = count_opinions(opinions, recordings)
    expected = {name: np.zeros((30, 2)) for name in "yx"}
    for window, label in zip(opinions.window, opinions.label, strict=True):
        for second in range(opinions.onset[window], opinions.offset[window]):
            expected[opinions.recording[window]][second, label] += 1
    assert list(found) == ["y", "x"]
    for name in "yx":
        np.testing.assert_array_equal(found[name], expected[name])


def test_seconds_without_label_have_no_opinion():
    """Eq. 1 has a label where there is an opinion, also in a recording without any opinion."""
    opinions, recordings = ask({"x": np.ones((20, 2, 1), dtype=bool)}, window=5, hop=7)
    recordings["silent"] = Recording("silent", "scene", 3.9)
    labels = soft_labels(opinions, np.ones(2), recordings=recordings)
    for name, counts in count_opinions(opinions, recordings).items():
        np.testing.assert_array_equal(counts > 0, ~np.isnan(labels[name]))


def test_table_lists_all_seconds_of_classes_with_opinions(tmp_path):
    write_counts(tmp_path / "new" / "counts.tsv", {"x": np.array([[0, 2], [0, 0]])}, ["a", "b"])
    lines = (tmp_path / "new" / "counts.tsv").read_text().splitlines()
    assert lines == ["recording\tonset\toffset\tlabel\topinions", "x\t0\t1\tb\t2", "x\t1\t2\tb\t0"]
