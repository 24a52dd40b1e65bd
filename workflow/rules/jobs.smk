# What jobs are told and which files they take: functions of the rules; no rules here.


def results_folder(wildcards):
    """The folder of this experiment's results."""
    return RESULTS


def audio_of(wildcards):
    """The file of a recording: one's own, wherever it is, or what the stage data brought."""
    if not OWN:
        return f"{RESULTS}/data/audio/{wildcards.recording}.wav"
    if wildcards.recording not in AUDIO:
        raise WorkflowError(f"there is no recording {wildcards.recording!r} in {config['audio']}")
    return AUDIO[wildcards.recording]


def no_audio(wildcards):
    """Why a stage after the labels cannot run."""
    raise WorkflowError(
        "This stage needs audio, and opinions of one's own come without: they go as far as the stage labels "
        f"(snakemake labels --config opinions={config['opinions']})"
    )


def as_json(section):
    """A section of the config as the one argument a step takes; in a command it is quoted with :q."""
    return json.dumps(section, sort_keys=True)


def derive_seed(*parts):
    """A seed for one job: the same parts give the same number, other parts an unrelated one."""
    text = json.dumps([config["seed"], *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def scene_of(recording):
    """The scene of a recording of the table."""
    if recording not in SCENE_OF:
        raise WorkflowError(f"there is no recording {recording!r} in {config['recordings']}")
    return SCENE_OF[recording]


def listed_until(recording):
    """A recording of the demo with those of its scene that are listed before it, as one hash."""
    scene = [row for row in LISTED if row[1] == scene_of(recording)]
    position = [name for name, _, _ in scene].index(recording)
    return hashlib.sha256(as_json(scene[: position + 1]).encode()).hexdigest()[:12]


def ancient_if_recorded(pattern):
    """A file that is no reason to run again, unless Snakemake had no time to record it and will make it anew."""
    return pattern if records.unrecorded(pattern.replace("<results>", RESULTS)) else ancient(pattern)


def fold_config():
    """What the chosen source of the folds needs of the section folds."""
    keys = {"source", "number"} | ({"validation"} if config["folds"]["source"] == "generated" else set())
    official = {"official": {"sha256": config["folds"]["official"]["sha256"]}}
    section = {key: value for key, value in config["folds"].items() if key in keys}
    return section if config["folds"]["source"] == "generated" else section | official


def runs_of(system):
    """The runs of a system; the priors hold nothing random."""
    return [1] if system in PRIORS else list(range(1, config["runs"] + 1))


def method_of(system):
    """The method that made the labels a system is trained on: its own, or that of the reference (priors always)."""
    return METHOD if system in PRIORS else config["systems"][system].get("method", METHOD)


def labels_by(method, kind):
    """The soft or hard labels by one method, or several: one table for all recordings."""
    return expand("<results>/labels/{method}/{kind}.tsv", method=method, kind=kind)


def estimator(method):
    """What the maker of labels is told: the method and what this method reads of the section labels."""
    settings = {"competence": config["labels"]["competence"]} if method in ("eq1", "majority") else {}
    return {"method": method} | settings


def estimator_of(wildcards):
    """What the maker of labels is told, as JSON."""
    return as_json(estimator(wildcards.method))


def threshold_by(method):
    """The threshold of the hard labels by one method."""
    return (config["labels"]["joint"] if method == "joint" else config["labels"])["threshold"]


def threshold_of(wildcards):
    """The threshold of the hard labels by one method."""
    return threshold_by(wildcards.method)


def system_of(wildcards):
    """What a training is told of its system, the method of its labels written out; priors have only the method."""
    known = {} if wildcards.system in PRIORS else config["systems"][wildcards.system]
    return as_json(known | {"method": method_of(wildcards.system)})


def carried():
    """What a model tells those who apply it to other recordings, beside what it was trained with."""
    return config["predict"] | {key: config["evaluate"][key] for key in ("threshold", "trim")}


def loss_of(wildcards):
    """The loss a system was trained with; the priors were not trained."""
    return "none" if wildcards.system in PRIORS else config["systems"][wildcards.system]["loss"]


def hard_labels_for(wildcards):
    """Hard labels, where a system is trained on them."""
    trained_on = config["systems"][wildcards.system]["labels"]
    return labels_by(method_of(wildcards.system), "hard") if trained_on == "hard" else []


def results_of(pattern, systems):
    """The pattern for every run of the given systems."""
    return [path for system in systems for path in expand(pattern, system=system, run=runs_of(system))]
