"""The page about a crowd: chosen recordings, drawings, and text that stays text."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from support.tsv import OPINIONS, write_tables

from softsed.core.labels import Event, write_hard, write_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels import crowd_page, crowd_plots
from softsed.labels.crowd_page import (
    Labels,
    annotator_rows,
    choose,
    disagreement,
    distinct_competences,
    marks,
    size_rows,
    summarise,
)

pytestmark = pytest.mark.filterwarnings("error")

PACKAGE = Path(crowd_page.__file__).parents[1]
TEMPLATES = ["labels/templates/crowd_page.html.j2", "core/templates/base.html.j2"]
ODD = '<b>$x_1$ & "car"</b>'


def two_windows():
    """Recording r: four annotators agree in the first window and are divided 2 to 2 in the second, on one class."""
    window, annotator = np.repeat([0, 1], 4), np.tile(range(4), 2)
    opinion = np.array([1, 1, 1, 1, 1, 0, 1, 0])
    label = np.zeros(8, dtype=int)
    names, onset = np.array(["r", "r"]), np.array([0, 5])
    return Opinions(names, onset, onset + 10, list("ABCD"), ["car"], window, annotator, label, opinion)


def test_disagreement_by_hand():
    assert disagreement(two_windows()) == {("r", 0): pytest.approx((0 + 1) / 2)}


def test_choose_one_recording_per_scene_first():
    scenes = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "z", "f": "z", "g": "z", "h": "z"}
    recordings = {name: Recording(name, scene, 10) for name, scene in scenes.items()}
    divided = {(name, 0): value for name, value in zip(scenes, [0.9, 0.8, 0.7, 0.1, 0.2, 0.3, 0.6, 0.4], strict=True)}
    assert choose(recordings, divided) == ["a", "g", "d", "b", "h", "c"]
    assert choose(recordings, {("e", 0): 0.2, ("f", 0): 0.2}) == ["e", "f"]  # equal: by name


def test_marks_of_small_and_large_crowds(monkeypatch):
    centres, values, width = marks(two_windows(), "r", 0)
    assert (centres.tolist(), width) == ([5, 10], 5)
    np.testing.assert_array_equal(values, [[1, 1], [1, 0], [1, 1], [1, 0]])
    monkeypatch.setattr(crowd_page, "MOST_ROWS", 3)
    np.testing.assert_array_equal(marks(two_windows(), "r", 0)[1], [[1, 0.5]])


def test_summary_counts_crowd():
    found = summarise(two_windows())
    expected = {"annotators": 4, "opinions": 8, "classes": 1, "windows": 2, "recordings": 1, "length": "10"}
    assert found == expected


def test_equal_competences_share_a_column():
    """The majority reports the competences of MACE, as eq1 does."""
    labels = {"eq1": {"A": 0.5, "B": 0.25}, "joint": {"A": 0.9, "B": 0.1}, "majority": {"A": 0.5, "B": 0.25}}
    found = distinct_competences({name: Labels({}, {}, values) for name, values in labels.items()})
    assert list(found.items()) == [("eq1, majority", labels["eq1"]), ("joint", labels["joint"])]
    rows = [{"annotator": name, "agreement": "", "ticks": "0.1234", "opinions": "7"} for name in "AB"]
    first, second = annotator_rows(rows, found)
    assert list(first.values()) == ["B", "0.25", "0.10", "", "12.3", "7"]
    assert second["Competence (eq1, majority)"] == "0.50"


def test_crowd_sizes_without_empty_columns():
    row = dict.fromkeys(("f1", "difference", "competence", "expected_brier", "truth_f1", "truth_brier"), "")
    rows = [{"method": "eq1", "annotators": "3", **row, "f1": "0.806"}, {"method": "eq1", "annotators": "all", **row}]
    assert size_rows(rows) == [
        {"method": "eq1", "annotators": "3", "f1": "0.81"},
        {"method": "eq1", "annotators": "all", "f1": ""},
    ]


class Checker(HTMLParser):
    """Collects tags, and text outside of style."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page about 25 annotators, three recordings and an odd class: its text, its arguments and its folder."""
    tmp_path = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(0)
    classes = [ODD, "dog"]
    lines = [OPINIONS]
    for name in ("r1", "r2", "r3"):
        for onset in range(11):
            lines += [
                f"{name}\t{onset}\t{onset + 10}\t{who}\t{label}\t{rng.integers(2)}"
                for who in (["<i>A</i>", "B"] if name == "r1" else [*"CDEFGHIJKLMNOPQRSTUVWXYZ"])
                for label in classes
            ]
    people = sorted({line.split("\t")[3] for line in lines[1:]})
    texts = {
        "opinions": "\n".join(lines),
        "recordings": "recording\tscene\tduration_s\n" + "".join(f"r{i}\ts\t20\n" for i in (1, 2, 3)),
        "classes": "class\n" + "\n".join(classes),
        "scenes": "scene\tclass\n" + "\n".join(f"s\t{name}" for name in classes),
        "agreement": f"class\talpha\tticks\topinions\twindows\tannotators\n{ODD}\t\t0\t1\t1\t1",
        "annotators": "annotator\topinions\tticks\tagreement\n" + "\n".join(f"{who}\t9\t0.5\t" for who in people),
        "crowd-size": "method\tannotators\tper_window\tdraws\tf1\tf1_sd\tdifference\tcorrelation\tcompetence\ttruth_f1"
        "\ttruth_f1_sd\ttruth_brier\neq1\t3\t3\t2\t0.8\t0.1\t0.1\t0.9\t\t0.7\t0.05\t0.2\neq1\tall\t24\t1\t1\t\t0\t1\t\t0.9\t\t0.1",
    }
    arguments = write_tables(tmp_path, texts)
    for method in ("eq1", "joint"):
        folder = tmp_path / "labels" / method
        names = ("r1", "r2", "r3")
        write_soft(folder / "soft.tsv", {name: rng.random((20, 2)) for name in names}, classes)
        write_hard(folder / "hard.tsv", {name: [Event(2, 5, ODD)] for name in names})
        rows = "".join(f"{who}\t{rng.random():.3f}\t9\n" for who in people)
        (folder / "competence.tsv").write_text("annotator\tcompetence\topinions\n" + rows, encoding="utf-8")
    truth = tmp_path / "truth"
    truth.mkdir()
    for name in ("r1", "r2", "r3"):
        (truth / f"{name}.txt").write_text("3\t4\tdog\n", encoding="utf-8")
    arguments += [
        "--labels",
        str(tmp_path / "labels"),
        "--methods",
        "eq1",
        "joint",
        "--truth",
        str(truth),
    ]
    arguments += ["--templates", *(str(PACKAGE / name) for name in TEMPLATES)]
    arguments += ["--experiment", "mine", "--page", str(tmp_path / "page.html")]
    crowd_page.main(arguments)
    return (tmp_path / "page.html").read_text(encoding="utf-8"), arguments, tmp_path


