"""Learning from opinions: the network's scores are compared with the answers of the annotators, without soft labels.

The scores are probabilities a_t that the class is active in second t. As in `softsed.labels.joint.events`, an active
second is detected with probability d, and a window sounds active if one of its active seconds is detected or if
something else is taken for the class (a noisy OR). q is the probability that nothing else is:

    p = 1 - q prod_t (1 - d a_t)

With probability theta, the competence, annotator j has listened and ticks the class if the window sounded active.
Otherwise the annotator ticks at a fixed rate r, as in MACE (Hovy et al., NAACL-HLT 2013):

    P(tick) = theta_j p + (1 - theta_j) r_j

The loss is the negative log likelihood of the answers. EM of `softsed.labels.joint.events` on the training opinions,
without audio and with the same d, estimates competence and rate per annotator and class, and q per class. With these
values the training starts. Then competence and rate of each annotator are learned together with the weights of the
network, by the same optimiser (compare Rodrigues and Pereira, "Deep learning from crowds", AAAI 2018): their log-odds
move by the same amount in all classes, with a normal prior around the start. An annotator without opinions in the
training has the mean log-odds of the others.

The start matters. If the parameters of a new crowd are learned as well, guesses and false alarms explain the ticks of a
rare class before the network has learned its sound. Then its scores fall to 0, and the class is never learned. theta is
not negative, so that the scores cannot become the complement of the answers. d is fixed, because the answers determine
little but its product with a_t.
"""

import logging
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from softsed.core.errors import InputError
from softsed.core.log import Remaining
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.events import ITERATIONS, fit
from softsed.labels.joint.forward_backward import LONGEST_S
from softsed.labels.joint.hearing import Chains
from softsed.train.network import CRNN
from softsed.train.opinion_sequences import OpinionSequences

DETECTION = 0.3  # d; of 0.3 and 0.5, the one with the lower validation loss on two folds of the demo
SPREAD = 1.5  # standard deviation of the prior of an annotator's log-odds around their start
# Adam changes each parameter by about its learning rate per step. The log-odds of the annotators are stored divided by
# this factor, so that they change faster than the weights of the network, which are smaller.
PACE = 10

logger = logging.getLogger(__name__)


class Crowd(NamedTuple):
    """Estimates from opinions alone."""

    competence: np.ndarray  # [annotators, classes], theta
    tick_rate: np.ndarray  # [annotators, classes], r
    false_alarm: np.ndarray  # [classes], expected number of false alarms of a window; q is exp(-false_alarm)
    active_s: np.ndarray  # [classes], expected number of active seconds of all recordings


def estimate_crowd(opinions: Opinions, recordings: dict[str, Recording], class_weight: float) -> Crowd:
    """Estimate the crowd by EM of the model of events with the detection `DETECTION`, without confusions.

    Parameters
    ----------
    opinions, recordings, class_weight
        As in `softsed.labels.joint.events.event_labels`.

    Raises
    ------
    InputError
        If a window is longer than `LONGEST_S`.
    """
    longest = int((opinions.offset - opinions.onset)[opinions.window].max())
    if longest > LONGEST_S:
        raise InputError(
            f"a system is trained on opinions, and a window lasts {longest} s",
            key="systems",
            expected=f"windows of at most {LONGEST_S} s",
            remedy="Train the system on labels by eq1 or majority",
        )
    chains = Chains(opinions, recordings, class_weight)
    found = fit(chains, chains.start(DETECTION), Remaining(logger, "crowd: steps of EM", ITERATIONS, bound=True))
    owner = np.repeat(chains.label, chains.smoother.seconds)
    active_s = np.bincount(owner, weights=found.found.active, minlength=chains.classes)
    now = found.parameters
    return Crowd(now.competence, now.tick_rate, now.false_alarm, active_s)


