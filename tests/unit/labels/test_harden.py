"""The steps that adopt published labels and make hard labels."""

import numpy as np
from support.errors import refused

from softsed.core.labels import Event, read_hard, read_soft, write_soft
from softsed.labels import adopt, harden

CLASSES = ["birds_singing", "door opens/closes", "people talking"]


def tables(tmp_path):
    texts = {
        "recordings": "recording\tscene\tduration_s\nr1\tpark\t3.9\nr2\tpark\t2.0\n",
        "classes": "class\n" + "".join(f"{name}\n" for name in CLASSES),
        "scenes": "scene\tclass\npark\tbirds_singing\npark\tpeople talking\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    (tmp_path / "published").mkdir()
    return {name: str(tmp_path / f"{name}.tsv") for name in texts}


def test_commands_adopt_and_harden_published_labels(tmp_path):
    table = tables(tmp_path)
    (tmp_path / "published/r1.txt").write_text("1\t2\tpeople talking\t0.75\n2\t3\tpeople talking\t0.6\n", "utf-8")
    (tmp_path / "published/r2.txt").touch()
    soft, hard, thresholds = (tmp_path / "out" / f"{name}.tsv" for name in ("soft", "hard", "thresholds"))
    common = ["--recordings", table["recordings"], "--classes", table["classes"], "--soft", str(soft)]
    adopt.main(["--kind", "published", *common, "--scenes", table["scenes"], "--labels", str(tmp_path / "published")])
    found = read_soft(soft, CLASSES)
    np.testing.assert_array_equal(found["r1"], [[0, np.nan, 0], [0, np.nan, 0.75], [0, np.nan, 0.6]])
    np.testing.assert_array_equal(found["r2"], [[0, np.nan, 0]] * 2)
    options = [*common, "--hard", str(hard), "--thresholds", str(thresholds)]
    harden.main([*options, "--threshold", "0.5"])
    assert read_hard(hard, CLASSES) == {"r1": [Event(1, 3, "people talking")], "r2": []}
    assert thresholds.read_text("utf-8") == "class\tthreshold\n" + "".join(f"{name}\t0.5\n" for name in CLASSES)
    with refused(key="--threshold", problem="'half'", expected="a number or 'expected_f1'"):
        harden.main([*options, "--threshold", "half"])
    write_soft(soft, {"r1": np.zeros((3, 3)), "r2": np.zeros((1, 3))}, CLASSES)
    with refused(file="soft.tsv", problem=["'r2'", "1 s"]) as caught:
        harden.main([*options, "--threshold", "0.5"])
    assert caught.value.expected.startswith("2 s as in ")


def test_command_with_expected_f1_by_hand(tmp_path):
    """People: .9, .6, 0 and .1, .4, mass 2. Two active give F = 3 / 4, three 3.8 / 5 = .76, four 4 / 6: t = .38."""
    table = tables(tmp_path)
    soft = {
        "r1": np.array([[0, np.nan, 0.9], [0, np.nan, 0.6], [0, np.nan, 0]]),
        "r2": np.array([[0, np.nan, 0.1], [0, np.nan, 0.4]]),
    }
    write_soft(tmp_path / "soft.tsv", soft, CLASSES)
    harden.main(
        [
            *("--recordings", table["recordings"], "--classes", table["classes"]),
            *("--soft", str(tmp_path / "soft.tsv"), "--hard", str(tmp_path / "hard.tsv")),
            *("--threshold", "expected_f1", "--thresholds", str(tmp_path / "thresholds.tsv")),
        ]
    )
    found = (tmp_path / "thresholds.tsv").read_text(encoding="utf-8")
    assert found == "class\tthreshold\nbirds_singing\t1\ndoor opens/closes\t1\npeople talking\t0.38\n"
    heard = {"r1": [Event(0, 2, "people talking")], "r2": [Event(1, 2, "people talking")]}
    assert read_hard(tmp_path / "hard.tsv", CLASSES) == heard
