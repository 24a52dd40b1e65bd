"""Snakemake's records in one file: with Snakemake's names and without losses. The newer side replaces the other."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence
from support.errors import refused

from softsed.planning import records

PROVENANCE = Path("results/demo/provenance.jsonl")
LONG = "results/demo/models/" + "x" * 200 + "/ü/" + "y" * 200 + ".pt"  # Snakemake cuts the name of its record
METADATA = Path(".snakemake/metadata")
OUTPUTS = ["results/demo/labels/eq1/soft/a.txt", "results/demo/models/S/run1/fold1.pt", LONG]


@pytest.fixture
def persistence(tmp_path, monkeypatch):
    """Snakemake's own records in an empty folder, and a folder of results."""
    monkeypatch.chdir(tmp_path)
    PROVENANCE.parent.mkdir(parents=True)
    return FilePersistence(path=tmp_path / ".snakemake")


def write(persistence, output, content):
    """Make an output and its record."""
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).touch()
    persistence._io_write(persistence._metadata_path, {"rule": content, "params": ["ä", 1.5, None]}, output)


def rule(persistence, output):
    return persistence._io_read(persistence._metadata_path, output).get("rule")


def files():
    return {path: path.read_bytes() for path in METADATA.rglob("*") if path.is_file()}


def age(seconds):
    """Make all existing files older."""
    for path in Path().rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_find_records_of_files_and_provenance(persistence):
    for output in OUTPUTS:
        write(persistence, output, "made")
    write(persistence, "results/demo/logs/train.log", "no output")
    expected = {output: records.record_path(persistence, output) for output in OUTPUTS}
    assert records.find_records(persistence, "demo") == expected
    records.save("demo")
    Path(LONG).unlink()  # as after a pull of some results only
    assert records.find_records(persistence, "demo") == expected
    assert len(expected[LONG].parts) > 3


def test_is_incomplete_without_a_record(persistence):
    output = "results/demo/labels/eq1/hard.tsv"
    Path(output).parent.mkdir(parents=True)
    persistence._mark_incomplete(output, None)
    assert not records.is_incomplete(output)
    Path(output).touch()
    assert records.is_incomplete(output)
    persistence._unmark_incomplete(output)
    assert not records.is_incomplete(output)


def test_save_writes_sorted_records(persistence):
    for output in [*reversed(OUTPUTS), "results/demo2/labels/a.txt", "results/maestro_real/labels/a.txt", "demo.txt"]:
        write(persistence, output, "made")
    records.save("demo")
    lines = [json.loads(line) for line in PROVENANCE.read_text().splitlines()]
    assert [line["output"] for line in lines] == sorted(OUTPUTS)
    assert all(line["record"] == {"rule": "made", "params": ["ä", 1.5, None]} for line in lines)
    assert [path.name for path in PROVENANCE.parent.iterdir() if path.is_file()] == [PROVENANCE.name]


def test_restore_writes_equal_bytes(persistence):
    for output in OUTPUTS:
        write(persistence, output, "made")
    before = files()
    records.save("demo")
    persistence._delete_record(OUTPUTS[0])
    write(persistence, OUTPUTS[1], "made otherwise")
    write(persistence, "results/demo/models/gone.pt", "of other results")
    records.restore("demo")
    assert files() == before


def test_sync_replaces_records_of_the_experiment(persistence):
    write(persistence, OUTPUTS[0], "elsewhere")
    records.save("demo")
    write(persistence, OUTPUTS[0], "here")
    write(persistence, OUTPUTS[1], "here")
    write(persistence, "results/maestro_real/a.txt", "here")
    came = PROVENANCE.read_text()
    records.save("demo")
    PROVENANCE.write_text(came)
    records.sync("demo")
    assert rule(persistence, OUTPUTS[0]) == "elsewhere"
    assert rule(persistence, OUTPUTS[1]) is None
    assert rule(persistence, "results/maestro_real/a.txt") == "here"
    assert PROVENANCE.read_text() == came


