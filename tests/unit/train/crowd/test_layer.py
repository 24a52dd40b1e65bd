"""The crowd layer: likelihood by enumeration, gradients by finite differences, and crowds that are recovered."""

import itertools

import numpy as np
import pytest
import torch
from support.crowds import ask
from torch import nn

from softsed.core.opinions import Opinions
from softsed.train.crowd.layer import CrowdLayer
from softsed.train.crowd.sequences import cut_opinions
from softsed.train.loop import run_epoch

DETECTION = 0.3
RATE = 2  # frames per second


class Logits(nn.Module):
    """A network whose logits are its features."""

    def forward(self, mel):
        return mel

    def activate(self, raw):
        return torch.sigmoid(raw)


class Linear(Logits):
    """A network whose logits are a linear function of one feature per class."""

    def __init__(self):
        super().__init__()
        self.slope, self.bias = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(-1.0))

    def forward(self, mel):
        return self.slope * mel + self.bias


def data_of(opinions, features, *, inactive=None, length=100, weights=None):
    """Cut opinions of a crowd whose annotators all take part in the training."""
    names = list(features)
    seconds = {name: len(x) // RATE for name, x in features.items()}
    silent = {name: np.zeros((seconds[name], len(opinions.classes))) for name in names}
    return cut_opinions(
        features.values(),
        names,
        opinions,
        weights=np.ones(len(opinions.opinion)) if weights is None else weights,
        annotators=opinions.annotators,
        inactive=silent | (inactive or {}),
        rate=RATE,
        length=min(length, max(seconds.values())),
    )


def start(competence, tick_rate, false_alarm, total=1.0):
    """Return a layer with estimates of annotators A0, A1, ..."""
    found = {"competence": competence, "tick_rate": tick_rate, "false_alarm": false_alarm}
    found = {name: np.array(values).tolist() for name, values in found.items()}
    names = [f"A{who}" for who in range(len(competence))]
    return CrowdLayer(found | {"annotators": names, "detection": DETECTION}, total=total)


def perturbed(annotators, classes, seed=0):
    """Return a layer in float64 whose parameters differ from each other."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.1, 0.9, (2, annotators, classes))
    layer = start(*values, rng.uniform(0.01, 0.1, classes), total=50).double()
    with torch.no_grad():
        layer.moved.copy_(torch.from_numpy(rng.normal(0, 0.1, (2, annotators))))
    return layer.eval()


@pytest.fixture
def tiny():
    """Three annotators, two classes, overlapping windows of 3 s in 5 s, and frames with random logits."""
    rng = np.random.default_rng(3)
    opinions, _ = ask({"r": rng.uniform(size=(5, 3, 2)) < 0.3}, window=3)
    data = data_of(opinions, {"r": rng.normal(size=(10, 2))}, weights=rng.uniform(0.5, 1, len(opinions.opinion)))
    data = data.__class__(**{n: v.double() if v.is_floating_point() else v for n, v in vars(data).items()})
    return opinions, data


def test_loss_equals_enumeration(tiny):
    """Sum over all sequences of active seconds and all sets of detected ones, per window and answer."""
    opinions, data = tiny
    layer = perturbed(3, 2)
    theta, rate = (values.detach().numpy() for values in layer.crowd())
    quiet = np.exp(-layer.false_alarm.numpy())
    frames = 1 / (1 + np.exp(-data.features[0].numpy()))
    seconds = frames.reshape(5, RATE, 2).mean(axis=1)
    expected = 0.0
    for place, (_, onset, offset, who, label, answer) in enumerate(opinions.rows()):
        person, column = opinions.annotators.index(who), opinions.classes.index(label)
        sounds = 0.0
        for active in itertools.product((0, 1), repeat=offset - onset):
            chance = np.prod([a if on else 1 - a for on, a in zip(active, seconds[onset:offset, column], strict=True)])
            for detected in itertools.product((0, 1), repeat=sum(active)):
                these = np.prod([DETECTION if one else 1 - DETECTION for one in detected])
                sounds += chance * these * (1 if any(detected) else 1 - quiet[column])
        tick = theta[person, column] * sounds + (1 - theta[person, column]) * rate[person, column]
        expected -= float(data.weight[place]) * np.log(tick if answer else 1 - tick)
    loss, elements = layer(Logits(), data, torch.tensor([0]))
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert elements == pytest.approx(float(data.weight.sum()))


def test_gradient_equals_finite_differences(tiny):
    _, data = tiny
    layer = perturbed(3, 2).train()
    logits = data.features.clone().requires_grad_()

    def loss(features, moved):
        changed = data.__class__(**(vars(data) | {"features": features}))
        return torch.func.functional_call(layer, {"moved": moved}, (Logits(), changed, torch.tensor([0])))[0]

    assert torch.autograd.gradcheck(loss, (logits, layer.moved.detach().clone().requires_grad_()))


def test_prior_counts_once_per_epoch(tiny):
    _, data = tiny
    layer = perturbed(3, 2)
    with torch.no_grad():
        without, elements = layer(Logits(), data, torch.tensor([0]))
        layer.train().total = elements
        assert layer(Logits(), data, torch.tensor([0]))[0] - without == pytest.approx(-layer.log_prior().item())


def test_unannotated_class_is_inactive():
    opinions = Opinions(*(np.array(x) for x in (["r"], [0], [3])), ["A"], ["a", "b"], *np.array([[0], [0], [0], [1]]))
    logits = {"r": np.full((6, 2), -1.0)}
    asked = np.array([[0, 1]] * 3)
    layer = start([[0.7, 0.7]], [[0.3, 0.3]], [0.02, 0.02]).eval()
    (loss, elements), (alone, _) = (
        layer(Logits(), data_of(opinions, logits, inactive=inactive), torch.tensor([0]))
        for inactive in ({"r": asked}, {})
    )
    assert elements == 1 + 3
    assert (loss - alone).item() == pytest.approx(-3 * np.log(1 - 1 / (1 + np.exp(1))), rel=1e-5)


def simulate(rng, competence, *, number, recordings=6, seconds=200):
    """Simulate opinions by the model. Return them, features that show the active seconds, and these seconds."""
    theta, rate = np.array(competence), np.full(len(competence), 0.3)
    spans, rows, features, truth = [], [], {}, {}
    for name in map(str, range(recordings)):
        active = np.zeros(seconds, dtype=bool)
        for onset in rng.integers(0, seconds - 6, seconds // 25):
            active[onset : onset + 4] = True
        truth[name] = active
        features[name] = np.repeat(active * 2.0 - 1, RATE)[:, None] + rng.normal(0, 0.1, (seconds * RATE, 1))
        for onset in range(seconds - 9):
            for who in np.sort(rng.permutation(len(theta))[:number]):
                sounds = rng.uniform() > 0.98 * (1 - DETECTION) ** active[onset : onset + 10].sum()
                answer = sounds if rng.uniform() < theta[who] else rng.uniform() < rate[who]
                rows.append((len(spans), who, 0, int(answer)))
            spans.append((name, onset, onset + 10))
    names, onset, offset = (np.array(column) for column in zip(*spans, strict=True))
    people = [f"A{who:02}" for who in range(len(theta))]
    return Opinions(names, onset, offset, people, ["a"], *np.array(rows).T), features, truth


@pytest.mark.parametrize("number", [1, 3])
def test_crowd_is_recovered_with_the_seconds(number):
    """From a start at which all are equal, the competence of three spammers of nine ends near 0."""
    competence = [0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0, 0, 0]
    torch.manual_seed(0)
    opinions, features, truth = simulate(np.random.default_rng(1), competence, number=number)
    data = data_of(opinions, features, length=40)
    model = Linear()
    layer = start([[0.7]] * 9, [[0.3]] * 9, [0.02], total=float(data.weight.sum()))
    optimiser = torch.optim.Adam([*model.parameters(), *layer.parameters()], lr=0.03)
    for _ in range(60):
        run_epoch(model, data, list(torch.randperm(len(data)).split(8)), layer, optimiser)
    found = layer.crowd()[0].detach().numpy()[:, 0]
    assert found[6:9].max() < (0.3 if number == 1 else 0.15)
    np.testing.assert_allclose(found[:6], competence[:6], atol=0.25)
    with torch.no_grad():
        scores = np.concatenate(
            [model.activate(model(torch.tensor(x, dtype=torch.float32)))[::RATE, 0].numpy() for x in features.values()]
        )
    active = np.concatenate(list(truth.values()))
    assert scores[active].mean() > 0.8
    assert scores[~active].mean() < 0.1


def test_description_names_the_annotators():
    layer = perturbed(2, 3)
    found = layer.describe()["crowd"]
    competence, rate = layer.crowd()
    assert found["annotators"] == ["A0", "A1"]
    assert torch.equal(found["competence"], competence[:2])
    assert torch.equal(found["others"]["competence"], competence[2])
    assert torch.equal(found["tick_rate"], rate[:2])


def test_other_annotators_have_the_mean_log_odds():
    layer = start([[0.9], [0.5]], [[0.2], [0.2]], [0.0])
    with torch.no_grad():
        layer.moved.fill_(1)  # learned parameters of the annotators of the training
    competence, rate = layer.crowd()
    assert competence[2].item() == pytest.approx(0.75)  # the odds are 9 and 1, their geometric mean 3
    assert rate[2].item() == pytest.approx(0.2)
