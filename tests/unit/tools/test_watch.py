"""The display of a run. A script replaces Snakemake; tests/workflow/test_run.py has real runs."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time

import pytest
from support.snakemake_log import BEGIN, LATER, PLAN, TIMES

from softsed.tools import watch
from softsed.tools.progress import read_run

FAILURE = """\
softsed train.system: a.tsv, line 7: opinion is 2.
RuleException:
CalledProcessError in file "/home/anna/softsed/workflow/rules/train.smk", line 8:
Command 'exec  python -m softsed --log c.log train' returned non-zero exit status 1.
[Mon Jan  1 00:02:00 2024]
Error in rule train:
    message: None
    jobid: 3
    input: a.npz, b.npz
    log: results/demo/logs/train/c.log (check log file(s) for error details)
    shell:
        python -m softsed --log results/demo/logs/train/c.log train
        (command exited with non-zero exit code)
Logfile results/demo/logs/train/c.log:
======================================
2024-01-01 00:01:59,123 INFO epoch 1 of 60
2024-01-01 00:02:00,123 ERROR softsed train.system: a.tsv, line 7: opinion is 2.
======================================
A line that no version of Snakemake contains
  File "x.py", line 3
Exiting because a job execution failed. Look below for error messages
Complete log(s): /home/anna/softsed/.snakemake/log/2024.snakemake.log
WorkflowError:
At least one job did not complete successfully.
"""
START = """\
Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2024-01-01 00:00:00
  Host: vm

Building DAG of jobs...
"""
SHOWN = """\
softsed train.system: a.tsv, line 7: opinion is 2.
The command returned non-zero exit status 1.
Error in rule train:
    log: results/demo/logs/train/c.log (check log file(s) for error details)
A line that no version of Snakemake contains
  File "x.py", line 3
"""


COLUMNS = 40  # of a narrow terminal


@pytest.fixture
def start(tmp_path):
    """Start `softsed watch` with a script in place of Snakemake, as the leader of a group of processes."""

    def start(script, **streams):
        (tmp_path / "script.py").write_text(script)
        command = [sys.executable, "-m", "softsed", "watch", sys.executable, "script.py"]
        return subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **streams)

    return start


def select(text):
    messages = watch.Messages()
    return [line for each in text.splitlines() for line in messages.select(each)]


def test_routine_lines_are_hidden():
    assert select(START + PLAN + LATER) == []


def test_errors_and_unknown_lines_are_shown():
    assert select(FAILURE) == SHOWN.splitlines()


def test_word_and_number_outside_table_is_shown():
    """The table of jobs ends with its total, or with an empty line in another version of Snakemake."""
    assert select(f"{PLAN}retries 3\n") == ["retries 3"]
    assert select("Job stats:\ntrain  4\n\nretries 3\n") == ["retries 3"]


def test_log_of_cluster_job_ends_are_shown():
    """The terminal has no line of the job: the last ten lines of its log are shown."""
    lines = [f"2024-01-01 00:01:{second},123 INFO epoch {second}" for second in range(10, 30)]
    repeated = "\n".join(["Logfile results/demo/logs/train/c.log:", "=" * 80, *lines, "=" * 80])
    assert select(f"{START}{PLAN}{repeated}\n") == [
        "    last lines of results/demo/logs/train/c.log:",
        *(f"      {line}" for line in lines[-10:]),
    ]


def test_log_of_node_is_filtered():
    """The log of SLURM has the output of the Snakemake on the node, which repeats the log of the step."""
    border = "=" * len("Logfile slurm_logs/7.log:")
    repeated = f"Logfile slurm_logs/7.log:\n{border}\n{START}{PLAN}{FAILURE}{border}\nunknown\n"
    expected = [f"      {line}" for line in SHOWN.splitlines()]
    assert select(repeated) == ["    last lines of slurm_logs/7.log:", *expected, "unknown"]


def test_repeated_messages_are_shown_once():
    line = "Will exit after finishing currently running jobs (scheduler)."
    assert select(f"{line}\n{line}\nother\n{line}\n") == [line, "other", line]


def test_stages_are_described_in_the_order_of_the_flow():
    """100 s of work took 60 s. The times of the stages add up to the time of the run."""
    run = read_run(PLAN + LATER)
    lines = watch.describe(run, TIMES, BEGIN + 60, {"table": "report", "train": "train"})
    assert list(lines.values()) == [
        "train        2 of 4    jobs  about 60 s left",
        "report       0 of 1    jobs  about 6 s left",
        "total        2 of 5    jobs  about 66 s left, 60 s so far",
    ]
    lines = watch.describe(run, {"train": 50.0}, BEGIN + 60, {})
    assert "remaining time not known yet" in lines["table"]
    assert "at least 60 s left (1 job untimed)" in lines["total"]


def test_exit_status_and_errors_are_kept(start):
    run = start(f"import sys; sys.stderr.write({START + FAILURE!r}); sys.exit(3)", stderr=subprocess.PIPE, text=True)
    shown = run.communicate()[1]
    assert run.returncode == 3
    assert shown.startswith(SHOWN)
    assert "\x1b" not in shown
    assert shown.splitlines()[-2:] == [
        "The log of Snakemake is /home/anna/softsed/.snakemake/log/2024.snakemake.log.",
        "Correct the cause, then repeat the command; finished files are kept, and trainings resume from their "
        "checkpoints.",
    ]


def test_output_without_jobs_is_shown(start):
    """Such as a mistake in the config, which Snakemake reports before it has a log."""
    error = "WorkflowError in file jobs.smk:\ntrian: there is no such key.\n  and more"
    run = start(f"import sys; sys.exit({error!r})", stderr=subprocess.PIPE, text=True)
    assert run.communicate()[1].startswith(error)
    assert run.returncode == 1


def test_finished_results_are_reported(start):
    run = start("print('Nothing to be done (all requested files are present).')", stderr=subprocess.PIPE, text=True)
    assert run.communicate()[1] == "Nothing to do: all results are up to date.\n"
    assert run.returncode == 0


def test_files_have_one_line_per_finished_stage(start):
    shown = START + PLAN + LATER.replace("[Mon Jan  1 00:01:00 2024]\nJob 3", "Finished jobid: 3 (Rule: table)\nJob 4")
    run = start(f"import time; print({shown!r}, flush=True); time.sleep(3)", stderr=subprocess.PIPE, text=True)
    assert run.communicate()[1] == "table        1 of 1    jobs  done\n"


def test_terminal_lines_are_rewritten_below_messages(start):
    script = f"""import time
