"""The picture of a recording shows its scores and events, and its size has bounds."""

import numpy as np
import pytest

from softsed.core.labels import Event
from softsed.predict.timeline import draw_timeline

CLASSES = ["people talking", "wind_blowing"]


def test_scores_are_shades_and_events_bars():
    scores = np.arange(16.0).reshape(8, 2) / 15
    figure = draw_timeline(scores, [Event(2, 5, "wind_blowing"), Event(7, 8, "wind_blowing")], CLASSES, title="x.wav")
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), scores.T)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["people talking", "wind blowing"]
    spans = [[path.get_extents().intervalx.tolist() for path in bars.get_paths()] for bars in axes.collections]
    assert spans == [[], [[2, 5], [7, 8]]]
    assert all(0.5 < path.get_extents().y0 < 1.5 for path in axes.collections[1].get_paths())


@pytest.mark.parametrize("seconds", [1, 60, 241, 3600, 500_000])
def test_size_and_marks_have_bounds(seconds):
    figure = draw_timeline(np.zeros((seconds, 2)), [], CLASSES, title="x.wav")
    assert 2 <= len(figure.axes[0].get_xticks()) <= 17
    assert figure.get_size_inches()[0] <= 40


def test_many_classes_show_the_detected_ones():
    scores = np.zeros((10, 360))
    scores[:, 100:139] = 0.4  # not detected, but above all others
    names = [f"sound {i}" for i in range(360)]
    figure = draw_timeline(scores, [Event(2, 5, "sound 359")], names, title="x.wav")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [*names[100:139], "sound 359"]
    assert len(axes.collections[-1].get_paths()) == 1
    assert axes.get_title() == "x.wav (40 of 360 classes, by detected seconds): scores, and events in orange"
    assert figure.get_size_inches()[1] < 12
