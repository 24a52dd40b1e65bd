# train: one job with one thread per system, run and fold. Several trainings side by side use the cores better than one
# training on several threads.
#
# A killed training continues from its checkpoint. The checkpoint is a parameter and not an output, because Snakemake
# deletes outputs before a job starts again. `drop_checkpoints` removes the checkpoints after a successful run.


rule train:
    input:
        plan.per_run("<results>/models/{system}/run{run}/fold{fold}.pt", plan.systems),


rule train_system:
    input:
        fold="<results>/folds/fold{fold}.tsv",
        features=from_wildcards(plan.front_ends.features_of, "system"),
        embeddings=from_wildcards(plan.front_ends.embeddings_of, "system"),
        soft=from_wildcards(plan.soft_labels_of, "system"),
        hard=from_wildcards(plan.hard_labels_of, "system"),
        counts=from_wildcards(plan.counts_of, "system"),
        classes=plan.tables["classes"],
    output:
        model="<results>/models/{system}/run{run}/fold{fold}.pt",
        history="<results>/models/{system}/run{run}/fold{fold}.history.tsv",
    log:
        "<logs>/train_system/{system}_run{run}_fold{fold}.log",
    benchmark:
        "<benchmarks>/train_system/{system}_run{run}_fold{fold}.tsv"
    wildcard_constraints:
        # Snakemake 9.27.1 ignores an empty pattern; (?!) matches nothing.
        system="|".join(plan.trained_on("hard", "soft")) or "(?!)",
    conda:
        "../../envs/softsed.yaml"
    threads: 1
    resources:
        **untracked(device="auto", checkpoint_s=60, carried=as_json(plan.carried())),
        mem_mb=4000,
        # The model file contains the settings for its application as they were at the training. At least `checkpoint_s`
        # seconds pass between two checkpoints.
    params:
        *code("train.system"),
        results=results_folder,
        system=from_wildcards(plan.system_settings, "system"),
        config=as_json(config["train"]),
        features=as_json(plan.front_ends.mel),
        seed=from_wildcards(plan.derive_seed, "system", "run", "fold"),
        checkpoint=f"{plan.results}/checkpoints/{{system}}/run{{run}}/fold{{fold}}.pt",
    message:
        "Train {wildcards.system}, run {wildcards.run}, fold {wildcards.fold}"
    shell:
        "python -m softsed --log {log} train.system --fold {input.fold} --features {params.results}/features"
        " --embeddings {input.embeddings}"
        " --soft {input.soft} --hard {input.hard} --counts {input.counts} --classes {input.classes:q} --system {params.system:q} --config {params.config:q}"
        " --feature-config {params.features:q} --carried {resources.carried:q} --seed {params.seed} --device {resources.device} --threads {threads}"
        " --checkpoint {params.checkpoint} --checkpoint-every {resources.checkpoint_s}"
        " --model {output.model} --history {output.history}"


if plan.trained_on("opinions"):

    rule train_on_opinions:
        input:
            fold="<results>/folds/fold{fold}.tsv",
            features="<results>/features/index.tsv",
            soft=from_wildcards(plan.soft_labels_of, "system"),
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            annotators="<results>/labels/annotators/fold{fold}.json",
        output:
            model="<results>/models/{system}/run{run}/fold{fold}.pt",
            history="<results>/models/{system}/run{run}/fold{fold}.history.tsv",
        log:
            "<logs>/train_on_opinions/{system}_run{run}_fold{fold}.log",
        benchmark:
            "<benchmarks>/train_on_opinions/{system}_run{run}_fold{fold}.tsv"
        wildcard_constraints:
            system="|".join(plan.trained_on("opinions")),
        conda:
            "../../envs/softsed.yaml"
        threads: 1
        resources:
            **untracked(device="auto", checkpoint_s=60, carried=as_json(plan.carried())),
            mem_mb=4000,
        params:
            *code("train.on_opinions"),
            *plan.user.content(),
            unticked=config["unticked"],
            results=results_folder,
            system=from_wildcards(plan.system_settings, "system"),
            config=as_json(config["train"]),
            features=as_json(plan.front_ends.mel),
            seed=from_wildcards(plan.derive_seed, "system", "run", "fold"),
            checkpoint=f"{plan.results}/checkpoints/{{system}}/run{{run}}/fold{{fold}}.pt",
        message:
            "Train {wildcards.system} on opinions, run {wildcards.run}, fold {wildcards.fold}"
        shell:
            "python -m softsed --log {log} train.on_opinions --fold {input.fold} --features {params.results}/features"
            " --soft {input.soft} --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --annotators {input.annotators} --system {params.system:q} --config {params.config:q}"
            " --feature-config {params.features:q} --carried {resources.carried:q} --seed {params.seed} --device {resources.device} --threads {threads}"
            " --checkpoint {params.checkpoint} --checkpoint-every {resources.checkpoint_s}"
            " --model {output.model} --history {output.history}"
