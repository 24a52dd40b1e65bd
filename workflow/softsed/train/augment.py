"""Random changes of training sequences: shift, gain, mixup and masks, drawn again for every batch.

A system has them if its key `augment` names them. Validation sequences stay unchanged.

===============  ==============================  =========================================================
change           of mel energies                 of embeddings
===============  ==============================  =========================================================
shift_s          with their labels               with their labels, by the same seconds
gain_db          as of the recording             none, because a model may treat level in any way
mixup            with their labels               with their labels, in the same proportion
frequency_mask   mel bands                       none
time_mask_s      the same seconds of all bands   the same seconds of all dimensions
===============  ==============================  =========================================================

All random numbers come from torch's generator of the CPU, whose state belongs to the checkpoint.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Beta

from softsed.features.inputs import Both, FrontEnd, parts
from softsed.train.sequences import Scaler, Sequences, join

# As in PANNs (Kong et al., IEEE/ACM TASLP 28, 2020): two masks of mel bands, and two masks in time per 10 s.
BAND_MASKS = 2
TIME_MASKS_PER_S = 0.2


def cut_shifted(table: Tensor, starts: Tensor, spans: Tensor, step: int) -> Tensor:
    """Cut sequences that start some seconds earlier or later, within their recordings.

    Parameters
    ----------
    table : Tensor [sequences, frames, columns]
        All sequences. Those of a recording follow one another, and together are the recording with its padding.
    starts : Tensor of int [batch, 2]
        Number of each sequence, and seconds by which it starts later.
    spans : Tensor of int [batch, 2]
        Number of the first and of the last sequence of its recording.
    step : int
        Frames per second.

    Returns
    -------
    Tensor [batch, frames, columns]
        A sequence that would begin before its recording, or end after it, begins or ends with the recording. In a
        circular shift, labels beside the joint would depend on events at the other end of the sequence.
    """
    length = table.shape[1]
    first = (starts[:, 0] * length + starts[:, 1] * step).clamp(spans[:, 0] * length, spans[:, 1] * length)
    rows = first[:, None] + torch.arange(length)
    return table.flatten(0, 1)[rows.to(table.device)]


def mix(values: Tensor, partners: Tensor, share: Tensor) -> Tensor:
    """Mix each sequence with its partner: share * values + (1 - share) * values of the partner.

    Parameters
    ----------
    values : Tensor [batch, frames, columns]
    partners : Tensor of int [batch]
        Place of the partner in the batch.
    share : Tensor [batch]
        From 0 to 1.
    """
    share = share.to(values)[:, None, None]
    return share * values + (1 - share) * values[partners]


def choose_intervals(number: int, masks: int, widest: float, length: float) -> tuple[Tensor, Tensor]:
    """Draw intervals on an axis of some length: their starts and ends [number, masks].

    The width is uniform between 0 and `widest`, and the start is uniform where the interval fits (Park et al.,
    Interspeech 2019).
    """
    width = torch.rand(number, masks) * min(widest, length)
    start = torch.rand(number, masks) * (length - width)
    return start, start + width


def cover(starts: Tensor, ends: Tensor, cells: int, rate: float = 1) -> Tensor:
    """Mark the cells of a grid whose centre lies in an interval: bool [number, cells].

    Parameters
    ----------
    starts, ends : Tensor [number, masks]
    cells : int
    rate : float
        Cells per unit of the intervals.
    """
    centres = (torch.arange(cells) + 0.5) / rate
    return ((centres >= starts[..., None]) & (centres < ends[..., None])).any(dim=1)


@dataclass(frozen=True)
class Level:
    """What the level of a recording does to its normalised mel energies.

    Attributes
    ----------
    power : float
        Exponent of the magnitude spectrum: `features.power`.
    log : bool
        Whether the mel energies are logarithms: `features.log`.
    mean, std : Tensor [mel_bands]
        Those of the normalisation.
    """

    power: float
    log: bool
    mean: Tensor
    std: Tensor

    def change(self, mel: Tensor, gain_db: Tensor) -> Tensor:
        """Change the level of sequences [batch, frames, mel_bands] by a gain in dB [batch].

        A gain multiplies the magnitude spectrum by 10 ** (gain_db / 20), and mel energies by this number to the
        power `power`. It adds the logarithm to their logarithms, also where `features.log_floor` has replaced them.
        """
        gain = (gain_db * self.power * math.log(10) / 20)[:, None, None].to(mel)
        mean, std = self.mean.to(mel), self.std.to(mel)
        if not self.log:
            return gain.exp() * mel + torch.expm1(gain) * mean / std
        return mel + gain / std


@dataclass(frozen=True)
class Augment:
    """The random changes of one training.

    Attributes
    ----------
    settings : dict
        The key `augment` of the system: numbers by name, as in the schema of the config.
    rate : int
        Frames of the labels per second.
    spans : Tensor of int [sequences, 2], optional
        First and last sequence of the recording of each training sequence. Required by `shift_s`.
    level : Level, optional
        Required by `gain_db`.
    """

    settings: dict
    rate: int
    spans: Tensor | None = None
    level: Level | None = None

    @classmethod
    def create(
        cls,
        settings: dict | None,
        front_end: FrontEnd,
        features: dict,
        scaler: Scaler,
        spans: Tensor | None = None,
    ) -> "Augment | None":
        """Create the changes of a system; None for a system without the key `augment`.

        Parameters
        ----------
        settings : dict, optional
            The key `augment` of the system.
        front_end : FrontEnd
        features : dict
            Section ``features`` of the config; `gain_db` requires mel_bands, power and log.
        scaler : Scaler
            Normalisation of the inputs.
        spans : Tensor, optional
            As in the attributes.
        """
        if not settings:
            return None
        level = None
        if settings.get("gain_db"):
            mean, std = (torch.from_numpy(values[: features["mel_bands"]]) for values in (scaler.mean, scaler.std))
            level = Level(features["power"], features["log"], mean, std)
        return cls(settings, front_end.rate, spans, level)

    def take(self, data: Sequences, batch: Tensor) -> tuple[Tensor | Both, Tensor, Tensor]:
        """Return inputs, targets and weights of some sequences after all changes.

        Parameters
        ----------
        data : Sequences
            All training sequences.
        batch : Tensor of int [batch]
        """
        tables = data.tensors()
        if (widest := self.settings.get("shift_s")) and self.spans is not None:
            starts = torch.stack([batch, torch.randint(-widest, widest + 1, batch.shape)], dim=1)
            seconds = tables[-1].shape[1] / self.rate
            taken = [cut_shifted(one, starts, self.spans[batch], round(one.shape[1] / seconds)) for one in tables]
        else:
            taken = [table[batch] for table in tables]
        *inputs, targets, weights = taken
        inputs = self.louder(inputs)
        if alpha := self.settings.get("mixup"):
            # Elements that do not count, such as padding, have the weight 0 and no influence on the mixed label.
            partners, share = torch.randperm(len(batch)), Beta(alpha, alpha).sample(batch.shape)
            inputs = [mix(x, partners, share) for x in inputs]
            weighted, weights = mix(weights * targets, partners, share), mix(weights, partners, share)
            targets = weighted / weights.where(weights > 0, 1)
        return join(self.hide(inputs)), targets, weights

    def change(self, x: Tensor | Both) -> Tensor | Both:
        """Change the gain of inputs [batch, frames, columns], and mask them, which no label depends on."""
        return join(self.hide(self.louder(parts(x))))

    def louder(self, inputs: list[Tensor]) -> list[Tensor]:
        """Change the level of the mel energies, the first of the inputs. Padding remains 0."""
        if self.level is None:
            return inputs
        mel, *others = inputs
        gain_db = (2 * torch.rand(len(mel)) - 1) * self.settings["gain_db"]
        padding = ~mel.any(dim=-1, keepdim=True)  # frames of sound are not exactly the mean in all bands
        return [self.level.change(mel, gain_db).masked_fill(padding, 0), *others]

    def hide(self, inputs: list[Tensor]) -> list[Tensor]:
        """Set mel bands, and seconds of all inputs, to 0, the mean of normalised values."""
        number, frames, bands = inputs[0].shape
        if widest := self.settings.get("frequency_mask"):
            hidden = cover(*choose_intervals(number, BAND_MASKS, widest, bands), bands)[:, None]
            inputs = [inputs[0].masked_fill(hidden.to(inputs[0].device), 0), *inputs[1:]]
        if widest := self.settings.get("time_mask_s"):
            seconds = frames / self.rate
            starts, ends = choose_intervals(number, max(1, round(TIME_MASKS_PER_S * seconds)), widest, seconds)
            hidden_frames = [cover(starts, ends, x.shape[1], x.shape[1] / seconds) for x in inputs]
            inputs = [
                x.masked_fill(hidden[..., None].to(x.device), 0)
                for x, hidden in zip(inputs, hidden_frames, strict=True)
            ]
        return inputs
