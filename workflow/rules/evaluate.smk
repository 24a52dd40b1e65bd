# evaluate: segment-based metrics against soft and hard labels (Sec. 3.2), one file per system and run, including the
# baselines without audio; if true events are known, also metrics of systems and labels against these events.


rule evaluate:
    input:
        plan.per_run("<results>/metrics/{system}/run{run}.json", plan.compared_systems),
        plan.per_run("<results>/metrics/{system}/run{run}.truth.json", plan.all_systems) if plan.truth else [],
        expand("<results>/metrics/labels/{method}.truth.json", method=plan.methods) if plan.truth else [],


rule evaluate_system:
    input:
        scores=expand("<results>/predictions/{{system}}/run{{run}}/fold{fold}.tsv", fold=plan.folds),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        soft=plan.labels("soft"),
        hard=plan.labels("hard"),
        classes=plan.tables["classes"],
    output:
        metrics="<results>/metrics/{system}/run{run}.json",
    log:
        "<logs>/evaluate_system/{system}_run{run}.log",
    benchmark:
        "<benchmarks>/evaluate_system/{system}_run{run}.tsv"
    wildcard_constraints:
        system="|".join(plan.compared_systems),
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("evaluate.system"),
        config=as_json(config["evaluate"]),
        loss=from_wildcards(plan.loss_of, "system"),
    message:
        "Evaluate {wildcards.system}, run {wildcards.run}"
    shell:
        "python -m softsed --log {log} evaluate.system --system {wildcards.system} --run {wildcards.run}"
        " --scores {input.scores} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard}"
        " --classes {input.classes:q} --loss {params.loss} --config {params.config:q} --output {output.metrics}"


if plan.truth:

    rule evaluate_ground_truth:
        input:
            scores=expand("<results>/predictions/{{system}}/run{{run}}/fold{fold}.tsv", fold=plan.folds),
            folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
            soft=from_wildcards(plan.soft_labels_of, "system"),
            truth=plan.truth,
            classes=plan.tables["classes"],
        output:
            metrics="<results>/metrics/{system}/run{run}.truth.json",
        log:
            "<logs>/evaluate_ground_truth/{system}_run{run}.log",
        benchmark:
            "<benchmarks>/evaluate_ground_truth/{system}_run{run}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("evaluate.ground_truth"),
            truth=plan.truth_option,
            config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
            training=from_wildcards(plan.system_settings, "system"),
        message:
            "Evaluate {wildcards.system}, run {wildcards.run}, against the true events"
        shell:
            "python -m softsed --log {log} evaluate.ground_truth system --system {wildcards.system} --run {wildcards.run}"
            " --scores {input.scores} --folds {input.folds} {params.truth}"
            " --soft {input.soft} --classes {input.classes:q}"
            " --training {params.training:q} --config {params.config:q} --output {output.metrics}"

    rule evaluate_ground_truth_labels:
        input:
            folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
            soft="<results>/labels/{method}/soft.tsv",
            hard="<results>/labels/{method}/hard.tsv",
            truth=plan.truth,
            classes=plan.tables["classes"],
        output:
            metrics="<results>/metrics/labels/{method}.truth.json",
        log:
            "<logs>/evaluate_ground_truth_labels/{method}.log",
        benchmark:
            "<benchmarks>/evaluate_ground_truth_labels/{method}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("evaluate.ground_truth"),
            truth=plan.truth_option,
            config=as_json({"classes": config["evaluate"]["classes"]}),
            training=lambda wildcards: as_json({"method": wildcards.method}),
            threshold=from_wildcards(plan.threshold, "method"),
        message:
            "Evaluate labels ({wildcards.method}) against the true events"
        shell:
            "python -m softsed --log {log} evaluate.ground_truth labels --folds {input.folds} {params.truth}"
            " --soft {input.soft} --hard {input.hard} --classes {input.classes:q}"
            " --threshold {params.threshold} --training {params.training:q} --config {params.config:q}"
            " --output {output.metrics}"
