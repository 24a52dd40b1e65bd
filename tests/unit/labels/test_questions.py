"""The files with the questions to ask next."""

import json

import numpy as np

from softsed.core.tsv import read_table
from softsed.labels import questions


def test_questions_of_a_tenth_of_the_opinions(tmp_path):
    """Three annotators about two recordings; there is no opinion about "car" in the recording b."""
    rng = np.random.default_rng(0)
    rows = [
        f"{name}\t{start}\t{start + 4}\tA{who}\t{label}\t{int(rng.uniform() < 0.3)}"
        for name, classes in (("a", ("birds", "car")), ("b", ("birds",)))
        for start in range(0, 20, 2)
        for who in range(3)
        for label in classes
    ]
    texts = {
        "opinions": "recording\tonset\toffset\tannotator\tclass\topinion\n" + "\n".join(rows),
        "recordings": "recording\tscene\tduration_s\na\tpark\t22\nb\tpark\t22",
        "classes": "class\nbirds\ncar",
        "scenes": "scene\tclass\npark\tbirds\npark\tcar",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text + "\n", encoding="utf-8")
    outputs = {"questions": "q.tsv", "annotators": "worth.tsv", "summary": "q.json"}
    options = [f"--{name}={tmp_path / name}.tsv" for name in texts]
    options += [f"--{name}={tmp_path / file}" for name, file in outputs.items()]
    questions.main([*options, "--share=0.1", "--hop=1", "--class-weight=200"])
    found = read_table(tmp_path / "q.tsv", ("recording", "class", "answered_by"))
    assert len(found) == 9  # of 90 opinions
    assert not [row for row in found if (row["recording"], row["class"]) == ("b", "car")]
    assert [row["annotator"] for row in read_table(tmp_path / "worth.tsv", ("annotator",))] != []
    summary = json.loads((tmp_path / "q.json").read_text())
    assert (summary["opinions"], summary["questions"]) == (90, 9)
    assert 0 < summary["brier_after"] < summary["brier"] < 0.25
