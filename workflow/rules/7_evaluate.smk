# evaluate: segment-based scores against soft and hard labels (Sec. 3.2), one file a system and run, priors included.


rule evaluate:
    input:
        results_of("results/{experiment}/metrics/{system}/run{run}.json", REFERRED + PRIORS),


rule evaluate_system:
    input:
        scores=expand("results/{{experiment}}/predictions/{{system}}/run{{run}}/fold{fold}.tsv", fold=FOLDS),
        folds=expand("results/{{experiment}}/folds/fold{fold}.tsv", fold=FOLDS),
        soft=labels_by(METHOD, "soft"),
        hard=labels_by(METHOD, "hard"),
        classes=config["classes"],
    output:
        metrics="results/{experiment}/metrics/{system}/run{run}.json",
    log:
        "results/{experiment}/logs/evaluate_system/{system}_run{run}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate_system/{system}_run{run}.tsv"
    wildcard_constraints:
        system="|".join(map(re.escape, REFERRED + PRIORS)),
    conda:
        "../../envs/softsed.yaml"
    params:
        code=code("evaluate"),
        config=as_json(config["evaluate"]),
        loss=loss_of,
        method=METHOD,
    message:
        "Evaluate {wildcards.system}, run {wildcards.run}"
    shell:
        "python -m softsed --log {log} evaluate --system {wildcards.system} --run {wildcards.run}"
        " --scores {input.scores} --folds {input.folds}"
        " --soft results/{wildcards.experiment}/labels/{params.method}/soft --hard results/{wildcards.experiment}/labels/{params.method}/hard"
        " --classes {input.classes} --loss {params.loss} --config {params.config:q} --output {output.metrics}"
