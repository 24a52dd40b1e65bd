"""Snakemake's records of how each output was made, in one file per experiment that travels with the results.

Snakemake keeps one record per output in `.snakemake/metadata`. All experiments share that folder, and it stays behind
when results are pulled or copied. Without records, Snakemake cannot check whether results agree with the code and the
config. Therefore the records of an experiment are saved beside its results, in results/EXPERIMENT/provenance.jsonl, and
restored from this file if the results come from another place. The Snakefile calls `sync` before and `save` after a
run. No step imports this module, so that an edit reruns nothing.

This is a workaround for Snakemake 9.27.1 (https://github.com/snakemake/snakemake/issues/2977): delete this module when
Snakemake itself can share records. `FilePersistence` reads, writes and names the records; none of its methods lists
them, so that records are looked up for the files of the experiment and for the outputs in its provenance.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from snakemake.persistence.file import FilePersistence

from softsed.core.errors import InputError
from softsed.core.tsv import atomic_write

SNAKEMAKE = Path(".snakemake")
STAMPS = SNAKEMAKE / "softsed"  # one file per experiment: hash of the provenance that was last saved or restored
UNRECORDED = {"logs", "benchmarks"}  # folders of an experiment without outputs


def provenance_of(experiment: str) -> Path:
    """Return the file of an experiment that holds its records, one per line, sorted by output."""
    return Path("results", experiment, "provenance.jsonl")


def belongs(output: object, experiment: str) -> bool:
    """Report whether a path is an output of an experiment."""
    return isinstance(output, str) and output.startswith(f"results/{experiment}/")


def open_records() -> FilePersistence:
    """Return Snakemake's own access to the records, and create their folders."""
    return FilePersistence(path=SNAKEMAKE)


def record_path(records: FilePersistence, output: str) -> Path:
    """Return the file where Snakemake keeps the record of an output."""
    return Path(records._record_path(records._metadata_path, output))


def is_incomplete(output: str) -> bool:
    """Report whether an output exists that Snakemake has not recorded as complete, and will therefore make again."""
    if not (Path(output).exists() and (SNAKEMAKE / "incomplete").is_dir()):
        return False
    return bool(open_records()._filter_incomplete_keys([output]))


def find_records(records: FilePersistence, experiment: str) -> dict[str, Path]:
    """Find the records of an experiment: those of its files, and those of the outputs in its provenance.

    Returns
    -------
    dict of Path
        Output to the file of its record.
    """
    provenance = provenance_of(experiment)
    outputs: set[str] = set()
    for folder, names, files in os.walk(provenance.parent):
        if Path(folder) == provenance.parent:
            names[:] = [name for name in names if name not in UNRECORDED]
        outputs.update(f"{folder}/{name}" for name in files)
    if provenance.exists():
        for line in provenance.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                outputs.add(json.loads(line)["output"])
    paths = {output: record_path(records, output) for output in outputs if belongs(output, experiment)}
    return {output: path for output, path in paths.items() if path.exists()}


def stamp(experiment: str) -> None:
    """Note that records and provenance agree."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / experiment).write_text(hashlib.sha256(provenance_of(experiment).read_bytes()).hexdigest())


def save(experiment: str) -> None:
    """Write the provenance of an experiment from Snakemake's records, without records that are being written."""
    lines = []
    for output, path in sorted(find_records(open_records(), experiment).items()):
        with suppress(ValueError, FileNotFoundError):
            lines.append(json.dumps({"output": output, "record": json.loads(path.read_bytes())}) + "\n")
    target, text = provenance_of(experiment), "".join(lines)
    if not target.exists() or target.read_bytes() != text.encode():
        atomic_write(target, text)
    stamp(experiment)


def restore(experiment: str) -> None:
    """Replace Snakemake's records of an experiment by those of its provenance.

    Raises
    ------
    InputError
        Before any change, with the line of the provenance that is not an output of the experiment and its record.
    """
    restored, source = {}, provenance_of(experiment)
    for number, line in enumerate(source.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            entry = json.loads(line)
            output, restored[output] = entry["output"], entry["record"]
        except (ValueError, KeyError, TypeError):
            output = None
        if not belongs(output, experiment):
            remedy = "Delete the file, or bring it back with `dvc checkout`"
            expected = f"an output of {experiment} and its record"
            raise InputError("the line is not a record", file=source, line=number, expected=expected, remedy=remedy)
    records = open_records()
    for output, path in find_records(records, experiment).items():
        if output not in restored:
            path.unlink()
    for output, record in restored.items():
        records._io_write(records._metadata_path, record, output)
    stamp(experiment)


def sync(experiment: str) -> None:
    """Bring records and provenance of an experiment together, whichever is newer.

    A provenance that was not written here came with its results (`dvc pull`, `dvc checkout`, a copy) and replaces the
    records. Otherwise records that are newer than the last saving, of a run that was killed, are saved. Nothing happens
    during a run of the experiment, which writes its own records.

    Raises
    ------
    InputError
        If the tables of the report came with git but without their records.
    """
    provenance, known = provenance_of(experiment), STAMPS / experiment
    if not provenance.parent.is_dir():
        return
    records = open_records()
    if any(belongs(output, experiment) for _, output in records._read_locks()):
        return
    digest = known.read_text() if known.exists() else None
    if provenance.exists() and hashlib.sha256(provenance.read_bytes()).hexdigest() != digest:
        restore(experiment)
        return
    times = [path.stat().st_mtime_ns for path in find_records(records, experiment).values()]
    if times and max(times) >= (known.stat().st_mtime_ns if digest else 0):
        save(experiment)
    elif not times and (provenance.parent / "report").is_dir():
        problem = (
            f"{provenance.parent}/report exists, but its records (provenance.jsonl) are missing. "
            "Snakemake then compares only time stamps"
        )
        raise InputError(problem, remedy="Run `dvc pull`, which brings the records")
