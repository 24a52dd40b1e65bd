"""Embeddings of recordings by a user-provided model in a file (`softsed.features.embedding_models`).

Conventions
-----------
- A model maps samples of one channel from -1 to 1, float32 [batch, window], to one embedding per window,
  [batch, dimensions], or to frames that divide the window evenly, [batch, frames, dimensions].
- Frame i describes the time from i * hop_s to (i + 1) * hop_s. The window of an embedding is centred on this time, with
  zeros before and after the recording. If a model divides a window into frames, the windows do not overlap.
- Each call of the model has the same number of windows, because some models have a fixed batch size. Zeros fill up the
  last batch.
- A recording is read, embedded and written piece by piece: memory does not depend on its length.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from softsed.core.audio import list_audio, read_audio
from softsed.core.errors import InputError, Problems, is_out_of_memory
from softsed.core.options import add_options, build_parser
from softsed.features.embedding_models import first_line, load_embedding_model
from softsed.features.embeddings import exact_hop

BATCH = 8  # windows per call: memory of a large model stays below 2 GB

logger = logging.getLogger(__name__)


def cut_windows(pieces: Iterable[np.ndarray], window: int, hop: int, batch: int) -> Iterator[np.ndarray]:
    """Cut a signal into one window per hop, each centred on its hop, in batches.

    Parameters
    ----------
    pieces : iterable of ndarray of float32 [samples]
        Signal as consecutive pieces of any length.
    window, hop : int
        Samples of a window, and from one window to the next, at most `window`.
    batch : int
        Windows per batch.

    Yields
    ------
    ndarray of float32 [batch, window]
        The last batch may have fewer windows. Together there are as many as hops in the signal, rounded up.
    """
    lead = (window - hop) // 2
    held, samples, done = np.zeros(lead, np.float32), 0, 0
    for piece in pieces:
        samples += len(piece)
        held = np.concatenate([held, piece])
        while len(held) >= window + (batch - 1) * hop:
            yield np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(held, window)[::hop][:batch])
            held, done = held[batch * hop :], done + batch
    while (rest := min(batch, -(-samples // hop) - done)) > 0:
        needed = window + (rest - 1) * hop
        filled = np.concatenate([held, np.zeros(max(0, needed - len(held)), np.float32)])[:needed]
        yield np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(filled, window)[::hop])
        held, done = held[rest * hop :], done + rest


class Embedder:
    """A model and the windows that it embeds.

    Parameters
    ----------
    model : Path
        Model file.
    sample_rate : int
        Sampling rate that the model expects, in Hz.
    window_s, hop_s : float
        Length of a window, and distance between two frames of the result, in seconds.
    batch : int
        Windows per call of the model.

    Raises
    ------
    InputError
        If the model cannot be loaded, does not accept such windows, or divides them into frames of another hop.
    """

    def __init__(self, model: Path, *, sample_rate: int, window_s: float, hop_s: float, batch: int = BATCH) -> None:
        self.path, self.rate, self.batch = model, sample_rate, batch
        self.window, hop_s = whole_samples(window_s, sample_rate, "--window"), exact_hop(hop_s)
        self.model = load_embedding_model(model)
        shape = self.run(np.zeros((1, self.window), np.float32)).shape
        self.frames = shape[1] if len(shape) == 3 else 1  # per window
        self.hop = self.window  # from one window to the next
        if len(shape) == 2:
            self.hop = whole_samples(hop_s, sample_rate, "--hop")
            if self.hop > self.window:
                problem = f"the hop of {hop_s:g} s is longer than the window of {window_s:g} s"
                raise InputError(problem, key="--hop", expected=f"at most {window_s:g} s, so that no sound is left out")
        elif abs(hop_s * self.frames - window_s) > 1e-5 * window_s:
            raise InputError(
                f"the model divides a window of {window_s:g} s into {self.frames} frames, but the hop is {hop_s:.8g} s",
                key="--hop",
                expected=f"{window_s / self.frames:.8g} s, the length of a frame",
            )

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Embed at most `batch` windows: [windows, dimensions] or [windows, frames, dimensions]."""
        filled = np.zeros((self.batch, self.window), np.float32)
        filled[: len(windows)] = windows
        try:
            found = self.model(filled)
        except InputError:
            raise
        except Exception as error:  # torch and ONNX Runtime raise many kinds of exceptions
            if is_out_of_memory(error):
                raise
            problem = f"the model fails on {self.batch} windows of {self.window} samples: {first_line(error)}"
            remedy = "Correct --rate and --window, or use --batch 1 for a model with a fixed batch size"
            raise InputError(problem, file=self.path, remedy=remedy) from error
        if found.ndim not in (2, 3) or len(found) != self.batch or 0 in found.shape:
            problem = f"the output for {self.batch} windows has the shape {list(found.shape)}"
            expected = f"[{self.batch}, dimensions] or [{self.batch}, frames, dimensions]"
            raise InputError(problem, file=self.path, expected=expected)
        return found[: len(windows)]

    def embed(self, audio: Path) -> Iterator[np.ndarray]:
        """Embed a recording block by block: float32 [frames, dimensions].

        Raises
        ------
        InputError
            If the recording cannot be read, or an embedding is not finite.
        """
        samples = done = 0

        def count() -> Iterator[np.ndarray]:
            nonlocal samples
            for piece in read_audio(audio, self.rate):
                samples += len(piece)
                yield piece

        for windows in cut_windows(count(), self.window, self.hop, self.batch):
            found = self.run(windows).reshape(len(windows) * self.frames, -1)
            if not np.isfinite(found).all():
                second = done * self.hop // self.frames // self.rate
                problem = f"the model {self.path} returns values that are not finite, near second {second}"
                raise InputError(problem, file=audio, remedy="Use float32 weights, or leave the recording out")
            block = found[: -(-samples * self.frames // self.hop) - done]  # the last frames may lie after the end
            yield block
            done += len(block)


def whole_samples(seconds: float, rate: int, key: str) -> int:
    """Return a length in samples.

    Raises
    ------
    InputError
        If the length is not a whole number of samples.
    """
    samples = seconds * rate
    if round(samples) < 1 or abs(samples - round(samples)) > 1e-3:
        problem = f"{seconds:g} s have {samples:g} samples at {rate} Hz"
        raise InputError(problem, key=key, expected="a whole number of samples")
    return round(samples)


def write_blocks(path: Path, blocks: Iterable[np.ndarray]) -> tuple[int, int]:
    """Write blocks [frames, dimensions] into one .npy file, and return its shape; after an error there is no file."""
    part = path.with_name(f".{path.name}.part")
    frames, header = 0, {"descr": "<f4", "fortran_order": False, "shape": (0, 0)}
    try:
        with part.open("wb") as file:
            for block in blocks:
                if not frames:  # numpy leaves room in the header for a first axis of any length
                    np.lib.format.write_array_header_1_0(file, header | {"shape": (0, block.shape[1])})
                file.write(np.ascontiguousarray(block, "<f4").data)
                frames, dimensions = frames + len(block), block.shape[1]
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header | {"shape": (frames, dimensions)})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return frames, dimensions


def main(argv: list[str] | None = None) -> None:
    """Compute embeddings of recordings with your model: one .npy file [frames, dimensions] per recording."""
    example = "--model mydata/panns.pt --audio mydata/audio --output embeddings --rate 32000 --window 2 --hop 1"
    parser = build_parser("embed", main, example=example)
    help_text = "TorchScript (.pt), torch.export (.pt2) or ONNX (.onnx): samples [batch, window] to embeddings"
    parser.add_argument("--model", type=Path, required=True, help=help_text)
    parser.add_argument("--audio", type=Path, required=True, help="folder of recordings, or one recording")
    add_options(parser, output="folder to write RECORDING.npy into; for one recording also a .npy file to write")
    parser.add_argument("--rate", type=int, required=True, help="sampling rate that the model expects, in Hz")
    parser.add_argument("--window", type=float, required=True, help="length of the model's input, in seconds")
    help_text = "distance between two frames of the output, in seconds"
    parser.add_argument("--hop", type=float, required=True, help=help_text)
    parser.add_argument("--batch", type=int, default=BATCH, help=f"windows per call of the model (default: {BATCH})")
    add_options(parser, "threads")
    options = parser.parse_args(argv)
    recordings = list_audio(options.audio)
    one_file = options.output.suffix == ".npy"
    if one_file and len(recordings) > 1:
        parser.error("--output must be a folder for several recordings")
    import torch  # noqa: PLC0415  # after the checks, because it takes a second to import

    torch.set_num_threads(options.threads)
    embedder = Embedder(
        options.model, sample_rate=options.rate, window_s=options.window, hop_s=options.hop, batch=options.batch
    )
    (options.output.parent if one_file else options.output).mkdir(parents=True, exist_ok=True)
    problems = Problems()
    for name, path in recordings.items():
        output = options.output if one_file else options.output / f"{name}.npy"
        try:
            frames, dimensions = write_blocks(output, embedder.embed(path))
        except InputError as error:
            problems.add("recordings", error)
        else:
            logger.info("%s: %d frames of %d dimensions in %s", path, frames, dimensions, output)
    problems.raise_all("in the recordings; all other recordings are embedded", alone=True)