def test_page_is_one_escaped_file(made):
    text, _, _ = made
    seen = Checker()
    seen.feed(text)
    tags = [tag for tag, _ in seen.tags]
    assert not {"script", "link", "iframe", "b", "i"} & set(tags)
    assert tags.count("svg") == 2 + 3
    for _, attributes in seen.tags:
        for name in ("href", "src", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png"))
    assert any(data.strip() == ODD for data in seen.text)  # in a table, and in the drawings as it is
    assert text.count("&lt;b&gt;$x_1$ &amp; ") >= 1 + 3
    assert "&lt;i&gt;A&lt;/i&gt;" in text
    assert "viewport" in text
    assert "color-scheme: light dark" in text
    assert "The picture shows" not in text
    words = " ".join(text.split())
    assert "26 annotators gave 1,100 opinions about 2 classes in 33 windows of 10 s in 3 recordings." in words
    headings = re.findall(r'<th scope="col" title="([^"]+)">', text)
    assert len(headings) > 10  # each column has its meaning on hover
    assert text.count("<th") == text.count("<thead") + len(headings)


def test_page_shows_next_questions(made):
    """Names of annotators are escaped; the picture has the scores so far, and that with the answers."""
    text, arguments, folder = made
    assert "What to ask next" not in text
    asked = {"opinions": 200, "questions": 20, "brier": 0.05, "brier_after": 0.04, "stopped": ["<i>A</i>", "B"]}
    (folder / "questions.json").write_text(json.dumps(asked))
    crowd_page.main([*arguments, "--questions", str(folder / "questions.json")])
    page = (folder / "page.html").read_text(encoding="utf-8")
    section = page[page.index('<h2 id="next">') : page.index('<h2 id="labels">')]
    for part in ("0.0500", "20 questions", "10 % more", "0.0400", "&lt;i&gt;A&lt;/i&gt;, B", "with the next questions"):
        assert part in " ".join(section.split())
    assert page.count("<svg") == 2 + 3 + 1


def test_drawings_follow_text_colour(made):
    drawings = re.findall(r"<svg.*?</svg>", made[0], re.DOTALL)
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.attrib["viewBox"].startswith("0 0 ")
        assert "currentColor" in drawing
        assert crowd_plots.INK not in drawing
    ids = [name for drawing in drawings for name in set(re.findall(r'<(?:g|text) id="([^"]+)"', drawing))]
    assert len(ids) == len(set(ids))


def test_page_repeatable(made):
    text, arguments, folder = made
    crowd_page.main([*arguments, "--page", str(folder / "again.html")])
    assert (folder / "again.html").read_text(encoding="utf-8") == text


def test_page_size_is_bounded(made, monkeypatch):
    _, arguments, folder = made
    for name, value in (("RECORDINGS", 2), ("CLASSES", 1), ("SECONDS", 8), ("ROWS", 5)):
        monkeypatch.setattr(crowd_page, name, value)
    crowd_page.main([*arguments, "--page", str(folder / "small.html")])
    text = (folder / "small.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 2 + 2
    assert " ".join(text.split()).count("The picture shows 1 of 2 classes, those on which") == 2
    assert text.count("the first 8 s") == 2
    assert "omits 21 rows" in text  # of 26 annotators
