"""The commands of docs/importers.md, run on the files that the page shows above them."""

import re
import shlex

from support.project import ROOT

from softsed import cli

PAGE = (ROOT / "docs/importers.md").read_text(encoding="utf-8")
# A file and its content, a file that begins with some content, or commands.
BLOCK = re.compile(r"^(?:`(mydata/[^`]+)`([^\n]*):\n\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_gives_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = set()
    for file, what, language, text in BLOCK.findall(PAGE):
        path = tmp_path / file
        if language == "sh":
            for line in text.splitlines():
                assert cli.main(shlex.split(line)[1:]) == 0, line
                commands.add(line.split()[2])
        elif what.endswith("begins with"):
            shown = [re.split(r"\s{2,}", line) for line in text.splitlines()]
            found = [line.rstrip("\t").split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
            assert found[: len(shown)] == shown, file
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            separated = path.suffix in (".tsv", ".txt")
            path.write_text(re.sub(" {2,}", "\t", text) if separated else text, encoding="utf-8")
    assert commands == {
        "strong",
        "desed",
        "audioset",
        "table",
        "audacity",
        "raven",
        "textgrid",
        "label-studio",
        "sonyc",
        "macs",
    }


def test_every_block_belongs_to_a_file_or_a_command():
    assert all(file or language == "sh" for file, _, language, _ in BLOCK.findall(PAGE))
    assert len(BLOCK.findall(PAGE)) * 2 == len(re.findall(r"^```", PAGE, re.MULTILINE))
