"""The documentation: links, commands, paths and numbers."""

import re
import tomllib
from functools import cache

import numpy as np
import pytest
import soundfile
import yaml
from support.markdown import anchors, blocks, links, prose, spans
from support.project import ROOT, copy_project, environment
from support.run import run
from support.tsv import read_rows

from softsed import cli

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_PAGES = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "results/README.md", *sorted((ROOT / "docs/study").glob("*.md"))]
PACKAGE = ROOT / "workflow/softsed"
# Scripts that made one table once, in the git tag benchmarks-0.1.
IN_TAG = {f"benchmarks/{script}.py" for script in ("levers", "plan", "scale", "scaling", "textbook")}


def read(path):
    return path.read_text(encoding="utf-8")


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_links_lead_to_files_and_headings(page):
    broken = []
    for target in links(read(page)):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(read(file))):
            broken.append(target)
    assert broken == []


def test_documents_named_in_other_files_exist():
    """In code, configs and rules; a sentence may name a document of the results, such as report/intervals.md."""
    missing = set()
    for file in run(ROOT, "git", "ls-files", "--", ":!docs", ":!*.md", ":!tests/golden").splitlines():
        path = ROOT / file
        if path.suffix in (".py", ".smk", ".yaml", ".yml", ".toml", ".j2", "") and path.is_file():
            named = re.findall(r"\b(?<!/)(docs/[\w./-]+\.\w+|(?:README|CONTRIBUTING)\.md)", read(path))
            missing |= {(file, target) for target in named if not (ROOT / target).exists()}
    assert missing == set()


def test_index_leads_to_every_page():
    found = {(ROOT / "docs" / link).resolve() for link in links(read(ROOT / "docs/index.md"))}
    assert {page for page in PAGES if page.name != "index.md"} <= found


def test_readme_has_at_most_200_lines():
    assert len(read(ROOT / "README.md").splitlines()) <= 200


CHECKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "results/README.md"]


@pytest.mark.parametrize("page", CHECKED, ids=name)
def test_lines_have_at_most_120_characters(page):
    assert [line for line in prose(read(page)) if len(line) > 120] == []


@cache
def targets():
    return set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))


def lines():
    """Yield page and command of each line in a block of commands, without comments."""
    for page in PAGES:
        for block in blocks(read(page), "sh"):
            for line in block.splitlines():
                if command := re.sub(r"(^|\s+)#.*", "", line):
                    yield page, block, command


def is_run(page, block, command):
    """Whether another test runs the command word for word: test_readme, test_importers, test_baselines or test_embed.

    The commands of embeddings.md that need downloads are only parsed.
    """
    if page.name == "embeddings.md":
        return not command.startswith("snakemake ")
    return "results/demo/" in block or page.name == "importers.md" or command == "snakemake --cores 2 baselines"


@pytest.mark.parametrize(("page", "block", "command"), [pytest.param(*line, id=line[2]) for line in lines()])
def test_every_command_is_tested(page, block, command):
    """It runs in another test, is planned below, or consists of parts that exist."""
    stages = yaml.safe_load(read(ROOT / "dvc.yaml"))["stages"]
    program = command.split()[0]
    if program == "make":
        assert command.split()[1] in targets()
    elif "dvc " in command:
        for stage, experiment in re.findall(r"\b([a-z]+)@(\w+)", command):
            assert experiment in stages[stage]["foreach"]
    elif not is_run(page, block, command):
        assert program == "snakemake" or command == "source .venv/bin/activate"


