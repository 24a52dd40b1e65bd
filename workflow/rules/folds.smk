# folds: lists of recordings for training, validation and test (Sec. 3).


rule folds:
    input:
        expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),


# The official lists are downloaded, and compute nodes often have no internet access.
localrules:
    make_folds,


rule make_folds:
    input:
        recordings=plan.tables["recordings"],
    output:
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
    log:
        "<logs>/make_folds.log",
    benchmark:
        "<benchmarks>/make_folds.tsv"
    conda:
        "../../envs/softsed.yaml"
    resources:
        **untracked(address=config["folds"]["official"]["address"]),
    params:
        *code("folds"),
        results=results_folder,
        config=as_json(plan.fold_settings()),
        seed=plan.fold_seed(),
    message:
        "Make the folds"
    shell:
        "python -m softsed --log {log} folds --recordings {input.recordings:q} --config {params.config:q} --seed {params.seed}"
        " --address {resources.address:q}"
        " --output {params.results}/folds"
