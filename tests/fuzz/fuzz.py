"""Every parser of text against a coverage-guided fuzzer: all it may do is read well or raise an InputError.

    make fuzz    # in an environment of its own, with atheris, libFuzzer for Python: 35 MB, for this alone

Each parser gets `SECONDS` of mutations of a good file, `RUNS` at most; a crash, a wrong value (`assert` below), 2 GB or
10 s for one file stop it, and the file that did it is kept beside the table. The same parsers and
examples are tested with generated tables in tests/faults.
"""

import argparse
import logging
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from support.parsers import EXAMPLES, FILE, parsers

SECONDS, RUNS = 30, 1_000_000
TOKENS = ["\t", "\n", "\r\n", "\0", "\ufeff", " ", "_", "-", "0_1", "nan", "inf", "1e308", "-0", "0.5", "1.0000001"]
TOKENS += ["9" * 12, "9" * 30, "9" * 5000]


def fuzz_one(name: str, scratch: Path) -> None:
    """Fuzz one parser in this process, which libFuzzer ends."""
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=["softsed"]):
        parser = parsers(scratch)[name]
        from softsed.core.errors import InputError  # noqa: PLC0415
    logging.disable()

    def once(data: bytes) -> None:
        path = scratch / FILE
        path.write_bytes(data)
        try:
            parser.read(path)
        except InputError as error:
            if path.stem not in str(error) and "recording '" not in str(error):
                raise AssertionError("an error that does not say where") from error

    separator = "," if name == "sonyc" else "\t"

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        """Change bytes as libFuzzer does, or whole fields and rows, which it hardly ever meets by chance."""
        rng = random.Random(seed)
        if rng.random() < 0.3:
            return atheris.Mutate(data, size)
        text = (
            parser.example if rng.random() < 0.5 else data.decode("utf-8", "replace")
        )  # most of the kept inputs are invalid
        rows = [line.split(separator) for line in text.split("\n")]
        for _ in range(rng.randint(1, 3)):
            row, token = rng.choice(rows), rng.choice([*TOKENS, *rng.choice(rows)])
            for place in rng.sample(range(len(row)), min(len(row), rng.choice([1, 1, 2]))):
                row[place] = token
            if rng.random() < 0.2:
                rows.insert(rng.randrange(len(rows)), list(row))
        return "\n".join(map(separator.join, rows)).encode()[:size]

    (scratch / "corpus").mkdir()
    (scratch / "corpus/good").write_bytes(parser.example.encode())
    quoted = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in TOKENS if len(token) < 99)
    (scratch / "tokens").write_text("".join(f'"{token}"\n' for token in quoted))
    limits = [f"-max_total_time={SECONDS}", f"-runs={RUNS}", "-rss_limit_mb=2048", "-timeout=10"]
    limits += ["-max_len=9000", "-len_control=0"]  # of 9000 bytes from the start
    files = [f"-artifact_prefix={scratch}/found_", f"-dict={scratch}/tokens", f"{scratch}/corpus"]
    atheris.Setup([sys.argv[0], *limits, *files], once, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> None:
    """Fuzz every parser, each in a process of its own, and write a table; exit with 1 if anything was found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("output", type=Path, help="table, written")
    parser.add_argument("names", nargs="*", default=list(EXAMPLES), help="parsers; all without")
    parser.add_argument("--inside", help=argparse.SUPPRESS)  # the process of one parser, and its folder
    options = parser.parse_args()
    if options.inside:
        fuzz_one(options.names[0], Path(options.inside))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    rows, failed = ["parser\tfiles\ts\tedges\tresult"], False
    for name in options.names:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, __file__, str(options.output), name, "--inside", scratch]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            runs, seconds = (re.findall(r"Done (\d+) runs in (\d+) second", done.stderr) or [("?", "?")])[-1]
            edges = (re.findall(r"cov: (\d+)", done.stderr) or ["?"])[-1]
            for found in Path(scratch).glob("found_*"):
                found.rename(options.output.with_name(f"fuzz_{name}_{found.name}"))
            if done.returncode:
                failed = True
                sys.stderr.write(done.stderr[-3000:])
        rows.append(f"{name}\t{runs}\t{seconds}\t{edges}\t{'found one' if done.returncode else 'nothing found'}")
        sys.stderr.write(rows[-1] + "\n")
        options.output.write_text("\n".join(rows) + "\n", encoding="utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
