# What opinions alone cannot give: the stages that need audio say so.

for stage in ("features", "folds", "train", "predict", "evaluate", "report"):

    rule:
        name:
            stage
        input:
            no_audio,
