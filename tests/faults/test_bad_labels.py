"""Labels and opinions that are right, but unusual, go the whole way; what is left out is told apart from silence."""

import numpy as np
import pytest
import soundfile
from support.project import copy_project, snakemake
from support.tsv import read_rows

from softsed import cli
from softsed.core.errors import InputError
from softsed.core.labels import read_hard, read_soft
from softsed.labels.adopt import Problems, adopt, read_labels
from softsed.labels.adopt import main as take_over
from softsed.planning import validate


def test_one_annotator_and_a_recording_in_which_he_heard_nothing(tmp_path):
    """Labels are what he said; agreement and smaller crowds, of which there are none, are no numbers, not failures."""
    folder = copy_project(tmp_path / "project")
    lines = ["recording\tonset\toffset\tannotator\tclass\topinion"]
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
    return "\n".join(["recording\tonset\toffset\tlabel\tvalue", *lines]) + "\n"


def test_labels_that_end_before_the_audio_make_the_recording_shorter(data):
    """A soft table says of every second what was heard: after its last one nothing is known, nothing is silence."""
    (data / "soft.tsv").write_text(soft_table({"a": 2, "b": 3}))
    tables = dict.fromkeys(validate.TABLES)
    recordings, classes, asked = validate.check(
        data / "audio", data / "soft.tsv", "soft", tables, folds=0, validation=0.5
    )
    assert {name: one.duration_s for name, one in recordings.items()} == {"a": 2, "b": 3}
    found = adopt(read_labels(data / "soft.tsv", "soft", Problems()), recordings, asked, classes)
    assert [len(found[name]) for name in "ab"] == [2, 3]


def test_labels_that_go_on_after_the_audio_are_named(data, capsys):
    (data / "soft.tsv").write_text(soft_table({"a": 3, "b": 5}))
    command = ["check", "--audio", str(data / "audio"), "--soft", str(data / "soft.tsv"), "--folds", "0"]
    assert cli.main([*command, "--tables", str(data)]) == 1
    shown = capsys.readouterr().err.replace(f"{data}/", "")
    for line, second in ((8, 3), (9, 4)):
        assert f"soft.tsv, line {line}: from {second} to {second + 1} s, but the recording 'b' lasts 3.50 s" in shown
    assert not list(data.glob("[rc]*.tsv"))


def test_labels_edited_after_the_check_are_named_and_nothing_is_written(data):
    """`softsed labels.adopt` refuses labels that no longer fit the tables that the check wrote."""
    (data / "soft.tsv").write_text(soft_table({"a": 3, "b": 3}))
    labels = ["--audio", str(data / "audio"), "--soft", str(data / "soft.tsv")]
    validate.main([*labels, "--folds", "0", "--tables", str(data)])
    tables = [text for name in validate.TABLES for text in (f"--{name}", str(data / f"{name}.tsv"))]
    command = ["--kind", "soft", "--labels", str(data / "soft.tsv"), *tables, "--soft", str(data / "out.tsv")]
    before = (data / "soft.tsv").read_text()
    for change, message in (
        (before + "a\t3\t4\tcar\t0.5\n", r"soft\.tsv, line 8: 'car' at 3 s of 'a'; expected 3 s of \['car'\]"),
        (before.replace("b\t0\t1\tcar", "b\t0\t1\tbus"), r"soft\.tsv, line 5: 'bus' at 0 s of 'b'"),
        (before[: before.index("b\t")], r"no labels of \['b'\], which the table of recordings lists"),
    ):
        (data / "soft.tsv").write_text(change)
        with pytest.raises(InputError, match=message):
            take_over(command)
    assert not (data / "out.tsv").exists()
