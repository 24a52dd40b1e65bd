# labels: opinions to soft labels (Sec. 2.1, eq. 1) and soft labels to hard ones. Published soft labels enter half-way.


rule labels:
    input:
        all_of("results/{experiment}/labels/hard/{recording}.txt", recording=RECORDINGS),


if config["data"]["source"] == "demo":

    rule aggregate_opinions:
        input:
            opinions="results/{experiment}/data/opinions.tsv",
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            competence="results/{experiment}/labels/competence.tsv",
            soft=expand("results/{{experiment}}/labels/soft/{recording}.txt", recording=RECORDINGS),
        log:
            "results/{experiment}/logs/aggregate_opinions.log",
        benchmark:
            "results/{experiment}/benchmarks/aggregate_opinions.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("crowd"),
            config=as_json({key: config["labels"][key] for key in ("method", "competence")}),
            seed=derive_seed("labels"),
        message:
            "Estimate competence and aggregate opinions to soft labels"
        shell:
            "python -m softsed --log {log} crowd --opinions {input.opinions} --recordings {input.recordings}"
            " --classes {input.classes} --scenes {input.scenes} --config {params.config:q} --seed {params.seed}"
            " --competence {output.competence} --soft results/{wildcards.experiment}/labels/soft"

else:

    rule adopt_published:
        input:
            published=expand("results/{{experiment}}/data/published/{recording}.txt", recording=RECORDINGS),
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            soft=expand("results/{{experiment}}/labels/soft/{recording}.txt", recording=RECORDINGS),
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
            " --soft results/{wildcards.experiment}/labels/soft"


rule harden_labels:
    input:
        soft=expand("results/{{experiment}}/labels/soft/{recording}.txt", recording=RECORDINGS),
        recordings=config["recordings"],
        classes=config["classes"],
    output:
        hard=expand("results/{{experiment}}/labels/hard/{recording}.txt", recording=RECORDINGS),
    log:
        "results/{experiment}/logs/harden_labels.log",
    benchmark:
        "results/{experiment}/benchmarks/harden_labels.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        code=code("labels"),
        threshold=config["labels"]["threshold"],
    message:
        "Threshold soft labels at {params.threshold} and merge seconds into events"
    shell:
        "python -m softsed --log {log} labels harden --soft results/{wildcards.experiment}/labels/soft"
        " --recordings {input.recordings} --classes {input.classes} --threshold {params.threshold}"
        " --hard results/{wildcards.experiment}/labels/hard"
