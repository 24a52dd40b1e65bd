"""The network: size, shapes, and independence where the architecture promises it."""

import pytest
import torch

from softsed.model import CRNN, choose_device

PAPER = {
    "mel_bands": 64,
    "classes": 17,
    "filters": 128,
    "pooling": [5, 2, 2],
    "dropout": 0.2,
    "gru_units": 32,
    "gru_layers": 1,
    "dense": [32],
    "output": "linear",
}


def size(**changes):
    return sum(weight.numel() for weight in CRNN(**{**PAPER, **changes}).parameters())


def test_parameter_count_of_the_published_baseline():
    # The authors' DCASE 2023 Task 4B baseline states 380,113 parameters for these sizes.
    assert size() == 380_113


def test_second_gru_layer_adds_its_closed_form():
    # Two directions, three gates: input weights 64, recurrent weights 32, two biases.
    assert size(gru_layers=2) - size() == 2 * 3 * 32 * (64 + 32 + 2)


def test_keeps_the_frames_and_gives_one_output_a_class():
    model = CRNN(**PAPER).eval()
    assert model(torch.randn(2, 37, 64)).shape == (2, 37, 17)


def test_sigmoid_gives_probabilities_and_linear_does_not_touch():
    raw = torch.tensor([[-3.0, 0.0, 3.0]])
    assert torch.equal(CRNN(**PAPER).activate(raw), raw)
    torch.testing.assert_close(CRNN(**{**PAPER, "output": "sigmoid"}).activate(raw), 1 / (1 + torch.exp(-raw)))


def test_pooling_before_relu_equals_the_textbook_order():
    model = CRNN(**PAPER).eval()
    x = torch.randn(1, 1, 20, 64)
    convolution, norm, pool, relu = model.convolutions[:4]
    normed = norm(convolution(x))
    torch.testing.assert_close(relu(pool(normed)), pool(relu(normed)))


def test_device():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_recordings_in_a_batch_do_not_influence_one_another_when_scoring():
    model = CRNN(**PAPER).eval()
    x = torch.randn(3, 25, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1], model(x[1:2])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", [[2], [4, 4], [5, 2, 2]])
def test_any_number_of_blocks(pooling):
    assert CRNN(**{**PAPER, "pooling": pooling, "filters": 4})(torch.randn(1, 9, 64)).shape == (1, 9, 17)