def test_sync_restores_all_records_in_a_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PROVENANCE.parent.mkdir(parents=True)
    PROVENANCE.write_text("".join(json.dumps({"output": name, "record": {"rule": "made"}}) + "\n" for name in OUTPUTS))
    records.sync("demo")
    monkeypatch.setattr(FilePersistence, "migrate_v1_to_v2", lambda self: pytest.fail("taken for an old format"))
    persistence = FilePersistence(path=tmp_path / ".snakemake")
    assert [rule(persistence, output) for output in OUTPUTS] == ["made"] * 3


def test_sync_saves_records_of_a_killed_run(persistence):
    write(persistence, OUTPUTS[0], "made")
    records.sync("demo")  # never saved before
    assert OUTPUTS[0] in PROVENANCE.read_text()
    age(10)
    write(persistence, OUTPUTS[1], "made, then killed")
    records.sync("demo")
    assert "made, then killed" in PROVENANCE.read_text()
    assert rule(persistence, OUTPUTS[1]) == "made, then killed"


@pytest.mark.parametrize("seconds", [0, 10])
def test_sync_without_changes_writes_nothing(persistence, seconds):
    write(persistence, OUTPUTS[0], "made")
    records.save("demo")
    age(seconds)
    before = (PROVENANCE.stat().st_mtime_ns, PROVENANCE.stat().st_ino, files())
    records.sync("demo")
    records.save("demo")
    assert (PROVENANCE.stat().st_mtime_ns, PROVENANCE.stat().st_ino, files()) == before


def test_sync_writes_a_lost_provenance_again(persistence):
    write(persistence, OUTPUTS[0], "made")
    records.save("demo")
    age(10)
    PROVENANCE.unlink()
    write(persistence, OUTPUTS[1], "made")
    records.sync("demo")
    assert len(PROVENANCE.read_text().splitlines()) == 2
    PROVENANCE.unlink()
    shutil.rmtree(PROVENANCE.parent)
    records.sync("demo")
    assert not PROVENANCE.parent.exists()
    assert rule(persistence, OUTPUTS[0]) == "made"


def test_sync_during_a_run_changes_nothing(persistence):
    write(persistence, OUTPUTS[0], "before")
    records.save("demo")
    PROVENANCE.write_text("")  # another provenance has arrived
    persistence._write_locks("output", ["results/maestro_real/a.txt"])  # a run of another experiment does not matter
    records.sync("demo")
    assert rule(persistence, OUTPUTS[0]) is None
    write(persistence, OUTPUTS[0], "in this run")
    PROVENANCE.write_text("\n")
    persistence._write_locks("output", [OUTPUTS[0]])
    records.sync("demo")
    assert rule(persistence, OUTPUTS[0]) == "in this run"


def test_save_leaves_out_incomplete_records(persistence):
    write(persistence, OUTPUTS[0], "made")
    write(persistence, OUTPUTS[1], "made")
    records.record_path(persistence, OUTPUTS[1]).write_text('{"rule": "ma')
    (METADATA / "no record").write_text("")
    records.save("demo")
    assert [json.loads(line)["output"] for line in PROVENANCE.read_text().splitlines()] == [OUTPUTS[0]]


@pytest.mark.parametrize(
    "line",
    [
        '{"output": "results/demo/a", "rec',  # cut off
        '{"output": "results/demo/a"}',
        '{"output": "results/maestro_real/a", "record": {}}',
        '{"output": null, "record": {}}',
        "[]",
        "<<<<<<< HEAD",
    ],
)
def test_restore_refuses_lines_without_a_record(persistence, line):
    write(persistence, OUTPUTS[0], "made")
    before = files()
    PROVENANCE.write_text(json.dumps({"output": OUTPUTS[1], "record": {}}) + "\n" + line + "\n")
    with refused(file="results/demo/provenance.jsonl", line=2, expected="an output of demo and its record"):
        records.sync("demo")
    assert files() == before


def test_sync_refuses_tables_without_records(persistence):
    records.sync("demo")
    (PROVENANCE.parent / "report").mkdir()
    with refused(problem="results/demo/report", remedy="Run `dvc pull`, which brings the records"):
        records.sync("demo")
    write(persistence, OUTPUTS[0], "made")
    records.sync("demo")


def test_restore_refuses_a_binary_provenance(persistence):
    PROVENANCE.write_bytes(b"\xff\xfe\x00")
    with refused(file="results/demo/provenance.jsonl", line=1):
        records.sync("demo")
