# folds: which recordings a system trains on, stops by and is tested on (Sec. 3).


rule folds:
    input:
        expand("<results>/folds/fold{fold}.tsv", fold=FOLDS),


# As in data.smk: the official lists are fetched.
localrules:
    make_folds,


rule make_folds:
    input:
        recordings=config["recordings"],
    output:
        folds=expand("<results>/folds/fold{fold}.tsv", fold=FOLDS),
    log:
        "<logs>/make_folds.log",
    benchmark:
        "<benchmarks>/make_folds.tsv"
    conda:
        "../../envs/softsed.yaml"
    # As in data.smk, the address of the official lists is not a parameter; nor is what the other source would need.
    resources:
        address=config["folds"]["official"]["address"],
    params:
        *code("folds"),
        results=results_folder,
        config=as_json(fold_config()),
        seed=derive_seed("folds") if config["folds"]["source"] == "generated" else 0,
    message:
        "Make the folds"
    shell:
        "python -m softsed --log {log} folds --recordings {input.recordings:q} --config {params.config:q} --seed {params.seed}"
        " --address {resources.address:q}"
        " --output {params.results}/folds"
