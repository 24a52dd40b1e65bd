"""Keys, types, ranges and tables of a config, checked before planning."""

from pathlib import Path

import pytest
from support.config import DEMO, QUICK, SCHEMA, STUDY, merged
from support.errors import compare, refused
from support.project import ROOT

from softsed.planning.config import check_config, check_files, check_tables, find_mistakes


def tables_of(config):
    return {name: Path(config[name]) for name in ("recordings", "classes", "scenes")}


@pytest.mark.parametrize(
    "more",
    [
        *([], [DEMO], [DEMO, STUDY], ["workflow/small.yaml"], ["workflow/dcase2023.yaml"]),
        *([QUICK], [DEMO, QUICK], ["workflow/dcase2023.yaml", QUICK]),
    ],
)
def test_configs_of_the_project_are_accepted(more, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = merged(*more)
    check_config(config, SCHEMA)
    check_tables(config, tables_of(config))


MISTAKES = [
    # a key that does not exist
    ("trian: {epochs: 3}", "trian", "no such key"),
    ("train: {epoch: 3}", "train.epoch", "no such key"),
    ("predict: {xyz: 3}", "predict.xyz", "no such key"),
    ("data: {source: demo}", "data.source", "no such key"),
    ("trials: {repetition: 3}", "trials.repetition", "no such key"),
    ("folds: {official: {sha256: {list1.csv: abc}}}", "folds.official.sha256.list1.csv", "no such key"),
    ("systems: {1: null}", "systems.1", "int"),
    # a type or a value
    ("train: {model: {dropout: 1.5}}", "train.model.dropout", "1.5 is greater than or equal to the maximum of 1"),
    ("systems: {my system: {labels: soft, loss: mse, output: linear}}", "systems", "'my system'"),
    ("labels: {method: vote}", "labels.method", "'vote' is not one of"),
    ("labels: {compare: [vote]}", "labels.compare.0", "'vote' is not one of"),
    ("labels: {joint: {threshold: best}}", "labels.joint.threshold", "'best' is not valid"),
    (
        "systems: {mine: {labels: soft, loss: mse, output: linear, method: vote}}",
        "systems.mine.method",
        "'vote' is not one of",
    ),
    ("train: {schedule: cosine}", "train.schedule", "'cosine' is not one of ['plateau', 'cycle']"),
    ("train: {epochs: many}", "train.epochs", "'many' is not of type 'integer'"),
    ("train: {learning_rate: 1e-3}", "train.learning_rate", "'1e-3' is not of type 'number' (it is text: write 0.001"),
    ("train: {learning_rate: '0.001'}", "train.learning_rate", "'0.001' is not of type 'number' (it is text"),
    ("train: {model: {pooling: '5'}}", "train.model.pooling", "'5' is not of type 'array'"),
    ("train: {epochs: 3.0}", "train.epochs", "3.0 is not of type 'integer'"),
    ("runs: true", "runs", "True is not of type 'integer'"),
    ("train: 3", "train", "3 is not of type 'object'"),
    ("experiment: 2024", "experiment", "2024 is not of type 'string'"),
    ("train: {model: {pooling: 5}}", "train.model.pooling", "5 is not of type 'array'"),
    ("train: {model: {pooling: [5, two]}}", "train.model.pooling.1", "'two' is not of type 'integer'"),
    ("trials: {event_length_s: 3}", "trials.event_length_s", "3 is not of type 'array'"),
    # a range
    ("train: {learning_rate: .nan}", "train.learning_rate", "nan is not of type 'number'"),
    ("features: {f_max: .inf}", "features.f_max", "inf is not of type 'number'"),
    ("labels: {threshold: 1.5}", "labels.threshold", "1.5 is greater than the maximum of 1"),
    ("folds: {number: 1}", "folds.number", "1 is less than the minimum of 2"),
    ("folds: {validation: 0}", "folds.validation", "0 is less than or equal to the minimum of 0"),
    ("experiment: ../elsewhere", "experiment", "'../elsewhere' does not match"),
    ("trials: {spammers: [2]}", "trials.spammers.0", "2 is greater than the maximum of 1"),
    ("trials: {detection: {deaf: 0}}", "trials.detection.deaf", "0 is less than or equal to the minimum"),
    ("features: {window: 1000000000}", "features.window", "1000000000 is greater than the maximum of 1048576"),
    ("features: {window: 2047}", "features.window", "2047 is not a multiple of 2"),
    ("experiment: -x", "experiment", "'-x' does not match"),
    ("experiment: archives", "experiment", "'archives' should not be valid"),
    ('experiment: "a\\n"', "experiment", r"'a\n' does not match"),
    (f"experiment: {'a' * 101}", "experiment", f"'{'a' * 101}' does not match"),
    # a system
    ("systems: {labels: null}", "systems", "'labels' should not be valid"),
    ("systems: {-x: {labels: soft, loss: mse, output: linear}}", "systems", "'-x' does not match"),
    (
        "systems: {mine: {labels: soft, loss: bce, output: linear}}",
        "systems.mine.output",
        "'sigmoid' was expected",
    ),
    ("systems: {mine: {labels: soft, loss: bce}}", "systems.mine", "'output' is a required property"),
    (
        "systems: {mine: {labels: opinions, loss: bce, output: sigmoid}}",
        "systems.mine.loss",
        "'crowd' was expected",
    ),
    (
        "systems: {mine: {labels: opinions, loss: crowd, output: linear}}",
        "systems.mine.output",
        "'sigmoid' was expected",
    ),
    ("systems: {mine: {labels: soft, loss: crowd, output: sigmoid}}", "systems.mine.loss", "'crowd' is not one of"),
    (
        "systems: {mine: {labels: soft, loss: focal, output: linear}}",
        "systems.mine.output",
        "'sigmoid' was expected",
    ),
    ("systems: {S_MSE_lin: {augment: {mix: 0.2}}}", "systems.S_MSE_lin.augment.mix", "no such key"),
    ("systems: {S_MSE_lin: {augment: {}}}", "systems.S_MSE_lin.augment", "{} should be non-empty"),
    ("systems: {S_MSE_lin: {augment: {mixup: 0}}}", "systems.S_MSE_lin.augment.mixup", "0 is less than or equal to"),
    ("systems: {S_MSE_lin: {augment: {shift_s: 0.5}}}", "systems.S_MSE_lin.augment.shift_s", "not of type 'integer'"),
]


@pytest.mark.parametrize(("change", "key", "problem"), MISTAKES)
def test_mistake_has_key_and_value(change, key, problem):
    mistakes = find_mistakes(merged(DEMO, STUDY, change), SCHEMA)
    found = [one for one in mistakes if one.key == key and problem in one.problem]
    assert len(found) == 1, [str(one) for one in mistakes]
    compare(str(found[0]))


@pytest.mark.parametrize("labels", ["soft", "opinions"])
def test_unknown_loss_is_one_mistake(labels):
    config = merged(DEMO, STUDY, f"systems: {{mine: {{labels: {labels}, loss: mae, output: sigmoid}}}}")
    assert [one.key for one in find_mistakes(config, SCHEMA)] == ["systems.mine.loss"]


def test_trials_without_the_demo_are_refused():
    mistakes = find_mistakes(merged("trials: {methods: [eq1]}"), SCHEMA)
    assert ("data", "'demo' is a required property") in [(one.key, one.problem) for one in mistakes]


def test_similar_key_is_suggested():
    with refused(key="trian", expected="'train', the most similar key"):
        check_config(merged(DEMO, STUDY, "trian: {epochs: 3}"), SCHEMA)


def test_many_missing_keys_are_one_mistake():
    """As without config.yaml, which Snakemake allows with --replace-workflow-config."""
    config = {"experiment": "mine", "audio": "sounds"}
    with refused(key="config", problem="19 keys are missing: seed, soft, hard, opinions, unticked and 14 more"):
        check_config(config, SCHEMA)


def test_config_of_another_program_is_one_mistake():
    other = {f"key{number}": number for number in range(28)}
    with refused(key="config", problem=["key0", "key1", "and 23 more"]) as caught:
        check_config(merged() | other, SCHEMA)
    assert "--configfile" in caught.value.remedy


@pytest.mark.parametrize("value", ["007", "2024-05-01", "12:30", "1_000", "yes"])
def test_unquoted_name_has_a_remedy(value):
    with refused(key="experiment", problem="quotation marks", golden=False):
        check_config(merged(f"experiment: {value}"), SCHEMA)
    check_config(merged('experiment: "007"'), SCHEMA)


def test_meaning_of_key_is_shown():
    with refused(key="runs", remedy="Meaning of the key: Trainings of each system and fold, each with its own seed"):
        check_config(merged(DEMO, STUDY, "runs: true"), SCHEMA)


def test_all_mistakes_are_reported_in_order():
    with refused(problem="3 problems in the config") as caught:
        check_config(merged("{runs: 0, train: {epochs: many}, trian: 1}"), SCHEMA)
    assert [error.key for error in caught.value.problems] == ["trian", "runs", "train.epochs"]


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        ("", ["audio"]),
        ("runs: 0", ["runs"]),
        ("{runs: 0, 1: 2}", ["1"]),
    ],
)
def test_later_checks_need_earlier_ones(more, keys):
    """Contradictions are reported only without mistakes of the schema, and those only if all keys are text."""
    assert [mistake.key for mistake in find_mistakes(merged("audio: folder", more or "{}"), SCHEMA)] == keys