def planned_commands():
    """List the commands of Snakemake that no test runs."""
    found = [line[2] for line in lines() if line[2].startswith("snakemake ") and not is_run(*line)]
    return sorted({re.sub(r" --report \S+", "", command) for command in found})


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Copy the project, with the config files of all pages and the files that embeddings.md names.

    Planning does not read the content of the embeddings.
    """
    folder = copy_project(tmp_path_factory.mktemp("documents") / "project")
    recordings = [row["recording"] for row in read_rows(ROOT / "workflow/resources/demo.tsv")]
    made = [f"my_embeddings/{recording}.npy" for recording in recordings]
    made += ["bands.pt2", "convolutions.pt2", "FOLDER_OF_EMBEDDINGS/mine.npy"]
    made += ["results/EXPERIMENT/models/B_MSE_lin/run1/fold1.pt"]
    for path in made:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    (folder / "FOLDER").mkdir()
    soundfile.write(folder / "FOLDER/mine.wav", np.zeros(8000), 8000)
    for block in (block for page in PAGES for block in blocks(read(page), "yaml")):
        if name := re.match(r"# (\w+\.yaml)\n", block):
            (folder / name[1]).write_text(block)
    return folder


@pytest.mark.parametrize("command", planned_commands())
def test_commands_of_snakemake_are_planned(clone, command):
    program, *options = command.split()  # targets may follow "--", so the option comes first
    assert "This was a dry-run" in run(clone, program, "--dry-run", *options, environment=environment())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_in_sentences_exists(page):
    """Paths of the repository, modules, make targets and commands of softsed that a sentence names."""
    missing = []
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"results", ".dvc", ".snakemake"}
    known = {*cli.COMMANDS, *cli.steps()}
    for span in spans(read(page)):
        first, _, rest = span.partition(" ")
        if first == "make" and re.fullmatch(r"[a-z-]+", rest.split()[0] if rest else ""):
            missing += [span] if rest.split()[0] not in targets() else []
        elif first == "softsed" and re.fullmatch(r"[a-z_.]+", rest.split()[0] if rest else ""):
            missing += [span] if rest.split()[0] not in known else []
        for path in re.findall(r"(?<![\w./-])[\w.-]+(?:/[\w.-]+)+/?", span):
            if (path.split("/")[0] in tops or path.endswith(".py")) and path not in IN_TAG:
                folders = (ROOT, PACKAGE, ROOT / "tests")
                missing += [span] if not any((folder / path).exists() for folder in folders) else []
    assert missing == []


def cells(text, start):
    """Return the rows of the first table after a text, as lists of cells without marks; an empty system is repeated."""
    table = re.search(r"(?:^\|.*\n)+", text[text.index(start) :], re.MULTILINE).group()
    rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in table.splitlines()[2:]]
    for i, row in enumerate(rows):
        found = re.match(r"`(\w+)`", row[0])
        row[0] = found.group(1) if found else rows[i - 1][0]
    return rows


def test_numbers_of_the_readme_are_those_of_the_study():
    """And of the paper; the metrics of the baselines on MAESTRO Real are those of test_baselines."""
    table2 = read(ROOT / "docs/study/table2.md")
    study = {}
    for heading in ("## Metrics at a threshold", "## Results without audio"):
        for system, threshold, *metrics in cells(table2, heading):
            study[system, threshold] = [metric.split(" ±")[0] for metric in metrics[:3]]
    published = {
        (row["system"], row["threshold"]): [row["error_rate"], row["f1_micro"]]
        for row in read_rows(ROOT / "workflow/resources/published_systems.tsv")
    }
    rows = cells(read(ROOT / "README.md"), "| system |")
    assert len(rows) == 10
    for system, threshold, *metrics in rows:
        assert metrics[:3] == study[system, threshold], (system, threshold)
        if not system.endswith("_prior"):
            assert metrics[3:] == published.get((system, threshold), ["", ""]), (system, threshold)


F1_M, F1_M_KNOWN = (("class-dependent" + known, "soft", "f1_macro") for known in ("", ", scene known"))
RANKING = [("any", "hard", "f1_best_macro"), ("any", "hard", "mpauc"), ("any", "truth", "auroc_within")]
STUDY_TABLES = [  # page, text before the table, and (threshold, reference, metric) of each column after the names
    ("results.md", "## The study", [("0.5", "hard", "error_rate"), F1_M, None, *RANKING]),
    ("results.md", "The differences on the same", [("0.5", "hard", "error_rate"), F1_M, *RANKING]),
    ("results.md", "## Loss over", [F1_M, F1_M_KNOWN, (F1_M_KNOWN[0], "soft", "error_rate"), *RANKING]),
    *(
        ("augmentation.md", start, [("any", reference, name) for _, _, name in [*RANKING, ("", "", "brier")]])
        for start, reference in (("Against the true events:", "truth"), ("Against the hard labels by eq. 1:", "hard"))
    ),
]


@pytest.mark.parametrize(("page", "start", "columns"), STUDY_TABLES)
def test_tables_are_those_of_the_study(page, start, columns):
    """Signed values are differences, from the system of the second column or from `S_BCE_sig`."""
    study = {}
    for name in ("intervals", "differences"):
        for row in read_rows(ROOT / f"docs/study/{name}.tsv"):
            key = row["system"], row.get("against"), row["threshold"], row["reference"], row["metric"]
            study[key] = [row["difference" if row.get("against") else "value"], row["low"], row["high"]]
    rows = cells(read(ROOT / "docs" / page), start)
    assert len(rows) >= 5
    for system, *found in rows:
        named = re.match(r"`(\w+)`", found[0])
        for column, cell in zip(columns, found[1:] if named else found, strict=True):
            if column is not None:
                value, *limits = re.findall(r"[-+]?\d+\.\d+", cell)
                against = (named.group(1) if named else "S_BCE_sig") if value[0] in "+-" else None
                digits = len(value.partition(".")[2])
                numbers = [f"{float(number):.{digits}f}" for number in study[system, against, *column]]
                assert [value.lstrip("+"), *limits] == numbers[: 1 + len(limits)], (system, against, column)


def test_choices_of_the_paper_are_those_of_the_config():
    config = yaml.safe_load(read(ROOT / "config.yaml"))
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([^`]+)` \|", read(ROOT / "docs/paper.md"), re.MULTILINE)
    assert len(rows) > 20
    for key, value in rows:
        found = config
        for part in key.split("."):
            found = found[part]
        assert found == yaml.safe_load(value), key
    open_choices = re.findall(r"^ *(\w+): \S+ # not stated", read(ROOT / "config.yaml"), re.MULTILINE)
    assert set(open_choices) <= {key.rpartition(".")[2] for key, _ in rows}


def test_version_is_the_latest_of_the_change_log():
    version, date = re.search(r"^## \[(\d[\d.]*)\] - ([\d-]+)$", read(ROOT / "CHANGELOG.md"), re.MULTILINE).groups()
    cited = yaml.safe_load(read(ROOT / "CITATION.cff"))
    assert tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"] == version
    assert (cited["version"], str(cited["date-released"])) == (version, date)
