# apply: trained models on user-provided recordings of any length and format. Inputs are the model files and, for models
# that read embeddings, these embeddings or the model that makes them:
#     snakemake --snakefile workflow/apply.smk --cores 2 --config audio=FOLDER model=results/demo/models/S_MSE_lin/run1
# The workflow is separate, so that its keys cannot invalidate results of an experiment.

import os
import sys

from snakemake.utils import min_version

min_version("9.27.1")

# As in rules/common.smk.
sys.path.insert(0, workflow.basedir)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")])))

from softsed import parent
from softsed.core.code_hash import code
from softsed.core.errors import InputError
from softsed.planning.apply import PATHS, ApplyPlan
from softsed.planning.command_line import check_typed

shell.prefix("exec ")
os.environ[parent.PARENT_PID] = str(os.getpid())


include: "rules/jobs.smk"


if workflow.is_main_process:
    checked(check_typed, config, PATHS, sys.argv)
PLAN = checked(ApplyPlan.from_config, config)
if workflow.is_main_process and (note := PLAN.left_out()):
    logger.warning(note)


wildcard_constraints:
    recording="[^/]+",


rule all:
    default_target: True
    input:
        [f"{PLAN.output}/scores/{recording}.tsv" for recording in PLAN.recordings],
        f"{PLAN.output}/audio.tsv",


onstart:
    PLAN.write_note()


# This rule imports librosa, which takes a second, once instead of once per recording.
localrules:
    make_filterbank,


rule make_filterbank:
    input:
        model=str(PLAN.models[0]),
    output:
        filterbank=f"{PLAN.output}/filterbank.npz",
    log:
        f"{PLAN.output}/logs/filterbank/filterbank.log",
    benchmark:
        f"{PLAN.output}/benchmarks/filterbank/filterbank.tsv"
    conda:
        "../envs/softsed.yaml"
    params:
        *code("predict.apply"),
    message:
        "Compute the mel filter bank of the models"
    shell:
        "python -m softsed --log {log:q} apply --models {input.model:q} --filterbank {output.filterbank:q} --device cpu"


# This rule reads a few seconds of each recording, and logs one warning about all recordings.
localrules:
    examine_audio,


rule examine_audio:
    input:
        filterbank=f"{PLAN.output}/filterbank.npz",
        audio=[str(path) for path in PLAN.recordings.values()],
    output:
        table=f"{PLAN.output}/audio.tsv",
    log:
        f"{PLAN.output}/logs/examine/audio.log",
    benchmark:
        f"{PLAN.output}/benchmarks/examine/audio.tsv"
    conda:
        "../envs/softsed.yaml"
    params:
        *code("features.examine"),
        audio=str(config["audio"]),
    message:
        "Examine the formats of the recordings"
    shell:
        "python -m softsed --log {log:q} features.examine --audio={params.audio:q} --filterbank {input.filterbank:q}"
        " --output {output.table:q}"


rule apply_model:
    input:
        filterbank=f"{PLAN.output}/filterbank.npz",
        audio=lambda wildcards: str(PLAN.recordings[wildcards.recording]),
        models=[str(path) for path in PLAN.models],
        embeddings=lambda wildcards: PLAN.embedding_files(wildcards.recording),
    output:
        scores=f"{PLAN.output}/scores/{{recording}}.tsv",
        events=f"{PLAN.output}/events/{{recording}}.txt",
        timeline=f"{PLAN.output}/timelines/{{recording}}.png",
    log:
        f"{PLAN.output}/logs/{{recording}}.log",
    benchmark:
        f"{PLAN.output}/benchmarks/{{recording}}.tsv"
    conda:
        "../envs/softsed.yaml"
    threads: 1
    resources:
        **untracked(device="auto"),
        mem_mb=4000,
    params:
        *code("predict.apply"),
        threshold=PLAN.threshold,
        embeddings=PLAN.embeddings,
    message:
        "Score {input.audio}"
    shell:
        "python -m softsed --log {log:q} apply --models {input.models:q} --filterbank {input.filterbank:q}"
        " --audio={input.audio:q} {params.embeddings:q} --threshold {params.threshold:q} --device {resources.device} --threads {threads}"
        " --scores {output.scores:q} --events {output.events:q} --timeline {output.timeline:q}"
