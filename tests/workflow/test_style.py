"""Style of the code and the workflow, and documents that agree with what they describe."""

import re
import sys
from collections import Counter

import pytest
import yaml
from support import generated_docs
from support.config import DEMO, merged
from support.project import ROOT
from support.run import run

PACKAGE = ROOT / "workflow/softsed"


def test_ruff():
    run(ROOT, "ruff", "check", ".")
    run(ROOT, "ruff", "format", "--check", ".")


def test_snakefmt():
    run(ROOT, "snakefmt", "--check", "Snakefile", "workflow")


def test_snakemake_lint():
    assert "Congratulations, your workflow is in a good condition!" in run(ROOT, "snakemake", "--lint")


def schema_keys(schema, path=()):
    """Every key the schema describes below a fixed name."""
    for name, entry in schema.get("properties", {}).items():
        yield (*path, name)
        yield from schema_keys(entry, (*path, name))


def config_keys(config, path=()):
    for name, entry in config.items():
        yield (*path, name)
        if isinstance(entry, dict):
            yield from config_keys(entry, (*path, name))


def test_schema_and_config_have_equal_keys():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    given = set(config_keys(yaml.safe_load((ROOT / "config.yaml").read_text())))
    for name in ("demo", "study", "opinions", "own"):
        given |= set(config_keys(yaml.safe_load((ROOT / f"workflow/{name}.yaml").read_text())))
    described = set(schema_keys(schema))
    # The names below these keys are chosen by the user or by a reference, or the section is null.
    named = {"systems", "sha256", "archives", "detection", "embeddings"}
    assert {key for key in given if not named & set(key[:-1])} == {
        key for key in described if not named & set(key[:-1])
    }


@pytest.mark.parametrize(
    ("experiment", "before"),
    [("demo", []), ("study", [DEMO]), ("dcase2023", []), ("quick", []), ("opinions", []), ("own", [])],
)
def test_experiments_name_only_keys_that_differ(experiment, before):
    base = merged(*before)

    def same(changed, original, path=()):
        for name, value in changed.items():
            if name in original and isinstance(value, dict):
                yield from same(value, original[name], (*path, name))
            elif name in original and original[name] == value:
                yield (*path, name)

    assert list(same(yaml.safe_load((ROOT / f"workflow/{experiment}.yaml").read_text()), base)) == []


def test_conda_pins_are_those_of_the_lock():
    lock = [line for line in (ROOT / "envs/requirements.lock").read_text().splitlines() if not line.startswith("#")]
    conda = yaml.safe_load((ROOT / "envs/softsed.yaml").read_text())["dependencies"]
    assert conda[-1]["pip"] == lock


@pytest.mark.parametrize("name", ["requirements", "dev"])
def test_locked_versions_are_the_installed_ones(name):
    lock = (ROOT / f"envs/{name}.lock").read_text().splitlines()
    pins = dict(line.split("==") for line in lock if not line.startswith("#"))
    script = "import importlib.metadata as m, sys; print(*(m.version(name).split('+')[0] for name in sys.argv[1:]))"
    assert run(ROOT, sys.executable, "-c", script, *pins).split() == list(pins.values())


def test_map_of_stages_names_all_rule_files():
    text = (ROOT / "docs/workflow.md").read_text(encoding="utf-8")
    named = {ROOT / name for name in re.findall(r"`(workflow/[\w/]+\.smk)`", text)}
    helpers = {ROOT / f"workflow/rules/{name}.smk" for name in ("common", "jobs", "no_audio", "workarounds")}
    assert named == set((ROOT / "workflow").rglob("*.smk")) - helpers


def test_graph_is_that_of_the_workflow():
    assert generated_docs.GRAPH.read_text(encoding="utf-8") == generated_docs.graph(), "run `make docs`"


