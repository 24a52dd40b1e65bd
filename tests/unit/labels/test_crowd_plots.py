"""Drawings of the page about a crowd."""

import matplotlib as mpl
import numpy as np

from softsed.labels.crowd_plots import COLOURS, INK, STYLE, colours, figure, picture, svg


def test_picture_marks_middle_of_windows():
    values = np.array([[1, np.nan], [0, 1]])
    image = picture(np.array([5, 6.5]), values, 1.0, 8)
    assert image.shape == (2, 16, 4)
    assert np.flatnonzero(image[0, :, 3]).tolist() == [9, 10]  # 4.5 to 5.5 s
    assert np.flatnonzero(image[1, :, 3]).tolist() == [9, 10, 12, 13]
    assert image[0, 9, 3] == 1 > image[1, 9, 3] > 0
    np.testing.assert_allclose(image[1, 12, :3], image[0, 9, :3])  # both ticked


def test_svg_is_an_element_for_pages():
    with mpl.rc_context(STYLE):
        drawing = figure(1)
        drawing.subplots().plot([0, 1 / 3])
    text = svg(drawing)
    assert text.startswith("<svg")
    assert "<metadata" not in text
    assert "currentColor" in text
    assert INK not in text


def test_colours_repeat_after_the_last():
    found = colours([str(number) for number in range(len(COLOURS) + 1)])
    assert list(found.values()) == [*COLOURS, COLOURS[0]]