# Files in a folder of the test.
FILES = {
    "names.tsv": "recording\tscene\tduration_s\na\x7fb\tcity_center\t60\n",
    "scene.tsv": "recording\tscene\tduration_s\na\tyard\t60\n",
    "milliseconds.tsv": "recording\tscene\tduration_s\na\tcity_center\t60000000\n",
    "asked.tsv": "scene\tclass\ncity_center\tpeople_talking\n",
    "twice.tsv": "class\ncar\ncar\n",
    "empty.tsv": "class\tmeaning\n\tnothing\n",
    **{f"fold1_{part}.csv": "filename\ncity_center/city_center_00\n" for part in ("train", "val", "test")},
}


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("evaluate: {classes: [car, cra]}", {"key": "evaluate.classes", "problem": "['cra']"}),
        (
            "data: {demo: {crowd: {confused: [[car, lorry]]}}}",
            {"key": "data.demo.crowd.confused", "problem": "['lorry']"},
        ),
        ("folds: {number: 6}", {"problem": ["'cafe_restaurant' (5)", "6 folds"]}),
        ("folds: {validation: 0.9}", {"problem": "5 folds"}),
        ("recordings: nowhere.tsv", {"file": "nowhere.tsv"}),
        ("recordings: {folder}/names.tsv", {"file": "names.tsv", "line": 2, "problem": "'a\\x7fb'"}),
        ("recordings: {folder}/scene.tsv", {"file": "scene.tsv", "problem": ["'a'", "'yard'"]}),
        ("recordings: {folder}/milliseconds.tsv", {"file": "milliseconds.tsv", "line": 2, "problem": "'60000000'"}),
        ("scenes: {folder}/asked.tsv", {"file": "asked.tsv", "line": 2, "problem": "'people_talking'"}),
        ("classes: {folder}/twice.tsv", {"file": "twice.tsv", "line": 3, "problem": "'car'"}),
        ("classes: {folder}/empty.tsv", {"file": "empty.tsv", "line": 2, "problem": "no class"}),
        (
            "folds: {source: official, number: 2, official: {address: '{folder}'}}",
            {"problem": ["'city_center_00'", "fold1_"]},
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path, monkeypatch, change, parts):
    monkeypatch.chdir(ROOT)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    config = merged(DEMO, STUDY, change.replace("{folder}", str(tmp_path)))
    check_config(config, SCHEMA)
    with refused(**parts):
        check_tables(config, tables_of(config))


def test_repeated_section_has_both_lines(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  epochs: 3\nruns: 2\ntrain:\n  patience: 5\n  model: {filters: 2, filters: 3}\n")
    with refused(problem="2 problems in the config") as caught:
        check_files([ROOT / "config.yaml", ROOT / "workflow/demo.yaml", path])
    assert f"{path}, line 4, train: the section occurs twice, first in line 1. Merge the two sections.\n" in str(
        caught.value
    )
    assert f"{path}, line 6, filters: the section occurs twice, first in line 6. Merge the two sections." in str(
        caught.value
    )
