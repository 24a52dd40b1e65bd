"""Stages of the rules, read from the rule files of the workflow."""

from softsed.tools.stages import STAGES, read_stages


def test_every_rule_has_a_stage():
    stages = read_stages()
    assert set(stages.values()) == set(STAGES)
    assert stages["make_crowd_page"] == "labels"
    assert stages["build_page"] == stages["draw_figure"] == "report"
