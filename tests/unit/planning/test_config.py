"""Keys, types, ranges and tables of a config, checked before planning."""

from pathlib import Path

import pytest
import yaml
from support.config import DEMO, QUICK, SCHEMA, STUDY, merged
from support.errors import compare, refused
from support.project import ROOT

from softsed.planning.config import check_config, check_files, check_tables, describe_values, find_mistakes


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
    ("train: {model: {dropout: 1.5}}", "train.model.dropout", "the value is 1.5"),
    ("systems: {my system: {labels: soft, loss: mse, output: linear}}", "systems", "the name is 'my system'"),
    ("labels: {method: vote}", "labels.method", "the value is 'vote'"),
    ("labels: {compare: [vote]}", "labels.compare.0", "the value is 'vote'"),
    ("labels: {joint: {threshold: best}}", "labels.joint.threshold", "the value is 'best'"),
    (
        "systems: {mine: {labels: soft, loss: mse, output: linear, method: vote}}",
        "systems.mine.method",
        "the value is 'vote'",
    ),
    ("train: {schedule: cosine}", "train.schedule", "the value is 'cosine'"),
    ("train: {epochs: many}", "train.epochs", "the value is 'many'"),
    ("train: {learning_rate: 1e-3}", "train.learning_rate", "the value is '1e-3' (it is text: write 0.001"),
    ("train: {learning_rate: '0.001'}", "train.learning_rate", "the value is '0.001' (it is text"),
    ("train: {model: {pooling: '5'}}", "train.model.pooling", "the value is '5'"),
    ("train: {epochs: 3.0}", "train.epochs", "the value is 3.0"),
    ("runs: true", "runs", "the value is true"),
    ("train: 3", "train", "the value is 3"),
    ("experiment: 2024", "experiment", "the value is 2024"),
    ("train: {model: {pooling: 5}}", "train.model.pooling", "the value is 5"),
    ("train: {model: {pooling: [5, two]}}", "train.model.pooling.1", "the value is 'two'"),
    ("trials: {event_length_s: 3}", "trials.event_length_s", "the value is 3"),
    # a range
    ("train: {learning_rate: .nan}", "train.learning_rate", "the value is nan (not a finite number)"),
    ("features: {f_max: .inf}", "features.f_max", "the value is inf (not a finite number)"),
    ("labels: {threshold: 1.5}", "labels.threshold", "the value is 1.5"),
    ("folds: {number: 1}", "folds.number", "the value is 1"),
    ("folds: {validation: 0}", "folds.validation", "the value is 0"),
    ("experiment: ../elsewhere", "experiment", "the value is '../elsewhere'"),
    ("trials: {spammers: [2]}", "trials.spammers.0", "the value is 2"),
    ("trials: {detection: {deaf: 0}}", "trials.detection.deaf", "the value is 0"),
    ("features: {window: 1000000000}", "features.window", "the value is 1000000000"),
    ("features: {window: 2047}", "features.window", "the value is 2047"),
    ("experiment: -x", "experiment", "the value is '-x'"),
    ("experiment: archives", "experiment", "the name 'archives' is reserved"),
    ('experiment: "a\\n"', "experiment", r"the value is 'a\n'"),
    (f"experiment: {'a' * 101}", "experiment", f"the value is '{'a' * 101}'"),
    # a system
    ("systems: {labels: null}", "systems", "the name 'labels' is reserved"),
    ("systems: {-x: {labels: soft, loss: mse, output: linear}}", "systems", "the name is '-x'"),
    (
        "systems: {mine: {labels: soft, loss: bce, output: linear}}",
        "systems.mine.output",
        "the value is 'linear'",
    ),
    ("systems: {mine: {labels: soft, loss: bce}}", "systems.mine", "the section has no output"),
    (
        "systems: {mine: {labels: opinions, loss: bce, output: sigmoid}}",
        "systems.mine.loss",
        "the value is 'bce'",
    ),
    (
        "systems: {mine: {labels: opinions, loss: crowd, output: linear}}",
        "systems.mine.output",
        "the value is 'linear'",
    ),
    ("systems: {mine: {labels: soft, loss: crowd, output: sigmoid}}", "systems.mine.loss", "the value is 'crowd'"),
    (
        "systems: {mine: {labels: soft, loss: focal, output: linear}}",
        "systems.mine.output",
        "the value is 'linear'",
    ),
    ("systems: {S_MSE_lin: {augment: {mix: 0.2}}}", "systems.S_MSE_lin.augment.mix", "no such key"),
    ("systems: {S_MSE_lin: {augment: {}}}", "systems.S_MSE_lin.augment", "the value is {}"),
    ("systems: {S_MSE_lin: {augment: {mixup: 0}}}", "systems.S_MSE_lin.augment.mixup", "the value is 0"),
    ("systems: {S_MSE_lin: {augment: {shift_s: 0.5}}}", "systems.S_MSE_lin.augment.shift_s", "the value is 0.5"),
]


