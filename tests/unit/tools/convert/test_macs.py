"""Tags and competences in the layout of MACS."""

import pytest
from support.errors import refused
from support.tsv import read_answers

from softsed.tools.convert import command
from softsed.tools.convert.macs import read_competences, read_macs

MACS = """\
files:
- filename: airport-lisbon-1000-40000-a.wav
  annotations:
  - annotator_id: 017
    sentence: 'People talk: a suitcase rolls by'
    tags:
    - adults_talking
    - footsteps
  - annotator_id: 8
    sentence: No sound
    tags: []
- filename: park-vienna-97-2824-a.wav
  annotations:
  - annotator_id: 8
    sentence: Birds
    tags: [birds_singing]
"""
CLASSES = ["adults_talking", "birds_singing", "footsteps"]


@pytest.fixture
def write(tmp_path):
    def write(text, name="MACS.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def convert(path, *options):
    output = path.with_name("opinions.tsv")
    command.main(["macs", "--annotations", str(path), "--opinions", str(output), *options])
    return read_answers(output.read_text(encoding="utf-8").splitlines())


def answers(clip, who, *ticked):
    return {(clip, 0, 10, who, name): int(name in ticked) for name in CLASSES}


def test_each_annotator_answers_about_all_tags(write):
    """A tag that an annotator did not select is an opinion 0."""
    expected = answers("airport-lisbon-1000-40000-a", "017", "adults_talking", "footsteps")
    expected |= answers("airport-lisbon-1000-40000-a", "8") | answers("park-vienna-97-2824-a", "8", "birds_singing")
    path = write(MACS)
    assert convert(path) == expected
    path.write_text(MACS.replace("tags: []", "tags:"), encoding="utf-8")
    assert convert(path) == expected


def test_scalars_of_yaml_are_text(write):
    """In YAML 1.1, 017 is the number 15 and ``no`` is false."""
    found = convert(write(MACS.replace("[birds_singing]", "[no]")))
    assert found["airport-lisbon-1000-40000-a", 0, 10, "017", "no"] == 0
    assert found["park-vienna-97-2824-a", 0, 10, "8", "no"] == 1


def test_hard_labels_are_those_of_the_majority(write):
    more = "  - annotator_id: 9\n    sentence: Steps\n    tags:\n    - footsteps\n"
    path = write(MACS.replace("- filename: park", f"{more}- filename: park"))
    hard = path.with_name("hard")
    convert(path, "--hard", str(hard))
    assert {file.stem: file.read_text() for file in hard.iterdir()} == {
        "airport-lisbon-1000-40000-a": "0\t10\tfootsteps\n",
        "park-vienna-97-2824-a": "0\t10\tbirds_singing\n",
    }


def test_annotation_without_annotator_needs_a_name(write):
    path = write(MACS.replace("  - annotator_id: 017\n    sentence", "  - sentence"))
    with refused(file="MACS.yaml", key="airport-lisbon-1000-40000-a.wav, annotation 1", problem="no annotator"):
        convert(path)
    assert convert(path, "--annotator", "ann")["airport-lisbon-1000-40000-a", 0, 10, "ann", "footsteps"] == 1


def test_repeated_annotation_is_counted_and_not_used(write, caplog):
    again = "  - annotator_id: 017\n    sentence: Music\n    tags: [birds_singing]\n"
    path = write(MACS.replace("- filename: park", f"{again}- filename: park"))
    assert convert(path) == convert(write(MACS, "once.yaml"))
    assert "1 annotation repeats clip and annotator, such as 'airport-lisbon-1000-40000-a' and '017'" in caplog.text


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("files:", "clips:"), {"problem": "no list 'files'"}),
        ((MACS, "- 1\n"), {"problem": "no list 'files'"}),
        (("    tags: []", "   tags: []"), {"line": 11, "problem": "YAML"}),
        (("sentence: 'People", "sentence: People"), {"line": 5, "problem": "YAML"}),
        ((MACS, f"files: {'[' * 5000}{']' * 5000}"), {"problem": "YAML"}),
        (("filename: airport-lisbon-1000-40000-a.wav", "file: x"), {"key": "file 1", "problem": "'file': 'x'"}),
        (("    tags: [birds_singing]\n", ""), {"key": "park-vienna-97-2824-a.wav, annotation 1"}),
        (("[birds_singing]", "birds_singing"), {"key": "park-vienna-97-2824-a.wav, annotation 1"}),
        (("[birds_singing]", "[{a: b}]"), {"key": "park-vienna-97-2824-a.wav, annotation 1", "problem": "'a': 'b'"}),
        (("[birds_singing]", "['']"), {"key": "park-vienna-97-2824-a.wav, annotation 1", "problem": "a tag is empty"}),
        (("[birds_singing]", "[Footsteps]"), {"problem": ("'Footsteps'", "'footsteps'")}),
        (("park-vienna-97-2824-a.wav", "airport-lisbon-1000-40000-a"), {"problem": "airport-lisbon-1000-40000-a.wav"}),
    ],
)
def test_errors_of_macs(write, change, parts):
    path = write(MACS.replace(*change))
    with refused(file="MACS.yaml", **parts):
        convert(path)
    assert not path.with_name("opinions.tsv").exists()


def test_all_problems_of_macs_are_reported_together(write):
    path = write(MACS.replace("tags: []", "tags: none").replace("[birds_singing]", "none"))
    assert len(read_macs(path, None).problems) == 2
    with refused(golden=False, problem="2 problems in"):
        convert(path)


@pytest.mark.parametrize("header", ["annotator_id\tcompetence\n", "id\tcompetence\n", "ID\tCompetence\n", ""])
@pytest.mark.parametrize("separator", ["\t", ","])
def test_competences_with_and_without_header(write, header, separator):
    path = write(f"{header}017\t0.25\n8\t1\n".replace("\t", separator), "MACS_competence.csv")
    assert read_competences(path) == {"017": 0.25, "8": 1}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("id\tcompetence\n7\t1.5\n", 2, "'1.5'"),
        ("7\t0.5\n8\t-0.1\n", 2, "'-0.1'"),
        ("7\t0.5\n8\thigh\n", 2, "'high'"),
        ("7\thigh\n8\t0.5\n", 1, "'high'"),
        ("7\tnan\n", 1, "'nan'"),
        ("7\t0.5\n8\t0.5\n7\t0.6\n", 3, "'7' is listed twice"),
        ("7\t0.5\n\t0.6\n", 2, "no annotator"),
        ("7\t0.5\t3\n", 1, "3 tab-separated fields"),
        ("id\tcompetence\n", None, "no annotators"),
        ("", None, "no annotators"),
    ],
)
def test_errors_of_competences(write, text, line, problem):
    with refused(file="MACS_competence.csv", line=line, problem=problem):
        read_competences(write(text, "MACS_competence.csv"))
