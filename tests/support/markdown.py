"""Parts of a Markdown document: links, anchors, blocks of code, code in sentences, and prose."""

import re
from collections import Counter

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """Return the content of the blocks of code in a language."""
    return [block for name, block in FENCE.findall(text) if name == language]


def spans(text: str) -> list[str]:
    """Return the code in sentences and tables."""
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """Return the targets of links and images, without web addresses."""
    text = re.sub(r"`[^`]*`", "", FENCE.sub("", text))
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    counts: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{counts[slug]}" if counts[slug] else slug)
        counts[slug] += 1
    return found


def prose(text: str, *, tables: bool = False) -> list[str]:
    """Return the lines that are neither code nor a picture, and no table unless tables are wanted."""
    kept = FENCE.sub("", text).splitlines()
    return [line for line in kept if not line.startswith("![") and (tables or not line.startswith("|"))]
