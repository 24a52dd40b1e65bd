"""Unusual labels and opinions: one annotator, a silent recording, labels shorter or longer than the audio."""

import numpy as np
import pytest
import soundfile
from support.errors import refused
from support.project import copy_project, snakemake
from support.tsv import OPINIONS, SOFT, as_options, read_rows

from softsed import cli
from softsed.core.errors import Problems
from softsed.core.event_text import read_label_rows
from softsed.core.labels import read_hard, read_soft
from softsed.core.options import TABLES
from softsed.data import infer_tables
from softsed.labels.adopt import adopt
from softsed.labels.adopt import main as adopt_labels
from softsed.planning import validate


def test_one_annotator_and_a_silent_recording(tmp_path):
    """Labels follow the annotator. Agreement and smaller crowds do not exist and are nan, without an error."""
    folder = copy_project(tmp_path / "project")
    lines = [OPINIONS]
    for name, heard in (("a", 1), ("b", 0)):
        for onset in range(4):
            lines += [
                f"{name}\t{onset}\t{onset + 2}\tAnna \tcar\t{heard}",
                f"{name}\t{onset}\t{onset + 2}\tAnna\ttap\t0",
            ]
    (folder / "one.tsv").write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    (folder / "quick.yaml").write_text("labels: {crowd_sizes: [1], draws: 1, competence: {restarts: 1}}\n")
    own = ["--configfile", "quick.yaml", "--config", "opinions=one.tsv", "experiment=one"]
    shown = snakemake(folder, "labels", configuration=own)
    assert "Warning" not in shown
    labels = folder / "results/one/labels"
    for method in ("eq1", "majority", "joint"):
        assert [row["annotator"] for row in read_rows(labels / method / "competence.tsv")] == ["Anna"]
        hard = read_hard(labels / method / "hard.tsv", ["car", "tap"])
        assert hard == {"a": [(0, 5, "car")], "b": []}
        soft = read_soft(labels / method / "soft.tsv", ["car", "tap"])
        assert soft["b"].max() < 0.5 < soft["a"][:, 0].min()
    assert {row["alpha"] for row in read_rows(labels / "agreement.tsv")} <= {"", "nan"}
    assert (labels / "page.html").exists()


@pytest.fixture
def data(tmp_path):
    """Two recordings of 3.5 s."""
    (tmp_path / "audio").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / "audio" / f"{name}.wav", np.full(3500, 0.1), 1000)
    return tmp_path


def soft_table(seconds):
    lines = [f"{name}\t{t}\t{t + 1}\tcar\t0.5" for name in "ab" for t in range(seconds[name])]
    return "\n".join([SOFT, *lines]) + "\n"


def test_labels_shorter_than_the_audio(data):
    """A soft table covers every second. The time after its last row has unknown labels, and is cut off."""
    (data / "soft.tsv").write_text(soft_table({"a": 2, "b": 3}))
    tables = dict.fromkeys(TABLES)
    recordings, classes, asked = validate.check(
        data / "audio", data / "soft.tsv", "soft", tables, folds=0, validation=0.5
    )
    assert {name: one.duration_s for name, one in recordings.items()} == {"a": 2, "b": 3}
    found = adopt(read_label_rows(data / "soft.tsv", "soft", Problems(strict=True)), recordings, asked, classes)
    assert [len(found[name]) for name in "ab"] == [2, 3]


def test_labels_longer_than_the_audio(data, capsys):
    (data / "soft.tsv").write_text(soft_table({"a": 3, "b": 5}))
    command = ["check", "--audio", str(data / "audio"), "--soft", str(data / "soft.tsv"), "--folds", "0"]
    assert cli.main([*command, "--tables", str(data)]) == 1
    shown = capsys.readouterr().err.replace(f"{data}/", "")
    assert "soft.tsv: 1 of 8 labels starts after the last whole second" in shown
    assert "line 8: only 0 to 3 s count of 'b', which lasts 3.50 s" in shown
    assert "soft.tsv, line 9: the row lasts from 4 to 5 s, but the recording 'b' lasts 3.50 s" in shown
    assert not list(data.glob("[rc]*.tsv"))


def test_labels_edited_after_the_check(data):
    """`softsed labels.adopt` refuses labels that no longer fit the inferred tables, and writes nothing."""
    (data / "soft.tsv").write_text(soft_table({"a": 3, "b": 3}))
    labels = ["--audio", str(data / "audio"), "--soft", str(data / "soft.tsv")]
    infer_tables.main([*labels, "--tables", str(data)])
    tables = as_options({name: data / f"{name}.tsv" for name in TABLES})
    command = ["--kind", "soft", "--labels", str(data / "soft.tsv"), *tables, "--soft", str(data / "out.tsv")]
    before = (data / "soft.tsv").read_text()
    for change, line, problem in (
        (before + "a\t4\t5\tcar\t0.5\n", 8, "'car' at 4 s of recording 'a'"),
        (before.replace("b\t0\t1\tcar", "b\t0\t1\tbus"), 5, "'bus' at 0 s of recording 'b'"),
        (before[: before.index("b\t")], None, "['b']"),
    ):
        (data / "soft.tsv").write_text(change)
        with refused(file="soft.tsv", line=line, problem=problem):
            adopt_labels(command)
    assert not (data / "out.tsv").exists()
