# features: mel energies of every recording (Sec. 3.1).


rule features:
    input:
        expand("<results>/features/index.tsv"),


# A second's work that every recording waits for: not worth a place in a cluster's queue.
localrules:
    make_filterbank,


rule make_filterbank:
    output:
        filterbank="<results>/features/filterbank/filterbank.npz",
    log:
        "<logs>/make_filterbank.log",
    benchmark:
        "<benchmarks>/make_filterbank.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("features.extract"),
        config=as_json(config["features"]),
    message:
        "Compute the mel filter bank"
    shell:
        "python -m softsed --log {log} features.extract --config {params.config:q} --filterbank {output.filterbank}"


rule extract_features:
    input:
        audio=from_wildcards(plan.audio_of, "recording"),
        filterbank="<results>/features/filterbank/filterbank.npz",
    output:
        features="<results>/features/{recording}.npz",
    log:
        "<logs>/extract_features/{recording}.log",
    benchmark:
        "<benchmarks>/extract_features/{recording}.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("features.extract"),
        config=as_json(config["features"]),
    message:
        "Extract features of {input.audio}"
    shell:
        "python -m softsed --log {log} features.extract --config {params.config:q} --filterbank {input.filterbank}"
        " --audio={input.audio:q} --output {output.features}"


rule write_manifest:
    input:
        features=expand("<results>/features/{recording}.npz", recording=plan.recordings),
        recordings=plan.tables["recordings"],
    output:
        index="<results>/features/index.tsv",
        audio="<results>/features/audio.tsv",
    log:
        "<logs>/write_manifest.log",
    benchmark:
        "<benchmarks>/write_manifest.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("features.manifest"),
        results=results_folder,
        f_max=config["features"]["f_max"],
    message:
        "Write the manifest of the features of all recordings"
    shell:
        "python -m softsed --log {log} features.manifest --features {params.results}/features"
        " --recordings {input.recordings:q} --f-max {params.f_max} --output {output.index} --audio {output.audio}"
