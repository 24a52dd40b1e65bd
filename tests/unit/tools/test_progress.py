"""Progress of a run. tests/workflow/test_run.py reads real logs of Snakemake."""

import pytest
from support.errors import refused
from support.snakemake_log import BEGIN, LATER, PLAN, TIMES

from softsed.tools.progress import describe, format_duration, main, read_run, remaining, seconds_per_job


def test_read_run_of_unfinished_log():
    run = read_run(PLAN + LATER)
    assert run.planned == {"train": 4, "table": 1}
    assert run.results == "results/demo"
    assert run.finished == {"1": "train", "2": "train"}
    assert run.running == {"3": ("train", "Train the third", BEGIN + 60)}
    assert (run.first, run.last, run.failed, run.ended) == (BEGIN, BEGIN + 60, 0, False)


def test_remaining_at_pace_so_far():
    """Two parallel trainings of 50 s took 60 s: 100 s of work per minute. 2 * 50 + 10 s of work remain."""
    assert remaining(read_run(PLAN + LATER), TIMES, BEGIN + 60) == pytest.approx(110 * 60 / 100)


def test_remaining_of_running_job():
    """After another 30 s, 30 s of the third training are done: 130 s of work in 90 s, and 80 s remain."""
    assert remaining(read_run(PLAN + LATER), TIMES, BEGIN + 90) == pytest.approx(80 * 90 / 130)


def test_remaining_counts_long_jobs_once():
    assert remaining(read_run(PLAN + LATER), TIMES, BEGIN + 260) == pytest.approx(60 * 260 / 150)


def test_remaining_without_finished_job():
    run = read_run(PLAN)
    assert remaining(run, {}, BEGIN + 30) is None
    assert "the remaining time is not known yet" in describe(run, {}, BEGIN + 30)


def test_describe_unfinished_run():
    shown = describe(read_run(PLAN + LATER), TIMES, BEGIN + 70)
    assert shown.splitlines() == [
        "2 of 5 jobs done in 70 s; about 64 s left. The log was last written 10 s ago.",
        "  now: Train the third (10 s)",
        "      2 left  train (50.0 s each)",
        "      1 left  table (10.0 s each)",
    ]


def test_describe_names_rules_without_times():
    shown = describe(read_run(PLAN + LATER), {"train": 50.0}, BEGIN + 60)
    assert "at least 60 s left" in shown
    assert "table (no job measured yet: not in the estimate)" in shown


def test_read_run_ignores_repeated_logs():
    failed = """[Mon Jan  1 00:02:00 2024]
Error in rule train:
Logfile results/demo/logs/train/c.log:
================================================================================
Finished jobid: 77 (Rule: train)
Error in rule train:
================================================================================
Complete log(s): somewhere
"""
    run = read_run(PLAN + LATER + failed)
    assert (run.failed, len(run.finished), run.ended) == (1, 2, True)
    assert (
        describe(run, TIMES, BEGIN + 9999) == "2 of 5 jobs done in 2 min, 1 failed; the run has ended, 3 jobs are left"
    )


def test_read_run_counts_failures_without_log():
    """Snakemake repeats no log of a job that was killed before it wrote one."""
    failed = """Error in rule train:
Logfile results/demo/logs/train/b.log not found.
Error in rule train:
Logfile results/demo/logs/train/c.log:
======================================
epoch 1 of 60
======================================
"""
    assert read_run(PLAN + LATER + failed).failed == 2


def test_remaining_of_groups_adds_up():
    """After another 30 s, 2 * 50 - 30 s of work remain for the trainings, and 130 s of work took 90 s."""
    run = read_run(PLAN + LATER)
    train, table = (remaining(run, TIMES, BEGIN + 90, [rule]) for rule in ("train", "table"))
    assert train == pytest.approx(70 * 90 / 130)
    assert train + table == pytest.approx(remaining(run, TIMES, BEGIN + 90))


def test_read_run_ends_failed_jobs():
    failed = """[Mon Jan  1 00:02:00 2024]
Error in rule train:
    message: None
    jobid: 3
    output: c.pt
[Mon Jan  1 00:02:00 2024]
Job 4: Train the fourth
Shell command: python -m softsed --log results/demo/logs/train/d.log train
"""
    shown = describe(read_run(PLAN + LATER + failed), TIMES, BEGIN + 130)
    assert "2 of 5 jobs done in 2 min, 1 failed; " in shown
    assert [line for line in shown.splitlines() if "now:" in line] == ["  now: Train the fourth (10 s)"]
    assert "2 left  train" in shown


def test_read_run_without_jobs():
    assert read_run("Building DAG of jobs...\nNothing to be done (all requested files are present).\n") is None


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 s"), (99, "99 s"), (120, "2 min"), (7300, "2 h 2 min")])
def test_format_duration_units(seconds, words):
    assert format_duration(seconds) == words


def test_main_reads_newest_run(tmp_path, capsys):
    logs, benchmarks = tmp_path / ".snakemake/log", tmp_path / "results/demo/benchmarks"
    for folder in (logs, benchmarks / "train"):
        folder.mkdir(parents=True)
    (logs / "2024-01-01T000000.0.snakemake.log").write_text(PLAN + LATER)
    (logs / "2024-01-02T000000.0.snakemake.log").write_text("Nothing to be done\n")
    for name, seconds in (("train/a", 40), ("train/b", 60), ("table", 10)):
        (benchmarks / f"{name}.tsv").write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
    assert seconds_per_job(benchmarks, ["train", "table", "other"]) == TIMES
    main(["--folder", str(tmp_path)])
    assert "2 of 5 jobs done" in (shown := capsys.readouterr().out)
    assert "train (50.0 s each)" in shown


def test_main_refuses_folder_without_run(tmp_path):
    with refused(file=".snakemake/log", problem="no log of a run"):
        main(["--folder", str(tmp_path)])


def test_seconds_per_job_ignores_partial_files(tmp_path):
    (tmp_path / "train").mkdir()
    for name, text in {"a": "s\th\n4.5\t0\n", "b": "s\th\n", "c": "", "d": "s\th\nNA\tNA\n"}.items():
        (tmp_path / f"train/{name}.tsv").write_text(text)
    (tmp_path / "table.tsv").write_text("s\th\n")
    assert seconds_per_job(tmp_path, ["train", "table", "never"]) == {"train": 4.5}
