"""Places of files: those of the workflow beside the Snakefile, those of the user and results in the working directory.

Snakemake may run in another folder than that of the Snakefile (``snakemake -s PATH/Snakefile``, ``--directory``). In
the folder of the Snakefile all paths are relative, so that Snakemake's records are valid in every clone. In another
folder the paths of the workflow's own files are absolute.
"""

from collections.abc import Iterable
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.opinions import OPINION_COLUMNS
from softsed.planning.patterns import pattern_error

ROOT = Path(__file__).resolve().parents[3]  # folder of the Snakefile
RESOURCES = "workflow/resources/"  # tables of the workflow, which configs name by this path
EXPECTED = {
    "audio": "a folder with recordings",
    "soft": "a table of soft labels, or a folder with RECORDING.txt",
    "hard": "a table of hard labels, or a folder with RECORDING.txt",
    "opinions": f"a tab-separated table with the columns {', '.join(OPINION_COLUMNS)}",
    "truth": "a folder with RECORDING.txt, the true events",
}
NO_VALUE = ("null", "~", "none")  # on the command line, Snakemake 9.27.1 reads them as text
DATA_KEYS = ("recordings", "classes", "scenes", "audio", "soft", "hard", "opinions", "truth")


def workflow_file(path: str) -> str:
    """Return the path of a file of the workflow as Snakemake can find it from the working directory.

    Raises
    ------
    InputError
        If the workflow is in another folder whose path contains patterns of Snakemake.
    """
    if ROOT.samefile(Path.cwd()):
        return path
    if error := pattern_error("snakefile", ROOT):
        error.remedy = "Run Snakemake in the folder of the Snakefile, or rename the folder"
        raise error
    return str(ROOT / path)


def locate(path: str) -> str:
    """Return a path of the config without redundant parts, as ``./``. Tables of the workflow are beside the Snakefile.

    A path is a table of the workflow if it begins with `RESOURCES` and such a table exists.
    """
    plain = str(Path(path))  # with "..", which may follow a link
    return workflow_file(plain) if plain.startswith(RESOURCES) and (ROOT / plain).is_file() else plain


def locate_files(config: dict) -> dict:
    """Return a config with the paths of `DATA_KEYS`, embeddings and the demo's specification located by `locate`."""
    found = config | {key: locate(config[key]) for key in DATA_KEYS if config[key]}
    if embeddings := config["features"]["embeddings"]:
        paths = {key: locate(embeddings[key]) for key in ("folder", "model") if key in embeddings}
        found["features"] = config["features"] | {"embeddings": embeddings | paths}
    if demo := config["data"].get("demo"):
        specification = {key: locate(demo[key]) for key in ("events", "backgrounds") if key in demo}
        found["data"] = config["data"] | {"demo": demo | specification}
    return found


def check_paths(config: dict) -> None:
    """Check that all files and folders of `DATA_KEYS` exist.

    Raises
    ------
    InputError
        With the key of each path that does not exist.
    """
    problems = Problems()
    for key in (key for key in DATA_KEYS if config[key] and not Path(config[key]).exists()):
        problem = f"there is no file or folder {config[key]!r} in {Path.cwd()}"
        remedy = f"To leave the key without a value, write {key}=" if config[key].lower() in NO_VALUE else None
        expected = EXPECTED.get(key, f"the table of {key}")
        problems.add("paths", InputError(problem, key=key, expected=expected, remedy=remedy))
    problems.raise_all("in the config", alone=True)


def unread_config(configfiles: Iterable[str]) -> str | None:
    """Return a note if the working directory contains a config.yaml that is not read, and None otherwise.

    Parameters
    ----------
    configfiles : iterable of str
        The config files that Snakemake has read.
    """
    own = Path("config.yaml")
    if not own.is_file() or any(own.samefile(path) for path in configfiles):
        return None
    return (
        f"{own.resolve()} is not read, because softsed reads {ROOT / 'config.yaml'}. "
        "To read your file as well, add `--configfile config.yaml`."
    )


def check_links(experiment: str, environment: dict[str, str]) -> None:
    """Stop a run that DVC started if DVC cannot record its results; DVC reports this only after the run.

    DVC 3.67.1 does not record outputs in a linked folder: "outside of git repository". It records outputs that are
    links themselves.

    Raises
    ------
    InputError
        If ``results`` or ``results/EXPERIMENT`` is a link and DVC started Snakemake.
    """
    if "DVC_STAGE" not in environment:
        return
    for folder in (Path("results"), Path("results", experiment)):
        if folder.is_symlink():
            raise InputError(
                f"the folder is a link to {folder.readlink()}, and DVC records no results in a linked folder",
                file=folder,
                expected=f"folders {folder} and in it links to folders on another disk, such as "
                f"results/{experiment}/features",
                remedy="Replace the link, or put the whole project on that disk. Snakemake itself accepts the link",
            )
