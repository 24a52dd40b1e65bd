"""Sentences that people read in files of the project: documents, docstrings, comments, help, messages, templates."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from support.markdown import prose


def read_sentences(path: Path, *, strings: bool = True) -> Iterator[str]:
    """Yield the sentences of a file as pieces of text.

    Parameters
    ----------
    path : Path
        Python module, rule file, Makefile, YAML, Markdown, reStructuredText or template.
    strings : bool
        Whether strings of a Python module are sentences, such as help and errors. Docstrings and comments always are.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _comments(text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (docstring := ast.get_docstring(node)):
                yield docstring
            elif strings and isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield node.value
    elif path.suffix == ".smk" or path.name == "Snakefile":
        yield from _comments(text)
        yield from re.findall(r'^ *message: *"(.*)"', re.sub(r"(message:)\n *", r"\1 ", text), re.MULTILINE)
        yield from re.findall(r'"""(.*?)"""', text, re.DOTALL)
    elif path.suffix == ".md":
        yield "\n".join(prose(text, tables=True))
    else:
        yield re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)


def _comments(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