class CrowdLayer(nn.Module):
    """Loss of opinions, with the parameters of the annotators.

    Parameters
    ----------
    competence, tick_rate : ndarray [annotators, classes]
        theta and r at the start. The annotator with the number after the last one is any other annotator.
    false_alarm : ndarray [classes]
        Expected number of false alarms of a window.
    total : float
        Number of elements of the training, see `forward`; the prior counts once per pass over them.
    """

    def __init__(self, *, competence: np.ndarray, tick_rate: np.ndarray, false_alarm: np.ndarray, total: float) -> None:
        super().__init__()
        start = torch.from_numpy(np.stack([competence, tick_rate])).float().logit()
        self.start: Tensor
        self.false_alarm: Tensor
        self.register_buffer("start", torch.cat([start, start.mean(dim=1, keepdim=True)], dim=1))
        self.register_buffer("false_alarm", torch.from_numpy(false_alarm).float())
        self.moved = nn.Parameter(torch.zeros(2, len(competence)))
        self.total = total

    def crowd(self) -> tuple[Tensor, Tensor]:
        """Return theta and r [annotators + 1, classes]; the last row is that of any other annotator."""
        moved = PACE * nn.functional.pad(self.moved, (0, 1))
        competence, rate = torch.sigmoid(self.start + moved[:, :, None])
        return competence, rate

    @torch.no_grad()
    def describe(self, annotators: list[str]) -> dict:
        """Return all parameters for the model file; `annotators` are the names."""
        competence, rate = (values.cpu() for values in self.crowd())
        return {
            "annotators": annotators,
            "competence": competence[:-1],
            "tick_rate": rate[:-1],
            "others": {"competence": competence[-1], "tick_rate": rate[-1]},
            "false_alarm": self.false_alarm.cpu(),
            "detection": DETECTION,
        }

    def log_prior(self) -> Tensor:
        """Compute the logarithm of the prior density of the parameters, without a constant."""
        return -0.5 * (PACE * self.moved / SPREAD).square().sum()

    def sounds(self, seconds: Tensor, data: OpinionSequences, place: Tensor, opinion: Tensor) -> Tensor:
        """Compute p, the probability that the window of each opinion sounds active: [opinions].

        Parameters
        ----------
        seconds : Tensor [batch, seconds, classes]
            a_t.
        place, opinion : Tensor of int [opinions]
            Row of the batch and index into the opinions of `data`.
        """
        silent = torch.log1p(-DETECTION * seconds).cumsum(dim=1)
        silent = nn.functional.pad(silent, (0, 0, 1, 0))  # [batch, seconds + 1, classes], from the start
        label = data.label[opinion]
        window = silent[place, data.offset[opinion], label] - silent[place, data.onset[opinion], label]
        return -torch.expm1(window - self.false_alarm[label])

    def forward(self, model: CRNN, data: OpinionSequences, batch: Tensor) -> tuple[Tensor, float]:
        """Compute the sum of the loss over the opinions of a batch, and the number of elements.

        An element is an opinion, which counts as its number of independent opinions, or a second of a class that is
        not annotated in the scene. Such a class is inactive, as for labels.

        Parameters
        ----------
        model : CRNN
            Network with a sigmoid output.
        data : OpinionSequences
        batch : Tensor of int [batch]
            Indices of sequences.
        """
        frames = model.activate(model(data.features[batch]))
        inactive = data.inactive[batch]
        seconds = frames.unflatten(1, (inactive.shape[1], -1)).mean(dim=2)  # the score of a second, as in prediction
        place, opinion = data.opinions_of(batch)
        competence, rate = (values[data.annotator[opinion], data.label[opinion]] for values in self.crowd())
        tick = competence * self.sounds(seconds, data, place, opinion) + (1 - competence) * rate
        answered = torch.where(data.answer[opinion] == 1, tick, 1 - tick)
        weight = data.weight[opinion]
        loss = -(weight * answered.log()).sum() - (inactive * torch.log1p(-seconds.clamp(max=1 - 1e-6))).sum()
        elements = float(weight.sum() + inactive.sum())
        if self.training:
            loss = loss - self.log_prior() * elements / self.total
        return loss, elements
