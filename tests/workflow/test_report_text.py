"""The first page of Snakemake's report: it names only pages that the experiment has."""

import jinja2
import pytest
from support.config import DEMO, OPINIONS, OWN, STUDY, merged
from support.project import ROOT

TRIALS = "data: {demo: {crowd: {annotators: 30}}}"


def render(*changes):
    text = (ROOT / "workflow/report/workflow.rst").read_text(encoding="utf-8")
    snakemake = type("Snakemake", (), {"config": merged(*changes)})
    return " ".join(jinja2.Template(text).render(snakemake=snakemake, categories={}, files=[]).split())


@pytest.mark.parametrize(
    ("changes", "results", "crowd", "simulated"),
    [
        ([], True, False, False),
        ([TRIALS], True, False, False),
        ([DEMO], True, True, True),
        ([OWN, "{audio: folder, soft: soft.tsv}", TRIALS], True, False, False),
        ([OWN, "{audio: folder, opinions: opinions.tsv}"], True, True, False),
        ([OPINIONS, "opinions: opinions.tsv"], False, True, False),
    ],
)
def test_report_names_existing_pages(changes, results, crowd, simulated):
    text = render(*changes)
    assert ("Results page" in text) == ("scene_prior" in text) == ("converged" in text) == results
    assert ("Crowd page" in text) == crowd
    assert ("simulated" in text) == simulated


def test_number_of_trainings_has_its_noun():
    assert "with 1 training per system and fold" in render(DEMO)
    assert "with 3 trainings per system and fold" in render(DEMO, STUDY)
