"""The table at the end of `make demo`. Numbers of a real report are compared in tests/workflow/test_run.py."""

import os
import subprocess
import sys

import pytest
from support.errors import refused

from softsed.tools.summary import MOST_ROWS, WIDTH, main

TABLE2 = """\
system\tthreshold\terror_rate\tf1_micro\tf1_macro\tclasses_detected\tclasses_in_reference
hard\t0.5\t0.574\t62.3405\t38.5481\t10\t11
hard\tclass-dependent\t0.589348\t57.4946\t44.9421\t11\t11
hard\tclass-dependent, all classes\t0.1\t99\t99\t17\t17
soft\t0.5\t0.517857\t67.7364\t50.0389\t10.3333\t11
soft\tclass-dependent\t0.420287\t73.4321\t70.7098\t11\t11
scene_prior\t0.5\t0.919231\t28.2677\t9.07075\t3\t11
scene_prior\tclass-dependent\t0.738612\t49.862\t65.25\t7\t11
recording_prior\t0.5\t0.587912\t61.4527\t44.1061\t8\t11
recording_prior\tclass-dependent\t0.523826\t66.2252\t60.432\t10\t11
"""
DIFFERENCES = """\
system\tagainst\tthreshold\treference\tmetric\tdifference\tlow\thigh
hard\trecording_prior\t0.5\thard\tf1_macro\t-5.55806\t-29.3535\t18.2374
hard\trecording_prior\t0.5\thard\tf1_micro\t77\t76\t78
hard\tscene_prior\t0.5\thard\tf1_macro\t29.4773\t18.4424\t40.5122
hard\tscene_prior\tclass-dependent\tsoft\tf1_macro\t-20.3079\t-31\t-9
soft\trecording_prior\t0.5\thard\tf1_macro\t5.93275\t1.5\t10.5
soft\tscene_prior\tclass-dependent\tsoft\tf1_macro\t5.4598\t\t
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results, relative to the working directory as in the Makefile."""
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "results/demo/report"
    report.mkdir(parents=True)
    (report / "table2.tsv").write_text(TABLE2)
    (report / "differences.tsv").write_text(DIFFERENCES)
    return report.parent


def shown(capsys):
    main(["results/demo"])
    return capsys.readouterr().out


def test_rows_are_those_of_the_report(results, capsys):
    """The best baseline differs between the thresholds."""
    assert shown(capsys).split("\n\n")[1].splitlines() == [
        "system           threshold          ER  F1 %  macro F1 %    detected  vs. best",
        "hard             0.5              0.57  62.3        38.5    10 of 11     -5.6",
        "soft             0.5              0.52  67.7        50.0  10.3 of 11     +5.9*",
        "recording_prior  0.5              0.59  61.5        44.1     8 of 11     best",
        "hard             class-dependent  0.59  57.5        44.9    11 of 11    -20.3*",
        "soft             class-dependent  0.42  73.4        70.7    11 of 11     +5.5",
        "scene_prior      class-dependent  0.74  49.9        65.2     7 of 11     best",
    ]


def test_paths_are_those_that_exist(results, capsys):
    assert shown(capsys).splitlines()[-1] == "report:  results/demo/report"
    for name in ("page/index.html", "labels/page.html", "report.html"):
        (results / name).parent.mkdir(exist_ok=True)
        (results / name).touch()
    assert shown(capsys).splitlines()[-3:] == [
        "results: results/demo/page/index.html",
        "crowd:   results/demo/labels/page.html",
        "report:  results/demo/report.html",
    ]


def test_size_with_many_long_names(results, capsys):
    """The systems with the highest macro F1 are kept, in the order of Table 2."""
    names = [f"{number}_{'long' * 20}" for number in range(6)]
    more = [
        f"{name}\t{at}\t10.5\t100\t{60 + place}\t100\t100"
        for place, name in enumerate(names)
        for at in ("0.5", "class-dependent")
    ]
    (results / "report/table2.tsv").write_text(TABLE2 + "\n".join(more) + "\n")
    text = shown(capsys)
    assert max(map(len, text.splitlines())) <= WIDTH
    rows = text.split("\n\n")[1].splitlines()[1:]
    assert len(rows) == MOST_ROWS
    starts = [row[:4] for row in rows]
    assert starts == ["3_lo", "4_lo", "5_lo", "reco", "soft", "4_lo", "5_lo", "scen"]


def test_names_without_unicode_terminal(results):
    """Names and paths that the terminal cannot show are escaped, and long names are shortened in ASCII."""
    results.rename(results.parent / "démo")
    name = f"café_{'long' * 20}"
    (results.parent / "démo/report/table2.tsv").write_text(f"{TABLE2}{name}\t0.5\t1\t2\t99\t3\t4\n", encoding="utf-8")
    command = [sys.executable, "-m", "softsed", "summary", "results/démo"]
    shown = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert b"...  0.5" in shown.stdout
    assert b"caf\\xe9_long" in shown.stdout
    assert b"Results of d\\xe9mo." in shown.stdout


def test_results_without_baselines_or_values(results, capsys):
    header = TABLE2.splitlines()[0]
    (results / "report/table2.tsv").write_text(f"{header}\nsoft\t0.5\t\t\t\t\t\n")
    assert shown(capsys).split("\n\n")[1].splitlines()[1].split() == ["soft", "0.5", "-", "-", "-", "-", "of", "-", "-"]


def test_folder_without_report_is_refused(results):
    (results / "report/table2.tsv").unlink()
    with refused(file="results/demo", problem="no report"):
        main(["results/demo"])