print({START + PLAN!r}, flush=True)
time.sleep(2.5)
print("a warning", flush=True)
print({LATER!r}, flush=True)
time.sleep(2.5)
"""
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, COLUMNS))
    run = start(script, stderr=writer, env=os.environ | {"TERM": "xterm"})
    os.close(writer)
    shown = b""
    try:
        while part := os.read(reader, 1000):
            shown += part
    except OSError:  # Linux reports the closed terminal as an error
        pass
    os.close(reader)
    assert run.wait() == 0
    frames = shown.decode().replace("\r", "").split("\x1b[J")
    lines = [[line for line in frame.removesuffix("\x1b[3F").splitlines() if line] for frame in frames if "of" in frame]
    assert [line.split()[:4] for line in lines[0]] == [
        ["train", "0", "of", "4"],
        ["table", "0", "of", "1"],
        ["total", "0", "of", "5"],
    ]
    (changed,) = [frame for frame in lines if frame[0] == "a warning"]
    assert changed[1].split()[:4] == ["train", "2", "of", "4"]
    assert all(frame.endswith("\x1b[3F") for frame in frames[-3:-1])
    assert max(map(len, lines[0])) == COLUMNS - 1  # a longer line would be wrapped


SLEEPER = """
import os, signal, sys, time
def end(number, _):
    print("Terminating processes on user request", flush=True)
    sys.exit(1)
signal.signal(signal.{name}, end)
print(os.getpid(), file=open("pid", "w"), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_end_snakemake_as_well(start, tmp_path, name):
    """Ctrl-C reaches the whole group of processes; SIGTERM only the process that is named."""
    run = start(SLEEPER.format(name=name), stderr=subprocess.PIPE, text=True)
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.02)
    if name == "SIGINT":
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.terminate()
    shown = run.communicate()[1]
    assert run.returncode == 1
    assert "Terminating processes on user request" in shown
    assert "Interrupted. Repeat the command; finished files are kept" in shown
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_dry_run_is_shown_as_it_is(tmp_path, option):
    command = [sys.executable, "-m", "softsed", "watch", "echo", "jobs", option]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"jobs {option}\n"


def test_watch_without_command_is_refused(capsys):
    with pytest.raises(SystemExit):
        watch.main([])
    assert "COMMAND is missing" in capsys.readouterr().err
