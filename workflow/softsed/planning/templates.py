"""Templates that a page or a document uses, for the inputs of its rule."""

import re
from pathlib import Path

from softsed.core.errors import InputError
from softsed.planning.places import workflow_file

# A pattern, because the import of Jinja2 would slow down every dry run; a test compares the pattern with Jinja2.
REFERENCE = re.compile(r'{%-? *(?:extends|include|import|from) +"([^"]+)"')
SHARED = ("workflow/softsed/report/templates", "workflow/softsed/core/templates")  # folders


def list_templates(template: str) -> list[str]:
    """List a template, then all templates that it extends, imports or includes, directly or through each other.

    Parameters
    ----------
    template : str
        Path of the template. The other templates are in its folder or in a folder of `SHARED`.

    Raises
    ------
    InputError
        If a template does not exist.
    """
    shared = [Path(workflow_file(folder)) for folder in SHARED]
    found: list[Path] = []
    waiting = [Path(template)]
    while waiting:
        path = waiting.pop(0)
        if path in found:
            continue
        found.append(path)
        for name in REFERENCE.findall(path.read_text(encoding="utf-8")):
            places = [folder / name for folder in (Path(template).parent, *shared)]
            if not (used := next((place for place in places if place.is_file()), None)):
                problem = f"the template includes {name!r}, which does not exist"
                expected = f"the file at one of these paths: {', '.join(map(str, places))}"
                raise InputError(problem, file=path, expected=expected)
            waiting.append(used)
    return [path.as_posix() for path in found]
