"""Snakemake's records of how each output was made, in one file an experiment that travels with the results.

Snakemake keeps one record an output in `.snakemake/metadata`. That folder is common to all experiments and stays behind
when results are pulled or copied; without the records nobody can tell whether results fit the code and the config.
Therefore the records of an experiment are saved beside its results, in results/EXPERIMENT/provenance.jsonl, and taken
over from there where that file came from elsewhere. The Snakefile calls `sync` before and `save` after a run. No
stage imports this module: an edit reruns nothing.
"""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.tsv import atomic_write

METADATA = Path(".snakemake/metadata")
INCOMPLETE = METADATA.with_name("incomplete")  # a file an output that a job has begun and not ended
STAMPS = Path(".snakemake/softsed")  # a file an experiment: the hash of the provenance that was last saved or restored


def provenance_of(experiment: str) -> Path:
    """Return the file of an experiment that holds its records, one a line, sorted by output."""
    return Path("results", experiment, "provenance.jsonl")


def belongs(output: object, experiment: str) -> bool:
    """Tell whether a path is one of an experiment's outputs."""
    return isinstance(output, str) and output.startswith(f"results/{experiment}/")


def record_path(output: str, folder: Path = METADATA) -> Path:
    """Return where Snakemake keeps the record of an output: its base64, cut into folders where too long for a name."""
    longest = ((os.pathconf(folder, "PC_NAME_MAX") if os.name == "posix" else 0) or 255) - 1
    name = urlsafe_b64encode(output.encode()).decode()
    *parts, last = (name[i : i + longest] for i in range(0, len(name), longest))
    return folder.joinpath(*(f"@{part}" for part in parts), last)


def unrecorded(output: str) -> bool:
    """Tell whether an output is there of which Snakemake does not know that it is whole: it will make it anew."""
    return Path(output).exists() and INCOMPLETE.is_dir() and record_path(output, INCOMPLETE).exists()


def find_records(experiment: str) -> Iterator[tuple[str, Path]]:
    """Yield output and record of everything that Snakemake made for an experiment, in no order."""
    for folder, _, names in os.walk(METADATA):
        above = Path(folder).relative_to(METADATA).parts
        for name in names:
            try:
                output = urlsafe_b64decode("".join(part.removeprefix("@") for part in (*above, name))).decode()
            except ValueError:
                continue  # not a record
            if belongs(output, experiment):
                yield output, Path(folder, name)


def stamp(experiment: str) -> None:
    """Note that records and provenance agree."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / experiment).write_text(hashlib.sha256(provenance_of(experiment).read_bytes()).hexdigest())


def save(experiment: str) -> None:
    """Write the provenance of an experiment from Snakemake's records, without any that is being written right now."""
    lines = []
    for output, path in sorted(find_records(experiment)):
        with suppress(ValueError, FileNotFoundError):
            lines.append(json.dumps({"output": output, "record": json.loads(path.read_bytes())}) + "\n")
    target, text = provenance_of(experiment), "".join(lines)
    if not target.exists() or target.read_bytes() != text.encode():
        atomic_write(target, text)
    stamp(experiment)


def restore(experiment: str) -> None:
    """Replace Snakemake's records of an experiment by those of its provenance; InputError before any change."""
    records, source = {}, provenance_of(experiment)
    for number, line in enumerate(source.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            entry = json.loads(line)
            output, records[output] = entry["output"], json.dumps(entry["record"])
        except (ValueError, KeyError, TypeError):
            output = None
        if not belongs(output, experiment):
            raise InputError(f"{source}, line {number}: expected an output of {experiment} and its record")
    for folder in (METADATA, INCOMPLETE):  # with one alone Snakemake takes them for an old format
        folder.mkdir(parents=True, exist_ok=True)
    for output, path in list(find_records(experiment)):
        if output not in records:
            path.unlink()
    for output, text in records.items():
        path = record_path(output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    stamp(experiment)


def sync(experiment: str) -> None:
    """Bring records and provenance of an experiment together, whichever is newer.

    A provenance that was not written here came with its results (`dvc pull`, `dvc checkout`, a copy) and replaces the
    records. Otherwise records that are newer than the last saving, of a run that was killed, are saved. While a run of
    the experiment is going on nothing happens: its records are its own. InputError where tables came with git alone.
    """
    locks = METADATA.with_name("locks").glob("*.lock")
    if any(belongs(line, experiment) for lock in locks for line in lock.read_text().splitlines()):
        return
    provenance, known = provenance_of(experiment), STAMPS / experiment
    digest = known.read_text() if known.exists() else None
    if provenance.exists() and hashlib.sha256(provenance.read_bytes()).hexdigest() != digest:
        restore(experiment)
    elif provenance.parent.is_dir():
        times = [path.stat().st_mtime_ns for _, path in find_records(experiment)]
        if times and max(times) >= (known.stat().st_mtime_ns if digest else 0):
            save(experiment)
        elif not times and (provenance.parent / "report").is_dir():
            missing = f"{provenance.parent}/report is there without how it was made, which `dvc pull` brings"
            raise InputError(f"{missing}: until then Snakemake judges it by times alone")
