"""Learning from opinions: the network's scores are compared with the answers of the annotators, without soft labels.

The scores are probabilities a_t that the class is active in second t. As in `softsed.labels.joint.events`, an active
second is detected with probability d, and a window sounds active if one of its active seconds is detected or if
something else is taken for the class (a noisy OR). q is the probability that nothing else is:

    p = 1 - q prod_t (1 - d a_t)

With probability theta, the competence, annotator j has listened and ticks the class if the window sounded active.
Otherwise the annotator ticks at a fixed rate r, as in MACE (Hovy et al., NAACL-HLT 2013):

    P(tick) = theta_j p + (1 - theta_j) r_j

The loss is the negative log likelihood of the answers. The training starts with the competence and rate per annotator
and class, and q per class, that `softsed.labels.annotators` estimates from the training opinions without audio. Then
competence and rate of each annotator are learned together with the weights of the network, by the same optimiser
(compare Rodrigues and Pereira, "Deep learning from crowds", AAAI 2018). Their log-odds move by the same amount in all
classes, with a normal prior around the start. An annotator without opinions in the training has the mean log-odds of
the others.

The start matters. From the same constants for all annotators and classes, guesses and false alarms explain the ticks of
a rare class before the network has learned its sound. Then its scores fall to 0, and the class is never learned. theta
is not negative, so that the scores cannot become the complement of the answers. d is fixed, because the answers
determine little but its product with a_t.
"""

import torch
from torch import Tensor, nn

from softsed.train.augment import Augment
from softsed.train.crowd.sequences import OpinionSequences
from softsed.train.loop import Loss
from softsed.train.network import CRNN

SPREAD = 1.5  # standard deviation of the prior of an annotator's log-odds around their start


class CrowdLayer(Loss):
    """Loss of opinions, with the parameters of the annotators.

    Parameters
    ----------
    estimates : dict
        As from `softsed.labels.annotators.estimate_annotators`. The annotator with the number after the last one is any
        annotator without opinions in the training.
    total : float
        Number of elements of the training, see `forward`; the prior counts once per pass over them.
    augment : Augment, optional
        Random changes of the inputs in training, without changes of labels.
    """

    def __init__(self, estimates: dict, *, total: float, augment: Augment | None = None) -> None:
        super().__init__()
        self.augment = augment
        start = torch.tensor([estimates["competence"], estimates["tick_rate"]]).logit()  # [2, annotators, classes]
        self.start: Tensor
        self.false_alarm: Tensor
        self.register_buffer("start", torch.cat([start, start.mean(dim=1, keepdim=True)], dim=1))
        self.register_buffer("false_alarm", torch.tensor(estimates["false_alarm"]))
        self.moved = nn.Parameter(torch.zeros(2, start.shape[1]))
        self.annotators, self.detection, self.total = estimates["annotators"], estimates["detection"], total

    def crowd(self) -> tuple[Tensor, Tensor]:
        """Return theta and r [annotators + 1, classes]; the last row is that of any other annotator."""
        moved = nn.functional.pad(self.moved, (0, 1))
        competence, rate = torch.sigmoid(self.start + moved[:, :, None])
        return competence, rate

    @torch.no_grad()
    def describe(self) -> dict:
        """Return all parameters, for the model file."""
        competence, rate = (values.cpu() for values in self.crowd())
        crowd = {
            "annotators": self.annotators,
            "competence": competence[:-1],
            "tick_rate": rate[:-1],
            "others": {"competence": competence[-1], "tick_rate": rate[-1]},
            "false_alarm": self.false_alarm.cpu(),
            "detection": self.detection,
        }
        return {"crowd": crowd}

    def log_prior(self) -> Tensor:
        """Compute the logarithm of the prior density of the parameters, without a constant."""
        return -0.5 * (self.moved / SPREAD).square().sum()

    def sounds(self, seconds: Tensor, data: OpinionSequences, place: Tensor, opinion: Tensor) -> Tensor:
        """Compute p, the probability that the window of each opinion sounds active: [opinions].

        Parameters
        ----------
        seconds : Tensor [batch, seconds, classes]
            a_t.
        place, opinion : Tensor of int [opinions]
            Row of the batch and index into the opinions of `data`.
        """
        silent = torch.log1p(-self.detection * seconds).cumsum(dim=1)
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
        features = data.features[batch]
        if self.augment is not None and self.training:
            features = self.augment.change(features)
        frames = model.activate(model(features))
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