@pytest.mark.parametrize("document", ["robustness", "own-data", "importers"])
def test_documents_name_existing_tests(document):
    """Each test and each test file in the document exists; names that end in `...` are the start of a name."""
    text = (ROOT / f"docs/{document}.md").read_text(encoding="utf-8")
    files = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    names = {name for content in files.values() for name in re.findall(r"^def (test_\w+)", content, re.MULTILINE)}
    listed = re.findall(r"\b((?:unit|faults|workflow|browser|slurm)/[\w/]*test_\w+)(?:\.py)?(?:::(test_\w+))?", text)
    assert len(listed) > 50
    modules = {str(path.relative_to(ROOT / "tests").with_suffix("")): content for path, content in files.items()}
    assert {module for module, _ in listed} <= modules.keys()
    assert [f"{module}::{name}" for module, name in listed if f"def {name}" not in modules[module]] == []
    alone = set(re.findall(r"(?<![/\w])(test_\w+)", text)) - {module.rpartition("/")[2] for module, _ in listed}
    assert {name for name in alone if not any(known.startswith(name) for known in names)} == set()


def test_slurm_groups_contain_all_submitted_rules():
    text = "\n".join(path.read_text() for path in sorted((ROOT / "workflow").rglob("*.smk")))
    blocks = re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *(?:rule|localrules)\b|\Z)", text, re.MULTILINE | re.DOTALL)
    running = {name for name, block in blocks if "shell:" in block}
    local = set(re.findall(r"^ *localrules:\n +(\w+),$", text, re.MULTILINE))
    grouped = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())["groups"].keys()
    assert running - local - grouped == {"write_manifest", "list_embeddings", "run_trials", "unpack_evaluation"}
    assert grouped <= running - local


def test_each_rule_runs_one_step():
    """Commands are run by `exec`, which would ignore further commands without an error."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow").rglob("*.smk")]
    commands = [command for text in texts for command in re.findall(r"shell:\n((?: +\".*\"\n)+)", text)]
    assert len(commands) == sum(text.count("shell:\n") for text in texts) > 30
    for command in commands:
        joined = "".join(re.findall(r'"(.*)"\n', command))
        assert joined.startswith("python -m softsed "), joined
        assert not re.search(r"[;&|<>`]|\$\(", joined), joined


def package_modules():
    return {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")}


def test_unit_tests_mirror_the_package():
    """Every module has its file of unit tests, and each of these files belongs to a module."""
    expected = {str(path.with_name(f"test_{path.name}")) for path in package_modules()}
    assert {str(path.relative_to(ROOT / "tests/unit")) for path in (ROOT / "tests/unit").rglob("test_*.py")} == expected


def test_folders_and_modules_are_small():
    modules = package_modules()
    assert max(Counter(path.parent for path in modules).values()) <= 15
    lengths = {path: len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {str(path): lines for path, lines in lengths.items() if lines > 300} == {}


def test_layers_of_the_package():
    assert "2 kept, 0 broken" in run(ROOT, "lint-imports", "--no-logo", "--no-cache")


def test_types_of_the_package():
    run(ROOT, "mypy")


# Rules whose name is the word for their output, and not the word of their step.
NAMED_BY_OUTPUT = {"make_filterbank", "infer_tables"}


def words(text):
    """Split a name into its words, singular and plural alike."""
    return {word.rstrip("s") for word in re.split(r"[._ ]", text)}


def rules_of(path):
    """Yield name, command and step of every rule with a command in a rule file."""
    text = path.read_text(encoding="utf-8")
    for name, block in re.findall(
        r"^ *rule (\w+):\n(.*?)(?=^ *(?:rule|localrules)\b|\Z)", text, re.MULTILINE | re.DOTALL
    ):
        if "shell:" in block:
            command = "".join(re.findall(r'^ +"(.*)"$', block.partition("shell:")[2], re.MULTILINE))
            called = re.match(r"python -m softsed --log \{log(?::q)?\} ([\w.]+)(?: ([a-z]\w*))?", command)
            yield name, called.groups(), re.findall(r'\*code\("([\w.]+)"\)', block)


def test_rule_command_and_code_agree():
    """A rule is named after its step, runs the step whose code it lists, and is in the rule file of the stage."""
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        stage = generated_docs.STAGE_OF.get(path.stem, path.stem)
        for name, (command, action), steps in rules_of(path):
            assert command.split(".")[0] == stage, f"{path.name}: {name} runs {command}"
            assert steps == [command] or name == "fetch_archive", f"{name} runs {command} and lists the code of {steps}"
            word = stage if command.endswith(".system") else command.partition(".")[2] or command
            assert words(name) & words(f"{word} {action or ''}") or name in NAMED_BY_OUTPUT, f"{name} runs {command}"
