"""Summary of a dry run. tests/workflow/test_reruns.py reads real output of Snakemake."""

import pytest
from support.errors import refused

from softsed.tools.status import causes, describe, rules

CHANGED = "Params have changed since last execution: Union of exclusive params before and now across all output: "


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Input files updated by another job: a.tsv, b.tsv", []),
        ("Missing output files: a.tsv", "not made yet"),
        ("Updated input files: b.tsv, a.tsv", "changed: a.tsv, b.tsv"),
        ("Updated input files: e, d, c, b, a", "changed: a, b, c and 2 more"),
        ("Forced execution", "forced execution"),
        (f"{CHANGED}before: 'softsed/folds.py@0123' now: 'softsed/folds.py@4567' ", "code changed: softsed/folds.py"),
        (
            f"{CHANGED}before: 'softsed/train/system.py@0','softsed/core/tsv.py@0' now: 'softsed/train/system.py@1' ",
            "code changed: softsed/core/tsv.py, softsed/train/system.py",
        ),
        (
            f"""{CHANGED}before: '{{"a": 1, "m": {{"f": 2, "g": 3}}}}' now: '{{"b": 1, "m": {{"f": 2, "g": 4}}}}' """,
            "config changed: a: 1 -> nothing, b: nothing -> 1, m.g: 3 -> 4",
        ),
        (
            f"""{CHANGED}before: 'softsed/a.py@0','{{"a": 1}}' now: 'softsed/a.py@1','{{"a": 2}}' """,
            ["code changed: softsed/a.py", "config changed: a: 1 -> 2"],
        ),
        (f"{CHANGED}before: 'my/a.tsv@0123456789ab' now: 'my/a.tsv@ba9876543210' ", "changed: my/a.tsv"),
        ("Code has changed since last execution", "the command of the rule changed"),
        (f"{CHANGED}before: 5 now: 6 ", "config changed: 5 -> 6"),
        (f"{CHANGED}before: [1, 2],'x' now: <nothing exclusive> ", "config changed: [1, 2],'x' -> <nothing exclusive>"),
    ],
)
def test_causes_of_reason(reason, words):
    assert causes(reason) == ([words] if isinstance(words, str) else words)


SHOWN = """Building DAG of jobs...
Job stats:
job      count
-----  -------
train       12
table        1
all          1
total       14

[Mon Jan  1 00:00:00 2024]
Job 1: Train
Reason: Missing output files: a.pt; Updated input files: fold1.tsv

Job 2: Train
Reason: Updated input files: fold1.tsv

Job 3: Table
Reason: Input files updated by another job: a.pt
"""


def test_describe_counts_jobs_and_causes():
    assert rules(SHOWN) == {"train": 12, "table": 1}
    lines = [line.split() for line in describe(SHOWN).splitlines()]
    assert lines[0] == ["jobs", "that", "would", "run:", "13"]
    assert ["12", "train"] in lines
    assert lines[-2:] == [["2", "changed:", "fold1.tsv"], ["1", "not", "made", "yet"]]


def test_describe_without_jobs():
    shown = "Building DAG of jobs...\nNothing to be done (all requested files are present and up to date).\n"
    assert rules(shown) == {}
    assert describe(shown) == "nothing to do: all results are up to date"


def test_describe_repeats_error_of_snakemake():
    with refused(problem="WorkflowError: there is no file 'x'"):
        describe("WorkflowError: there is no file 'x'\n")


def test_describe_repeats_remarks():
    remark = "Cannot update the records of demo: [Errno 13] Permission denied. The run continues."
    assert describe(f"{remark}\n{SHOWN}").splitlines()[:2] == [remark, "jobs that would run: 13"]
    assert describe(f"{remark}\nNothing to be done\n").splitlines() == [
        remark,
        "nothing to do: all results are up to date",
    ]


def test_describe_omits_summary_of_snakemake():
    summary = "Some jobs were triggered by provenance information, see 'reason' section in the rule displays above."
    assert describe(f"{summary}\n{SHOWN}") == describe(SHOWN)
