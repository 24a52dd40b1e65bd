"""Generated files for every parser of text: the right values, or an InputError with the place.

The parsers, their valid files and the checks of their results are those of the fuzzer (`make fuzz`).
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.parsers import CLASSES, EXAMPLES, FILE, parsers

from softsed.core.errors import InputError
from softsed.core.label_rows import UNKNOWN

NASTY = ["", " ", "_", "0_1", "-1", "-0", "nan", "inf", "1e308", "9" * 400, "1.0000001", "٣", "car ", "Car", "r1"]
NASTY += ["\0", "\ufeff", "\v", "\x85", "\u2028", '"', '"a\tb"', "\t", "\n", "\r", "people_talking", "street", "\ud7ff"]

# The same examples in every run, so that a failure can be repeated.
repeatable = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Read bytes as a file of a parser."""
    folder = tmp_path_factory.mktemp("generated")
    known = parsers(folder)

    def read(name, content):
        (folder / FILE).write_bytes(content)
        return known[name].read(folder / FILE)

    return read


def same(one, other):
    """Compare what parsers return: containers of arrays, and arrays with nan."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return same(vars(one), vars(other)) if hasattr(one, "__dict__") else one == other


@pytest.mark.parametrize("name", EXAMPLES)
def test_additions_of_spreadsheets_are_ignored(read, name):
    """Byte-order mark, Windows line ends, blank lines or tabs at the end, spaces around fields, in any combination."""
    text = EXAMPLES[name]
    plain = read(name, text.encode())
    spaced = text.replace("\n", "  \n").replace("\t", " \t ")
    spaced = text if name == "sonyc" else f"{spaced}\n \n"  # a table that is separated by commas
    # A line of tabs is an error in YAML.
    cleared = text if name in ("sonyc", "macs") else f"{text}\t\t\t\n\t\n \t \n"
    for changed in (text, spaced, cleared, f"{text}\n\n", text.removesuffix("\n")):
        for ends in ("\n", "\r\n"):
            for mark in ("", "\ufeff"):
                assert same(read(name, (mark + changed.replace("\n", ends)).encode()), plain)


HEADED = [name for name in EXAMPLES if name not in ("official", "published", "events", "scores", "sonyc", "audacity")]


@pytest.mark.parametrize("name", HEADED)
def test_empty_columns_of_spreadsheets_are_ignored(read, name):
    """Scores are refused, because their columns are classes and no spreadsheet writes them."""
    text = EXAMPLES[name]
    assert same(read(name, text.replace("\n", "\t\t\n").encode()), read(name, text.encode()))


@pytest.mark.parametrize("name", ["published", "events", "own_soft", "own_hard"])
def test_lines_of_tabs_are_ignored(read, name):
    text = EXAMPLES[name]
    first, rest = text.split("\n", 1)
    assert same(read(name, f"{first}\n\t\t\t\n{rest}".encode()), read(name, text.encode()))


@st.composite
def spoilt(draw, name):
    """A valid file with a few wrong fields, rows or bytes."""
    separator = "," if name == "sonyc" else "\t"
    rows = [line.split(separator) for line in EXAMPLES[name].splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        match draw(st.sampled_from(["field", "field", "field", "drop", "repeat", "swap", "cut", "more"])):
            case "field":
                texts = st.sampled_from(NASTY) | st.text(max_size=4) | st.floats().map(repr) | st.integers().map(str)
                rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(texts)
            case "drop" if len(rows) > 1:
                del rows[row]
            case "repeat":
                rows.append(list(rows[row]))
            case "swap":
                rows.reverse()
            case "cut" if len(rows[row]) > 1:
                del rows[row][-1]
            case "more":
                rows[row].append(draw(st.sampled_from(NASTY)))
    text = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])).join(map(separator.join, rows))
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])), "replace")
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content


@pytest.mark.parametrize("name", EXAMPLES)
def test_damaged_file_is_read_correctly_or_refused(read, name):
    """The result of a parser is checked. Each error must be an InputError that names the file."""

    @settings(repeatable, max_examples=100)
    @given(spoilt(name))
    def one(content):
        try:
            read(name, content)
        except InputError as error:
            where = str(error)
        else:
            return
        assert Path(FILE).stem in where or "recording '" in where

    one()


# Parser -> the columns that hold numbers.
NUMBERS = {
    "recordings": [2],
    "soft": [1, 2, 4],
    "own_soft": [1, 2, 4],
    "hard": [1, 2],
    "own_hard": [1, 2],
    "published": [0, 1, 3],
    "events": [0, 1],
    "truth": [0, 1],
    "scores": [1, 2, 3],
    "opinions": [1, 2, 5],
    "own_opinions": [1, 2, 5],
    "survey": [2],
    "strong": [3, 4],
    "audacity": [0, 1],
    "raven": [2, 3],
    "sonyc": [1, 2],
    "competences": [1],
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["loud", "", "nan", "0_5", "0,5", "-3.5"])
def test_text_instead_of_a_number_is_refused(read, name, value):
    separator = "," if name == "sonyc" else "\t"
    lines = EXAMPLES[name].splitlines()
    first = 0 if name in ("published", "events", "audacity") else 1
    for column in NUMBERS[name]:
        if (name, value) in {("scores", "-3.5"), ("sonyc", "0,5")} and column >= 2:
            continue  # a score may be less than 0; a further comma is a further field, as the other column shows
        if name in ("soft", "own_soft", "published") and column == NUMBERS[name][-1] and value in UNKNOWN:
            continue  # a soft label may be unknown
        fields = lines[first].split(separator)
        fields[column] = value
        changed = [*lines[:first], separator.join(fields), *lines[first + 1 :]]
        with pytest.raises(InputError, match=rf"fuzzed_7f3\.t\w+, line {first + 1}\b"):
            read(name, "\n".join(changed).encode())


def number(draw, value):
    """A number in any notation that a person may write."""
    return draw(st.sampled_from([repr(value), f"{value:.6f}", f" {value:.6e}", f"{value:.6f} "]))


@st.composite
def written(draw, header, rows):
    """A table as a person may have saved it: any order of the rows, line ends, byte-order mark, spaces."""
    lines = ["\t".join(header)] * bool(header) + ["\t".join(row) for row in draw(st.permutations(rows))]
    text = draw(st.sampled_from(["\n", "\r\n", " \n"])).join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"])))


VALUES = st.lists(
    st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=2, max_size=2), min_size=2, max_size=2
).map(np.array)


@pytest.mark.parametrize(("name", "headed"), [("soft", True), ("own_soft", True), ("published", False)])
def test_soft_labels_are_read_as_written(read, name, headed):
    @settings(repeatable, max_examples=40)
    @given(st.data(), VALUES, VALUES)
    def one(data, first, second):
        expected = {"r1": first, "r2": second} if headed else {"r": first}
        rows = [
            [recording] * headed + [str(t), f"{t + 1}.0", label, number(data.draw, float(matrix[t, c]))]
            for recording, matrix in expected.items()
            for t in range(2)
            for c, label in enumerate(CLASSES)
            if headed or matrix[t, c] or data.draw(st.booleans())  # zeros may be left out of published text
        ]
        header = ["recording", "onset", "offset", "label", "value"] if headed else []
        found = read(name, data.draw(written(header, rows)))
        assert same({key: found[key] for key in sorted(found)}, expected)

    one()


@pytest.mark.parametrize("name", ["events", "hard", "own_hard"])
def test_events_are_read_as_written(read, name):
    @settings(repeatable, max_examples=40)
    @given(st.data(), st.lists(st.tuples(st.integers(0, 7), st.integers(1, 8), st.sampled_from(CLASSES)), max_size=6))
    def one(data, drawn):
        events = [(start / 4, (start + length) / 4, label) for start, length, label in drawn if start + length <= 8]
        rows = [[repr(onset), number(data.draw, offset), label] for onset, offset, label in events]
        if name == "events":
            assert sorted(map(tuple, read(name, data.draw(written([], rows))))) == sorted(events)
            return
        rows = [["r1", *row] for row in rows] or [["r1", "", "", ""]]
        rows += [["r2", "0", "1", label] for label in CLASSES]
        found = read(name, data.draw(written(["recording", "onset", "offset", "label"], rows)))
        if name == "hard":
            assert sorted(map(tuple, found["r1"])) == sorted(events)
        else:  # seconds that an event touches
            touched = [
                [any(on < t + 1 and off > t and label == c for on, off, label in events) for c in CLASSES]
                for t in range(2)
            ]
            np.testing.assert_array_equal(found["r1"], touched)

    one()


def test_opinions_are_read_as_written(read):
    @settings(repeatable, max_examples=40)
    @given(st.data(), st.lists(st.booleans(), min_size=8, max_size=8))
    def one(data, ticks):
        keys = [(r, who, c) for r in ("r1", "r2") for who in ("Ann", "Bob B.") for c in CLASSES]
        rows = [[r, "0", "2.0", f" {who} ", c, str(int(tick))] for (r, who, c), tick in zip(keys, ticks, strict=True)]
        header = ["recording", "onset", "offset", "annotator", "class", "opinion"]
        found = read("opinions", data.draw(written(header, rows)))
        assert found.annotators == ["Ann", "Bob B."]
        answers = zip(found.window, found.annotator, found.label, found.opinion, strict=True)
        assert {
            (found.recording[w], found.annotators[a], found.classes[c]): bool(tick) for w, a, c, tick in answers
        } == dict(zip(keys, ticks, strict=True))

    one()


@pytest.mark.parametrize(
    ("name", "message"),
    [("soft", "'r1' has 5 rows instead of"), ("own_soft", "but the recording 'r1' lasts 2.50 s")],
)
def test_row_far_after_the_end_needs_little_memory(read, name, message):
    with pytest.raises(InputError, match=message):
        read(name, f"{EXAMPLES[name]}r1\t99999999998\t99999999999\tcar\t0.5\n".encode())
