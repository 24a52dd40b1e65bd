# predict: scores per second and class for the test recordings of each fold, from the systems and from two baselines
# without audio.


rule predict:
    input:
        plan.per_run(
            "<results>/predictions/{system}/run{run}/fold{fold}.tsv",
            plan.all_systems,
        ),


rule predict_system:
    input:
        model="<results>/models/{system}/run{run}/fold{fold}.pt",
        fold="<results>/folds/fold{fold}.tsv",
        features=from_wildcards(plan.front_ends.features_of, "system"),
        embeddings=from_wildcards(plan.front_ends.embeddings_of, "system"),
    output:
        scores="<results>/predictions/{system}/run{run}/fold{fold}.tsv",
    log:
        "<logs>/predict_system/{system}_run{run}_fold{fold}.log",
    benchmark:
        "<benchmarks>/predict_system/{system}_run{run}_fold{fold}.tsv"
    wildcard_constraints:
        system="|".join(plan.systems),
    conda:
        "../../envs/softsed.yaml"
    threads: 1
    resources:
        **untracked(device="auto"),
        mem_mb=4000,
    params:
        *code("predict.system"),
        results=results_folder,
        config=as_json(config["predict"]),
    message:
        "Score the test recordings of fold {wildcards.fold} with {wildcards.system}, run {wildcards.run}"
    shell:
        "python -m softsed --log {log} predict.system --model {input.model} --fold {input.fold}"
        " --features {params.results}/features --embeddings {input.embeddings} --config {params.config:q}"
        " --device {resources.device} --threads {threads} --output {output.scores}"


rule predict_prior:
    input:
        fold="<results>/folds/fold{fold}.tsv",
        soft=plan.labels("soft"),
        classes=plan.tables["classes"],
    output:
        scores="<results>/predictions/{prior}/run1/fold{fold}.tsv",
    log:
        "<logs>/predict_prior/{prior}_fold{fold}.log",
    benchmark:
        "<benchmarks>/predict_prior/{prior}_fold{fold}.tsv"
    wildcard_constraints:
        prior="|".join(plan.baselines),
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("predict.prior"),
    message:
        "Score the test recordings of fold {wildcards.fold} with the {wildcards.prior}"
    shell:
        "python -m softsed --log {log} predict.prior --kind {wildcards.prior} --fold {input.fold}"
        " --soft {input.soft} --classes {input.classes:q} --output {output.scores}"
