# Trained models for one's own recordings, of any length and format; needs the model files, nothing else:
#     snakemake --snakefile workflow/apply.smk --cores 2 --config audio=FOLDER model=results/demo/models/S_MSE_lin/run1
# A workflow of its own, so that what it is told can invalidate nothing of an experiment.

import os
import re
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27.1")

# As in rules/common.smk.
sys.path.insert(0, workflow.basedir)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")])))

from softsed.core import parent
from softsed.core.audio import list_audio
from softsed.core.errors import InputError
from softsed.core.code_hash import code
from softsed.core.thresholds import MIDRANGE, check_threshold

shell.prefix("exec ")
os.environ[parent.PARENT_PID] = str(os.getpid())

KEYS = {
    "audio": "folder of recordings, or one of them",
    "model": "folder of a run, results/EXPERIMENT/models/SYSTEM/runN, whose models are averaged, or one .pt file",
    "output": "folder for scores, events and timelines; without it results/apply/NAME, NAME that of audio",
    "threshold": "of the events: class-dependent (without it), fixed (that of the experiment) or a number from 0 to 1",
}


def explain(problem):
    """An error with the keys there are."""
    keys = "\n".join(f"  {key}={meaning}" for key, meaning in KEYS.items())
    return WorkflowError(f"{problem}\nExpected after --config:\n{keys}")


def find_models(path):
    """The model files of a run, or the one."""
    found = sorted(path.glob("fold*.pt"), key=lambda file: (len(file.name), file.name)) if path.is_dir() else [path]
    if not (found and found[0].is_file()):
        raise explain(f"model: no fold*.pt in {path}, and no file of that name; `dvc pull models@demo` fetches models")
    if set(str(path)) & set("{}"):
        raise explain(f"model: {path} has braces, which are patterns to the workflow; rename it")
    return found


if unknown := sorted(config.keys() - KEYS.keys()):
    raise explain(f"unknown keys {unknown}")
if missing := [key for key in ("audio", "model") if not config.get(key)]:
    raise explain(f"missing: {missing}")

THRESHOLD = str(config.get("threshold", MIDRANGE))
try:
    check_threshold(THRESHOLD)
except InputError as error:
    raise explain(error) from None
try:
    RECORDINGS = list_audio(Path(str(config["audio"])))
except InputError as error:
    raise explain(f"audio: {error}") from None
MODELS = find_models(Path(str(config["model"])))
SOURCE = Path(os.path.abspath(str(config["audio"])))
NAME = re.sub(r"[^\w.-]", "_", SOURCE.stem if SOURCE.is_file() else SOURCE.name)
OUTPUT = str(config.get("output") or f"results/apply/{NAME}")
if set(OUTPUT) & set('{}"\\'):
    raise explain(f"output: {OUTPUT} cannot be a folder of this workflow; choose a name without braces and quotes")
# Folders of the same last name would mix their results; who names a folder for them may mix what he likes.
NOTE, FROM = Path(OUTPUT) / "audio.txt", os.path.relpath(SOURCE)
OWN_OUTPUT = bool(config.get("output"))
if not OWN_OUTPUT and NOTE.exists() and NOTE.read_text(encoding="utf-8") != FROM:
    raise explain(
        f"output: {OUTPUT} has the results of {NOTE.read_text(encoding='utf-8')}, audio is {FROM}; give another folder with "
        "output=, or delete that one"
    )


wildcard_constraints:
    recording="[^/]+",


rule all:
    default_target: True
    input:
        [f"{OUTPUT}/scores/{recording}.tsv" for recording in RECORDINGS],


onstart:
    if not OWN_OUTPUT:
        NOTE.parent.mkdir(parents=True, exist_ok=True)
        NOTE.write_text(FROM, encoding="utf-8")


# A second's import of librosa, once instead of for every recording.
localrules:
    make_filterbank,


rule make_filterbank:
    input:
        model=str(MODELS[0]),
    output:
        filterbank=f"{OUTPUT}/filterbank.npz",
    log:
        f"{OUTPUT}/logs/filterbank/filterbank.log",
    benchmark:
        f"{OUTPUT}/benchmarks/filterbank/filterbank.tsv"
    conda:
        "../envs/softsed.yaml"
    params:
        *code("predict.apply"),
    message:
        "Make the mel filter bank of the models"
    shell:
        "python -m softsed --log {log:q} apply --models {input.model:q} --filterbank {output.filterbank:q} --device cpu"


rule apply_model:
    input:
        filterbank=f"{OUTPUT}/filterbank.npz",
        audio=lambda wildcards: str(RECORDINGS[wildcards.recording]),
        models=[str(path) for path in MODELS],
    output:
        scores=f"{OUTPUT}/scores/{{recording}}.tsv",
        events=f"{OUTPUT}/events/{{recording}}.txt",
        timeline=f"{OUTPUT}/timelines/{{recording}}.png",
    log:
        f"{OUTPUT}/logs/{{recording}}.log",
    benchmark:
        f"{OUTPUT}/benchmarks/{{recording}}.tsv"
    conda:
        "../envs/softsed.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        device="auto",
    params:
        *code("predict.apply"),
        threshold=THRESHOLD,
    message:
        "Score {wildcards.recording}"
    shell:
        "python -m softsed --log {log:q} apply --models {input.models:q} --filterbank {input.filterbank:q}"
        " --audio={input.audio:q} --threshold {params.threshold:q} --device {resources.device} --threads {threads}"
        " --scores {output.scores:q} --events {output.events:q} --timeline {output.timeline:q}"