@pytest.mark.parametrize(("change", "key", "problem"), MISTAKES)
def test_mistake_has_key_and_value(change, key, problem):
    mistakes = find_mistakes(merged(DEMO, STUDY, change), SCHEMA)
    found = [one for one in mistakes if one.key == key and problem in one.problem]
    assert len(found) == 1, [str(one) for one in mistakes]
    compare(str(found[0]))


EXPECTED = [
    ("labels: {threshold: 1.5}", "a number (at least 0, at most 1)"),
    ("labels: {joint: {threshold: best}}", "a number from 0 to 1, auto or expected_f1"),
    ("train: {schedule: cosine}", "plateau or cycle"),
    ("train: {model: {pooling: []}}", "a list (not empty)"),
    ("audio: 3", "text (not empty) or null"),
    ("features: {window: 2047}", "a whole number (at least 64, at most 1048576, a multiple of 2)"),
    ("experiment: -x", "1 to 100 letters (A-Z, a-z), digits, '_' and '-', not beginning with '-'"),
    ("experiment: archives", "a name other than apply, archives and benchmarks"),
    (
        "systems: {mine: {labels: soft, loss: bce, output: linear}}",
        "sigmoid with the loss bce, focal or crowd",
    ),
    ("systems: {S_MSE_lin: {mask: all}}", "asked"),
    ("systems: {S_MSE_lin: {augment: {}}}", "a section (not empty)"),
    ("folds: {official: {sha256: {list1.csv: abc}}}", "one of foldN_train.csv, foldN_val.csv and foldN_test.csv"),
]


@pytest.mark.parametrize(("change", "expected"), EXPECTED)
def test_mistake_has_expected_values(change, expected):
    """No valid key of the same section is a mistake, and no mistake is reported twice."""
    with refused(expected=expected, golden=False):
        check_config(merged(DEMO, STUDY, change), SCHEMA)


def test_keys_that_need_each_other_are_one_mistake():
    found = find_mistakes(merged("data: {demo: {crowd: {}, events: events.tsv}}"), SCHEMA)
    (mistake,) = (one for one in found if one.key == "data.demo")
    assert mistake.problem == "the section has events, but no backgrounds or level"
    assert mistake.expected == "events, backgrounds and level together"


def test_missing_keys_of_a_section_are_one_mistake():
    (mistake,) = find_mistakes(merged("systems: {mine: {labels: soft}}"), SCHEMA)
    assert (mistake.key, mistake.problem) == ("systems.mine", "the section has no loss or output")


def parts_of(schema):
    """Find the parts of the schema that limit a value."""
    for name, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if isinstance(part, dict | list):
            yield from parts_of(part)
            if name not in ("properties", "patternProperties", "if", "then", "$defs") and isinstance(part, dict):
                yield part


def test_each_part_of_the_schema_has_words():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    limited = [part for part in parts_of(schema) if {"type", "enum", "const", "anyOf", "pattern"} & part.keys()]
    assert len(limited) > 100
    for part in limited:
        words = describe_values(part)
        assert words
        assert "^" not in words


def test_missing_loss_is_one_mistake():
    config = merged(DEMO, STUDY, "systems: {mine: {labels: soft, output: linear}}")
    assert [(one.key, one.problem) for one in find_mistakes(config, SCHEMA)] == [
        ("systems.mine", "the section has no loss")
    ]


@pytest.mark.parametrize("labels", ["soft", "opinions"])
def test_unknown_loss_is_one_mistake(labels):
    config = merged(DEMO, STUDY, f"systems: {{mine: {{labels: {labels}, loss: mae, output: sigmoid}}}}")
    assert [one.key for one in find_mistakes(config, SCHEMA)] == ["systems.mine.loss"]


def test_trials_without_the_demo_are_refused():
    mistakes = find_mistakes(merged("trials: {methods: [eq1]}"), SCHEMA)
    assert ("data", "the section has no demo") in [(one.key, one.problem) for one in mistakes]


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
