"""A page of HTML: one file without scripts or links to elsewhere, readable on a phone and in the dark.

Whatever comes from files is escaped here: headings, sentences and cells are text, only `content` is HTML.
"""

import html

ROWS = 200  # of a table; the rest stays in its file
CSS = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; background: Canvas;
  color: CanvasText; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.2; }
svg { width: 100%; height: auto; max-width: 46rem; }
svg image { image-rendering: pixelated; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { padding: 0.15rem 0.6rem; text-align: right; border-bottom: 1px solid #8886; }
th:first-child, td:first-child { text-align: left; }
"""


def grid(columns: list[str], rows: list[list[str]]) -> str:
    """Write a table; cells are escaped."""

    def line(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    more = f"<p>{len(rows) - ROWS} more rows are in the table itself.</p>" if len(rows) > ROWS else ""
    body = "\n".join(line(row, "td") for row in rows[:ROWS])
    return f'<div class="table"><table>\n{line(columns, "th")}\n{body}\n</table></div>{more}\n'


def page(title: str, sections: list[tuple[str, str, str]]) -> str:
    """Put a page together from headings, sentences (text) and content (HTML)."""
    parts = [
        f"<h2>{html.escape(heading)}</h2>\n<p>{html.escape(text)}</p>\n{content}" for heading, text, content in sections
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n"
        + "\n".join(parts)
        + "</body>\n</html>\n"
    )
