"""The words of documents, docstrings, comments, help and messages are those of the field, in plain English."""

import re

import pytest
from support.project import ROOT
from support.run import run
from support.sentences import read_sentences

THINGS = (
    "Snakemake|DVC|SLURM|git|[Tt]he (?:baseline|check|clone|config|error|file|job|log|message|model|page|plan|rule|"
    "step|system|table|test|training|workflow)"
)
COUNTED = (
    "rows?|columns?|files?|scores?|opinions?|windows?|frames?|jobs?|threads?|times|seconds|minutes?|hours?|s|MB|GB"
)
UNITS = (
    "annotator|class|core|day|epoch|event|fold|hour|job|minute|recording|row|run|scene|second|step|system|training|"
    "window"
)
# Unclear words by rule, and what to write instead. The patterns are narrow, so that they have no false alarms.
WORDS = {
    r"whence|hence|thus|likewise|meanwhile|thereby|the latter|the former|for ever|anew": "plain words",
    r"one's own|of one's|oneself": "your, or user-provided",
    r"he|his|him": "they, or the annotator",
    r"mend(?:s|ed)?|told|go(?:es|ing)? on|tak(?:es?|en|ing) over|took over": "fix, report, continue, import",
    rf"(?:{THINGS}) (?:says?|sees?|knows?|wants?|tells?|asks?|hears?|remembers?|thinks?)": "contain, report, request",
    rf"(?:{COUNTED}|one|two|three|five) an? (?:{UNITS})": "per",
    r"(?<![Tt]here )(?:is|are|was|were) no (?!longer|more|closer|opinion|answer)\w+|none of ours": "not a (valid) ...",
    r"[Ww]hat (?:is|was|were) (?:left|made|read|done|asked|kept|answered|learned)": "a noun: the remaining jobs",
    r"whoever|ways? out|the whole way|of no use": "a noun: the remedy",
    r"Before[,:]|used to be": "nothing, because the change log has the history",
    r"behaviors?|labeled|labeling|gray|favor\w*|judgment|analyz\w+": "British spelling",
    r"(?:normal|initial|optim|recogn|summar|organ)iz\w+": "British spelling",
}
LONGEST_NAME = 50
GROUPS = {
    "documents": ("*.md", ":!docs/study", ":!docs/demo"),
    "package": ("workflow/softsed/*.py",),
    "tests": ("tests/*.py", "benchmarks/*.py"),
    "rules": ("Snakefile", "*.smk", "Makefile"),
    "configs": ("config.yaml", "workflow/*.yaml", "profiles"),
    "templates": ("*.j2", "*.rst"),
}


def files(*patterns):
    return [ROOT / name for name in run(ROOT, "git", "ls-files", "--", *patterns).splitlines()]


def find_words(text):
    """Return the unclear words of a text, each with its replacement."""
    return [f"{found}: {use}" for words, use in WORDS.items() for found in re.findall(rf"\b(?:{words})\b", text)]


@pytest.mark.parametrize(
    "text",
    [
        "The table says which",
        "he ticked",
        "a file of one's own",
        "one score a second and class",
        "a hop that is no number",
    ],
)
def test_find_words_finds_unclear_words(text):
    assert len(find_words(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["there is no file", "a missing row is no opinion", "the other annotators", "one score per second and class"],
)
def test_find_words_accepts_plain_words(text):
    assert find_words(text) == []


@pytest.mark.parametrize("group", GROUPS)
def test_words_are_those_of_the_field(group):
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files(*GROUPS[group])
        if path.name != "test_words.py"
        for text in read_sentences(path, strings=group == "package")
        for word in find_words(text)
    ]
    assert found == []


def test_names_of_tests_have_at_most_50_characters():
    texts = [path.read_text(encoding="utf-8") for path in files("tests/*.py")]
    names = [name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.MULTILINE)]
    assert len(names) > 1000
    assert [name for name in names if len(name) > LONGEST_NAME] == []
