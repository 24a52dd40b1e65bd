# train: one job with one thread per system, run and fold. Several trainings side by side use the cores better than one
# training on several threads.
#
# A killed training continues from its checkpoint. The checkpoint is a parameter and not an output, because Snakemake
# deletes outputs before a job starts again. `drop_checkpoints` removes the checkpoints after a successful run.


rule train:
    input:
        results_of(expand("<results>/models/{{system}}/run{{run}}/fold{fold}.pt", fold=FOLDS), SYSTEMS),


rule train_system:
    input:
        fold="<results>/folds/fold{fold}.tsv",
        features="<results>/features/index.tsv",
        soft=lambda wildcards: labels_by(method_of(wildcards.system), "soft"),
        hard=hard_labels_for,
        classes=config["classes"],
    output:
        model="<results>/models/{system}/run{run}/fold{fold}.pt",
        history="<results>/models/{system}/run{run}/fold{fold}.history.tsv",
    log:
        "<logs>/train_system/{system}_run{run}_fold{fold}.log",
    benchmark:
        "<benchmarks>/train_system/{system}_run{run}_fold{fold}.tsv"
    conda:
        "../../envs/softsed.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        device="auto",
        checkpoint_s=60,  # least number of seconds between two checkpoints
        # The model file contains the settings with which `softsed apply` uses the model. They are not parameters,
        # because another threshold must not train the model again.
        carried=as_json(carried()),
    params:
        *code("train.system"),
        results=results_folder,
        system=system_of,
        config=as_json(config["train"]),
        features=as_json(config["features"]),
        seed=lambda wildcards: derive_seed(wildcards.system, wildcards.run, wildcards.fold),
        checkpoint=f"{RESULTS}/checkpoints/{{system}}/run{{run}}/fold{{fold}}.pt",
    message:
        "Train {wildcards.system}, run {wildcards.run}, fold {wildcards.fold}"
    shell:
        "python -m softsed --log {log} train.system --fold {input.fold} --features {params.results}/features"
        " --soft {input.soft} --hard {input.hard} --classes {input.classes:q} --system {params.system:q} --config {params.config:q}"
        " --feature-config {params.features:q} --carried {resources.carried:q} --seed {params.seed} --device {resources.device} --threads {threads}"
        " --checkpoint {params.checkpoint} --checkpoint-every {resources.checkpoint_s}"
        " --model {output.model} --history {output.history}"
