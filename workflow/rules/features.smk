# features: mel energies of every recording (Sec. 3.1); for systems that read them, also embeddings of a pretrained model.


rule features:
    input:
        expand("<results>/features/index.tsv"),
        plan.front_ends.manifest,


# A job of a second, on which every recording depends: too short for the queue of a cluster.
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
        config=as_json(plan.front_ends.mel),
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
        config=as_json(plan.front_ends.mel),
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


if plan.front_ends.files:

    rule list_embeddings:
        input:
            embeddings=list(plan.front_ends.files.values()),
            recordings=plan.tables["recordings"],
            model=plan.front_ends.model,
        output:
            manifest="<results>/embeddings/manifest.json",
        log:
            "<logs>/list_embeddings.log",
        benchmark:
            "<benchmarks>/list_embeddings.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("features.embedding_manifest"),
            folder=lambda wildcards: plan.front_ends.folder,
            config=as_json(plan.front_ends.settings),
        message:
            "Check the embeddings of all recordings, and write their manifest"
        shell:
            "python -m softsed --log {log} features.embedding_manifest --folder={params.folder:q} --config {params.config:q}"
            " --recordings {input.recordings:q} --model {input.model:q} --output {output.manifest}"


if plan.front_ends.model:

    rule embed_recording:
        input:
            audio=from_wildcards(plan.audio_of, "recording"),
            model=plan.front_ends.model,
        output:
            embeddings="<results>/embeddings/files/{recording}.npy",
        log:
            "<logs>/embed_recording/{recording}.log",
        benchmark:
            "<benchmarks>/embed_recording/{recording}.tsv"
        conda:
            "../../envs/softsed.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            *code("features.embed"),
            **plan.front_ends.settings,
        message:
            "Embed {input.audio}"
        shell:
            "python -m softsed --log {log} features.embed --model {input.model:q} --audio={input.audio:q}"
            " --rate {params.sample_rate} --window {params.window_s} --hop {params.hop_s} --batch {params.batch}"
            " --threads {threads} --output {output.embeddings}"
