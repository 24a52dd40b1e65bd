"""Manifest of the embeddings: the checked file of each recording with its hash, the hop and the dimensions.

This step reads each file once, before any training. The manifest changes exactly when a file changes.
"""

import argparse
import json
import logging
from collections import Counter
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import Recording, read_recordings
from softsed.core.options import add_options, build_parser
from softsed.features.embeddings import check_array, file_sha256, find_files, read_embeddings

OF_MODEL = ("sample_rate", "window_s", "batch")  # settings of a model that makes embeddings

logger = logging.getLogger(__name__)


def list_files(folder: Path, recordings: dict[str, Recording], hop_s: float) -> tuple[dict[str, dict], int]:
    """Check the file of each recording completely.

    Returns
    -------
    rows : dict of dict
        Recording -> ``file``, its ``sha256``, and ``seconds``, the whole seconds of the recording.
    dimensions : int

    Raises
    ------
    InputError
        With all problems of all files: missing or ambiguous files, unreadable files, wrong shapes, lengths that differ
        from the table of recordings, values that are not finite, and dimensions other than those of most files.
    """
    problems = Problems()
    rows, sizes = {}, {}
    for name, path in find_files(folder, recordings, problems).items():
        try:
            array = read_embeddings(path)
        except InputError as error:
            problems.add("unreadable", error)
            continue
        sizes[path] = array.shape[1]
        duration = recordings[name].duration_s
        if wrong := check_array(array, path, duration_s=duration, hop_s=hop_s):
            problems.add("length" if wrong.expected else "values", wrong)
        rows[name] = {"file": str(path), "sha256": file_sha256(path), "seconds": int(duration)}
    usual, count = Counter(sizes.values()).most_common(1)[0] if sizes else (0, 0)
    for path in (path for path, size in sizes.items() if size != usual):
        expected = f"{usual} dimensions, as {count} of {len(sizes)} files have"
        problems.add("dimensions", InputError(f"{sizes[path]} dimensions", file=path, expected=expected))
    problems.raise_all("in the embeddings", alone=True)
    return rows, usual


def describe_model(path: Path | None, config: dict) -> dict | None:
    """Describe the model that made the embeddings, for files of trained systems; None if there is no such model."""
    if path is None:
        return None
    return {"name": path.name, "sha256": file_sha256(path)} | {key: config[key] for key in OF_MODEL}


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the options."""
    example = "--folder mydata/embeddings --config '{\"hop_s\": 1.0}' --recordings workflow/resources/demo.tsv"
    example += " --output results/demo/embeddings/manifest.json"
    parser = build_parser("features.embedding_manifest", main, example=example)
    parser.add_argument("--folder", type=Path, required=True, help="folder of embeddings, one file per recording")
    add_options(parser, "recordings", config="section `features.embeddings` of the config, as JSON")
    parser.add_argument("--model", type=Path, nargs="?", help="model that made the files (recorded in the output)")
    add_options(parser, output="manifest to write (JSON)")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Check the embeddings of all recordings, and write their manifest: files, hashes, hop and dimensions."""
    options = make_parser().parse_args(argv)
    hop_s = options.config["hop_s"]
    rows, dimensions = list_files(options.folder, read_recordings(options.recordings), hop_s)
    content = {"hop_s": hop_s, "dimensions": dimensions, "model": describe_model(options.model, options.config)}
    text = json.dumps(content | {"recordings": rows}, indent=1, ensure_ascii=False)
    options.output.write_text(text + "\n", encoding="utf-8")
    logger.info("%d recordings with %d dimensions every %g s", len(rows), dimensions, hop_s)
