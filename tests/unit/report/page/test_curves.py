"""Curves of the page: gaps, the most frequent classes in the figure, all classes in the table."""

import pandas as pd

from softsed.report.page.curves import class_wise_rows, curves

NAN = float("nan")


def test_curves_with_gaps():
    figure2 = pd.DataFrame({"class": ["car"], "instances": ["3"], "b": [NAN], "a": [1.5]})
    training = pd.DataFrame(
        {"system": "a", "run": "1", "fold": ["2", "2", "1"], "train_loss": 2.0, "validation_loss": NAN}
    )
    found = curves(figure2, training)
    assert found["figure2"] == {"classes": ["car"], "instances": ["3"], "curves": {"b": [None], "a": [1.5]}}
    assert list(found["figure2"]["curves"]) == ["b", "a"]  # the order of the table
    assert found["training"] == {
        "a": [{"train": [2, 2], "validation": [None, None]}, {"train": [2], "validation": [None]}]
    }


def test_curves_have_most_frequent_classes():
    names = [f"class {i:03} with a name of more than 30 characters" for i in range(50)]
    figure2 = pd.DataFrame({"class": names, "instances": "3", "a": 1.5})
    training = pd.DataFrame(columns=["system", "run", "fold", "train_loss", "validation_loss"])
    found = curves(figure2, training)["figure2"]
    assert found["classes"][::39] == ["class 000 with…30 characters", "class 039 with…30 characters"]
    assert len(found["instances"]) == len(found["curves"]["a"]) == 40


def test_class_wise_rows_have_one_decimal():
    figure2 = pd.DataFrame({"class": ["car", "dog"], "instances": ["3", "0"], "net": [51.26, NAN]})
    expected = [{"class": "car", "instances": "3", "net": "51.3"}, {"class": "dog", "instances": "0", "net": ""}]
    assert class_wise_rows(figure2) == expected
