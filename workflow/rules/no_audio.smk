# Stages that need audio: in an experiment with opinions only, each of them stops with an explanation.

for stage in ("features", "folds", "train", "predict", "evaluate", "report"):

    rule:
        name:
            stage
        input:
            no_audio(stage),
