"""User-provided labels as soft labels: folders, tables, and the classes annotated in a recording."""

import numpy as np
import pytest
from support.dataset import NAMES, soft_rows
from support.tsv import SOFT, as_options, write_rows

from softsed.core.errors import Problems
from softsed.core.event_text import read_label_rows
from softsed.core.labels import read_soft
from softsed.core.metadata import Recording
from softsed.core.options import TABLES
from softsed.data import infer_tables
from softsed.labels import adopt


def matrices(data, labels, kind, tables):
    """Infer the tables of a dataset; return classes, classes per scene and label matrices."""
    problems = Problems(strict=True)
    recordings, classes, asked = infer_tables.infer_dataset(data / "audio", labels, kind, tables, problems)
    return classes, asked, adopt.adopt(read_label_rows(labels, kind, problems), recordings, asked, classes)


def test_folders_of_text(data):
    """Zeros are left out in soft text, an empty file has no events, and a part of a second counts as the second."""
    for name in ("soft", "hard"):
        (data / name).mkdir()
        for recording in NAMES:
            (data / name / f"{recording}.txt").touch()
    (data / "soft/a.txt").write_text("1\t2\tcar\t0.25\n0\t1\ttap\t1.000000031\n")
    (data / "hard/a.txt").write_text("0.5\t1.2\tcar\n2.9\t3.5\ttap\n")
    expected = {"soft": [[0, 1], [0.25, 0], [0, 0]], "hard": [[1, 0], [1, 0], [0, 1]]}
    for kind, values in expected.items():
        dataset = ["--audio", str(data / "audio"), f"--{kind}", str(data / kind)]
        infer_tables.main([*dataset, "--tables", str(data)])
        tables = as_options({name: data / f"{name}.tsv" for name in TABLES})
        adopt.main(["--kind", kind, "--labels", str(data / kind), *tables, "--soft", str(data / "out.tsv")])
        found = read_soft(data / "out.tsv", ["car", "tap"])
        np.testing.assert_array_equal(found["a"], values)
        assert all(not found[name].any() and found[name].shape == (3, 2) for name in "bcd")


def test_true_events_are_labels(data):
    """A part of a second counts as the second; other classes and events after the last whole second do not count."""
    (data / "truth").mkdir()
    for name in NAMES:
        (data / "truth" / f"{name}.tsv").write_text("onset\toffset\tlabel\tsnr_db\n")
    rows = ["0.5\t1.2\tcar\t3", "2.9\t3.5\ttap\t0", "1\t2\twind\t9", "3.2\t3.5\tcar\t3"]
    (data / "truth/a.tsv").write_text("\n".join(["onset\toffset\tlabel\tsnr_db", *rows]) + "\n")
    recordings = {name: Recording(name, "s" if name == "a" else "t", 3.6) for name in NAMES}
    asked = {"s": ["car", "tap"], "t": ["tap"]}
    found = adopt.adopt_truth(data / "truth", recordings, asked, ["car", "tap"])
    np.testing.assert_array_equal(found["a"], [[1, 0], [1, 0], [0, 1]])
    np.testing.assert_array_equal(found["b"], [[np.nan, 0]] * 3)


def test_soft_table_lists_annotated_classes(data):
    rows = [row for row in soft_rows() if not (row.startswith("b") and "tap" in row)]
    labels = write_rows(data / "soft.tsv", rows, SOFT)
    _, _, found = matrices(data, labels, "soft", dict.fromkeys(TABLES))
    assert np.isnan(found["b"][:, 1]).all()
    np.testing.assert_allclose(found["a"], [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_classes_of_the_table_are_annotated(data, kind):
    """Labels without zeros annotate all classes, also classes without a label, unless a table of scenes lists them."""
    (data / "text").mkdir()
    for name in NAMES:
        (data / f"text/{name}.txt").touch()
    (data / "text/a.txt").write_text("1\t2\tcar\t0.25\n" if kind == "soft" else "1\t2\tcar\n")
    names = ["wind", "car", "tap"]
    tables = dict.fromkeys(TABLES) | {"classes": write_rows(data / "classes.tsv", names, "class")}
    classes, asked, found = matrices(data, data / "text", kind, tables)
    assert classes == names
    assert asked == {"all": names}
    np.testing.assert_array_equal(found["a"], [[0, 0, 0], [0, 0.25 if kind == "soft" else 1, 0], [0, 0, 0]])
    assert not found["b"].any()
    scenes = [f"{name}\t{scene}" for name, scene in zip(NAMES, ("street", "street", "home", "home"), strict=True)]
    tables["recordings"] = write_rows(data / "recordings.tsv", scenes, "recording\tscene")
    rows = ["street\tcar", "street\twind", "home\ttap"]
    tables["scenes"] = write_rows(data / "scenes.tsv", rows, "scene\tclass")
    _, asked, found = matrices(data, data / "text", kind, tables)
    assert asked == {"street": ["wind", "car"], "home": ["tap"]}
    assert np.isnan(found["a"][:, 2]).all()
    assert np.isnan(found["c"][:, :2]).all()
