"""Configs, merged as Snakemake merges them."""

import yaml
from snakemake.utils import update_config

from support.project import ROOT

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
DEMO, STUDY, QUICK = "workflow/demo.yaml", "workflow/study.yaml", "workflow/quick.yaml"
OWN, OPINIONS = "workflow/own.yaml", "workflow/opinions.yaml"


def merged(*changes: str) -> dict:
    """Merge config.yaml with changes: names of YAML files in the project, or YAML."""
    config: dict = {}
    for change in ("config.yaml", *changes):
        text = (ROOT / change).read_text(encoding="utf-8") if change.endswith(".yaml") else change
        update_config(config, yaml.safe_load(text))
    return config
