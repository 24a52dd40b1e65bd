"""Learning from opinions: the network's scores are compared with the answers of the annotators, without soft labels.

The scores are probabilities a_t that the class is active in second t. As in `softsed.labels.joint.events`, an active
second is detected with probability d, and a window sounds active if one of its active seconds is detected or if
something else is taken for the class (a noisy OR):

    p = 1 - q prod_t (1 - d a_t)

With probability theta, the competence, annotator j has listened and ticks the class if the window sounded active.
Otherwise the annotator ticks at a fixed rate r, as in MACE (Hovy et al., NAACL-HLT 2013):

    P(tick) = theta_j p + (1 - theta_j) r_j

The loss is the negative log likelihood of the answers. Competence and rate per annotator, and the probability q that
nothing else sounds like the class, are learned together with the weights of the network by the same optimiser
(compare Rodrigues and Pereira, "Deep learning from crowds", AAAI 2018). Competence and rate are shrunk towards those
of the crowd: log-odds of an annotator have a normal prior around common log-odds, which are learned as well. An
annotator without opinions in the training has the common values.

theta is not negative, so that the scores cannot become the complement of the answers. It starts high, because rare
listening explains rare ticks as well as quiet sounds do. d is fixed: the answers determine only its product with a_t.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from softsed.train.network import CRNN
from softsed.train.opinion_sequences import OpinionSequences

DETECTION = 0.3  # d, from which the search of `softsed.labels.joint.events` starts
LISTENING = 0.7  # competence at the start, as in `softsed.labels.joint.hearing`
SPREAD = 1.5  # standard deviation of the prior of an annotator's log-odds around those of the crowd
# Expected false alarms of a window: prior as from one false alarm in so many windows, as in `labels.joint.hearing`.
WINDOWS_PER_ALARM = 51
# Adam changes all parameters by about its learning rate per step. Parameters of the crowd are stored divided by this
# factor, so that they change faster than the weights of the network, which are smaller.
PACE = 10


class CrowdLayer(nn.Module):
    """Loss of opinions, with the parameters of the annotators.

    Parameters
    ----------
    tick_rate : float
        Share of ticks among all opinions, at which the rate r starts.
    annotators, classes : int
        Numbers. Annotator number `annotators` is any annotator without opinions in the training.
    total : float
        Number of elements of the training, see `forward`; the prior counts once per pass over them.
    """

    def __init__(self, *, tick_rate: float, annotators: int, classes: int, total: float) -> None:
        super().__init__()
        start = torch.tensor([LISTENING, tick_rate]).logit() / PACE
        self.common = nn.Parameter(start)  # log-odds of competence and rate
        self.own = nn.Parameter(torch.zeros(2, annotators))  # differences from them
        self.alarm = nn.Parameter(torch.full((classes,), -math.log(WINDOWS_PER_ALARM) / PACE))  # log of the number
        self.total = total

    def crowd(self) -> tuple[Tensor, Tensor]:
        """Return competence and rate [annotators + 1]; the last one is that of an annotator without opinions."""
        own = nn.functional.pad(self.own, (0, 1))
        competence, rate = torch.sigmoid(PACE * (self.common[:, None] + own))
        return competence, rate

    @torch.no_grad()
    def describe(self, annotators: list[str]) -> dict:
        """Return the parameters of the annotators for the model file, and those of annotators without opinions."""
        competence, rate = self.crowd()
        return {
            "annotators": annotators,
            "competence": competence[:-1].cpu(),
            "tick_rate": rate[:-1].cpu(),
            "others": {"competence": float(competence[-1]), "tick_rate": float(rate[-1])},
            "false_alarm": (PACE * self.alarm).exp().cpu(),
            "detection": DETECTION,
        }

    def log_prior(self) -> Tensor:
        """Compute the logarithm of the prior density of the parameters, without a constant."""
        log_alarm = PACE * self.alarm
        alarms = (log_alarm - WINDOWS_PER_ALARM * log_alarm.exp()).sum()
        return alarms - 0.5 * (PACE * self.own / SPREAD).square().sum()

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
        return -torch.expm1(window - (PACE * self.alarm).exp()[label])

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
        competence, rate = (values[data.annotator[opinion]] for values in self.crowd())
        tick = competence * self.sounds(seconds, data, place, opinion) + (1 - competence) * rate
        answered = torch.where(data.answer[opinion] == 1, tick, 1 - tick)
        weight = data.weight[opinion]
        loss = -(weight * answered.log()).sum() - (inactive * torch.log1p(-seconds.clamp(max=1 - 1e-6))).sum()
        elements = float(weight.sum() + inactive.sum())
        if self.training:
            loss = loss - self.log_prior() * elements / self.total
        return loss, elements


def score_of_ticks(share: np.ndarray, window_s: float) -> np.ndarray:
    """Compute the constant score a with which the model explains a share of ticks in windows of this length.

    All ticks are taken for answers of annotators who have listened.

    Parameters
    ----------
    share : ndarray [classes]
        Share of ticks, below 1.
    window_s : float
        Length of a window in seconds.
    """
    return np.minimum(-np.expm1(np.log1p(-share) / window_s) / DETECTION, 1)
