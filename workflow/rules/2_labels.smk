# labels: opinions to soft labels (Sec. 2.1, eq. 1, or another method, side by side) and soft labels to hard ones.
# Published soft labels enter half-way, as the labels by the method "published".


rule labels:
    input:
        labels_by(METHODS, "hard"),
        all_of("results/{experiment}/labels/{method}/competence.tsv", method=METHODS) if FROM_OPINIONS else [],


if FROM_OPINIONS:

    rule aggregate_opinions:
        input:
            opinions="results/{experiment}/data/opinions.tsv",
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            competence="results/{experiment}/labels/{method}/competence.tsv",
            soft=expand("results/{{experiment}}/labels/{{method}}/soft/{recording}.txt", recording=RECORDINGS),
        log:
            "results/{experiment}/logs/aggregate_opinions/{method}.log",
        benchmark:
            "results/{experiment}/benchmarks/aggregate_opinions/{method}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("crowd"),
            config=estimator_of,
            seed=derive_seed("labels"),
        message:
            "Estimate competence and aggregate opinions to soft labels ({wildcards.method})"
        shell:
            "python -m softsed --log {log} crowd --opinions {input.opinions} --recordings {input.recordings}"
            " --classes {input.classes} --scenes {input.scenes} --config {params.config:q} --seed {params.seed}"
            " --competence {output.competence} --soft results/{wildcards.experiment}/labels/{wildcards.method}/soft"

else:

    rule adopt_published:
        input:
            published=expand("results/{{experiment}}/data/published/{recording}.txt", recording=RECORDINGS),
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            soft=expand("results/{{experiment}}/labels/published/soft/{recording}.txt", recording=RECORDINGS),
        log:
            "results/{experiment}/logs/adopt_published.log",
        benchmark:
            "results/{experiment}/benchmarks/adopt_published.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("labels"),
        message:
            "Take over the published soft labels"
        shell:
            "python -m softsed --log {log} labels adopt --published results/{wildcards.experiment}/data/published"
            " --recordings {input.recordings} --classes {input.classes} --scenes {input.scenes}"
            " --soft results/{wildcards.experiment}/labels/published/soft"


rule harden_labels:
    input:
        soft=expand("results/{{experiment}}/labels/{{method}}/soft/{recording}.txt", recording=RECORDINGS),
        recordings=config["recordings"],
        classes=config["classes"],
    output:
        hard=expand("results/{{experiment}}/labels/{{method}}/hard/{recording}.txt", recording=RECORDINGS),
        thresholds="results/{experiment}/labels/{method}/thresholds.tsv",
    log:
        "results/{experiment}/logs/harden_labels/{method}.log",
    benchmark:
        "results/{experiment}/benchmarks/harden_labels/{method}.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        code=code("labels"),
        threshold=threshold_of,
    message:
        "Threshold soft labels ({wildcards.method}) at {params.threshold} and merge seconds into events"
    shell:
        "python -m softsed --log {log} labels harden --soft results/{wildcards.experiment}/labels/{wildcards.method}/soft"
        " --recordings {input.recordings} --classes {input.classes} --threshold {params.threshold}"
        " --hard results/{wildcards.experiment}/labels/{wildcards.method}/hard --thresholds {output.thresholds}"
