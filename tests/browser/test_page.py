"""The results page in Chromium: content, metrics and controls, without a server and without a network."""

import json

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from support.chromium import DESK, PHONE, chromium
from support.page import CLASSES, FOLDS, HOSTILE, NAMES, PRIORS, SYSTEMS, build_page

from softsed.core.labels import harden
from softsed.core.thresholds import trimmed_midrange
from softsed.evaluate.segments import count, metrics_of

pytestmark = pytest.mark.browser


def wait(driver, condition):
    return WebDriverWait(driver, 20, poll_frequency=0.05).until(lambda _: condition())


def visit(driver, page):
    driver.get(page.as_uri())
    wait(driver, lambda: driver.execute_script("return document.body.dataset.ready"))


def quiet(driver):
    """Assert that the console is empty and that the page requested nothing from a network."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert driver.get_log("browser") == []
    return True


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return build_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def window():
    with chromium() as driver:
        yield driver


@pytest.fixture
def driver(window, made):
    """The page, newly opened."""
    visit(window, made.page)
    yield window
    assert quiet(window)


def choose(driver, name, value):
    Select(driver.find_element(By.ID, name)).select_by_value(value)


def press(driver, *keys):
    webdriver.ActionChains(driver).send_keys(*keys).perform()


def shown(driver):
    """Error rate, micro F1 and macro F1 of the page, with all digits."""
    values = [
        driver.find_element(By.ID, name).get_attribute("data-value") for name in ("error-rate", "f1-micro", "f1-macro")
    ]
    return [float(value) for value in values]


def midrange(made, name):
    return trimmed_midrange(made.training(name), 10)


def by_sed_eval(made, system, kind, thresholds):
    """Error rate, micro F1 and macro F1 by sed_eval, with the thresholds of each recording."""
    references = [harden(made.soft[n], midrange(made, n)) if kind == "soft" else made.hard[n] for n in NAMES]
    outputs = [harden(made.scores[system][n], thresholds[n]) for n in NAMES]
    found = metrics_of(count(references, outputs, CLASSES), CLASSES)
    return [found[key] for key in ("error_rate", "f1_micro", "f1_macro")]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_metrics_equal_sed_eval(driver, made, system, kind):
    """The metrics equal those of sed_eval for every position of the sliders."""
    choose(driver, "system", system)
    choose(driver, "reference", kind)
    assert shown(driver) == pytest.approx(by_sed_eval(made, system, kind, {n: midrange(made, n) for n in NAMES}))
    assert driver.find_element(By.ID, "mixed").is_displayed() == (kind == "hard")  # no pair of Table 2
    choose(driver, "start", "fixed")
    assert driver.find_element(By.ID, "mixed").is_displayed() == (kind == "soft")
    thresholds = {name: np.full(len(CLASSES), 0.5) for name in NAMES}
    assert shown(driver) == pytest.approx(by_sed_eval(made, system, kind, thresholds))
    rng = np.random.default_rng(len(system))
    for label in [0, 3, 1, 2, 0]:
        value = round(float(rng.random()), 2)
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))"
        driver.execute_script(script, driver.find_element(By.ID, f"threshold-{label}"), value)
        for row in thresholds.values():
            row[label] = value
        assert shown(driver) == pytest.approx(by_sed_eval(made, system, kind, thresholds))
    driver.find_element(By.ID, "reset").click()
    assert shown(driver) == pytest.approx(by_sed_eval(made, system, kind, {n: np.full(4, 0.5) for n in NAMES}))


def test_slider_moves_by_keys(driver, made):
    choose(driver, "system", "net")
    thresholds = {name: midrange(made, name) for name in NAMES}
    slider = driver.find_element(By.ID, "threshold-0")
    before = shown(driver)
    slider.send_keys(Keys.PAGE_UP, Keys.PAGE_UP, Keys.ARROW_RIGHT)
    value = float(slider.get_attribute("value"))
    for row in thresholds.values():
        row[0] = value
    assert shown(driver) == pytest.approx(by_sed_eval(made, "net", "soft", thresholds))
    assert shown(driver) != before


def test_undefined_threshold_is_none(driver):
    """A class without a threshold detects nothing."""
    driver.find_element(By.ID, "every").send_keys(Keys.SPACE)
    (row,) = (row for row in driver.find_elements(By.CSS_SELECTOR, "#classes .row") if CLASSES[3] in row.text)
    assert "none" in row.text
    assert "F1 -" in row.text


def test_baselines_beside_the_chosen_system(driver, made):
    choose(driver, "system", SYSTEMS[1])
    rows = driver.find_elements(By.CSS_SELECTOR, "#beside tbody tr")
    assert [row.find_element(By.TAG_NAME, "td").text for row in rows] == [SYSTEMS[1], f"{PRIORS[0]}no audio"]
    expected = by_sed_eval(made, PRIORS[0], "soft", {name: midrange(made, name) for name in NAMES})
    assert rows[1].find_elements(By.TAG_NAME, "td")[1].text == f"{expected[0]:.3f}"
    tables = driver.find_elements(By.CSS_SELECTOR, "table.sortable")
    marked = [len(table.find_elements(By.CSS_SELECTOR, "tr.prior")) for table in tables]
    # Table 2, metrics, differences, ground truth, table 1, origin, class-wise F1
    assert marked == [*(1, 1), *(1, 0), *(0, 0), *(1, 1, 0), 0, *(0, 0, 0), 0]


def test_hostile_names_are_text(driver, made):
    assert driver.title == f"Results of {HOSTILE}"
    assert len(driver.find_elements(By.TAG_NAME, "img")) == 1
    assert driver.find_elements(By.CSS_SELECTOR, "main b b, main i i") == []
    choose(driver, "recording", NAMES[2])
    assert [
        row.get_attribute("data-class") for row in driver.find_elements(By.CSS_SELECTOR, "#classes .row")
    ] == CLASSES
    sound, image = driver.find_element(By.ID, "sound"), driver.find_element(By.CSS_SELECTOR, "#picture img")
    wait(driver, lambda: sound.get_property("duration"))
    wait(driver, lambda: image.get_property("naturalWidth"))
    assert sound.get_property("duration") == pytest.approx(len(made.soft[NAMES[2]]) + 900 / 8000, abs=0.1)
    assert image.get_property("naturalWidth") == 5 * len(made.soft[NAMES[2]])


def test_tables_sort_by_click_and_key(driver):
    """Empty cells stay last in both orders."""
    table = driver.find_element(By.CSS_SELECTOR, "table.sortable")

    def column(place):
        return [
            row.find_elements(By.TAG_NAME, "td")[place].text for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
        ]

    heading = table.find_elements(By.CSS_SELECTOR, "th button")[1]
    heading.click()
    assert column(1) == ["0.10", "0.90", ""]
    assert table.find_elements(By.TAG_NAME, "th")[1].get_attribute("aria-sort") == "ascending"
    heading.send_keys(Keys.ENTER)
    assert column(1) == ["0.90", "0.10", ""]
    assert table.find_elements(By.TAG_NAME, "th")[1].get_attribute("aria-sort") == "descending"
    table.find_elements(By.CSS_SELECTOR, "th button")[2].send_keys(Keys.SPACE)
    assert column(2) == ["5.0", "7.5", "61.0"]  # by size, not by the alphabet
    table.find_elements(By.CSS_SELECTOR, "th button")[0].click()
    assert column(0)[0].startswith("<i>")


def test_first_screen_has_the_comparison(finished):
    """Both tables are within the first 900 pixels of a window of 1280 pixels."""
    with chromium() as driver:
        visit(driver, finished / "results/tiny/page/index.html")
        tables = driver.find_elements(By.CSS_SELECTOR, "#comparison table")
        assert len(tables) == 2
        bottom = driver.execute_script("return arguments[0].getBoundingClientRect().bottom", tables[1])
        assert bottom < driver.execute_script("return innerHeight")


def test_numbers_have_their_meaning_on_hover(driver):
    table = driver.find_element(By.CSS_SELECTOR, "#comparison table")
    cell = table.find_elements(By.CSS_SELECTOR, "tbody td")[1]
    webdriver.ActionChains(driver).move_to_element(cell).perform()
    meaning = table.find_elements(By.TAG_NAME, "th")[1].get_attribute("title")
    assert meaning.startswith("Error rate")
    assert cell.get_attribute("title") == meaning
    assert table.find_elements(By.CSS_SELECTOR, "th button")[1].get_attribute("title") == meaning


def test_link_opens_the_definitions(driver):
    driver.find_element(By.CSS_SELECTOR, 'a[href="#baselines"]').click()
    assert driver.find_element(By.ID, "baselines").is_displayed()


def runs_of_mistakes(made, system):
    """Yield each miss and false alarm at the trimmed midrange: weight, recording, class, kind, onset, length."""
    for name in NAMES:
        own = midrange(made, name)
        wanted, active = harden(made.soft[name], own), harden(made.scores[system][name], own)
        for label, title in enumerate(CLASSES):
            for kind, wrong in (("miss", wanted & ~active), ("false alarm", active & ~wanted)):
                edges = np.flatnonzero(np.diff(np.pad(wrong[:, label].astype(int), 1))).reshape(-1, 2)
                for onset, offset in edges.tolist():
                    gap = np.abs(made.scores[system][name][onset:offset, label] - own[label])
                    yield gap.sum(), name, title, kind, onset, offset - onset


def test_worst_errors_listed_and_linked(driver, made):
    choose(driver, "system", "net")
    expected = sorted(runs_of_mistakes(made, "net"), reverse=True)
    cells = (
        "return [...document.querySelectorAll('#mistakes tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    wait(driver, lambda: len(driver.execute_script(cells)) == len(expected))
    for row, (weight, name, title, kind, onset, length) in zip(driver.execute_script(cells), expected, strict=True):
        where = f"{name}, {onset} to {onset + length} s"
        assert row == [where, title, kind, str(length), f"{weight / length:.2f}"]
    place = next(i for i, error in enumerate(expected) if error[1] == NAMES[2] and error[4] > 3)
    driver.find_elements(By.CSS_SELECTOR, "#mistakes button")[place].click()
    assert Select(driver.find_element(By.ID, "recording")).first_selected_option.text == NAMES[2]
    sound = driver.find_element(By.ID, "sound")
    wait(driver, lambda: sound.get_property("currentTime") == expected[place][4] - 1)
    choose(driver, "kind", "miss")
    assert {row[2] for row in driver.execute_script(cells)} == {"miss"}
    choose(driver, "worst", "length")
    lengths = [int(row[3]) for row in driver.execute_script(cells)]
    assert lengths == sorted(lengths, reverse=True)


def test_keys_of_the_page(driver):
    def recording():
        return Select(driver.find_element(By.ID, "recording")).first_selected_option.text

    def clock():
        return driver.find_element(By.ID, "clock").text

    press(driver, ".")
    assert recording() == NAMES[1]
    press(driver, ",")
    assert recording() == NAMES[0]
    press(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert clock() == "2.0 of 14 s"
    webdriver.ActionChains(driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    assert clock() == "12.0 of 14 s"
    press(driver, "+")
    assert driver.find_element(By.ID, "scale").text.split("\n")[0] == "7 s"
    press(driver, "0")
    assert driver.find_element(By.ID, "scale").text.split("\n")[0] == "0 s"
    wait(driver, lambda: driver.find_elements(By.CSS_SELECTOR, "#mistakes button"))
    press(driver, "n", "n")
    (here,) = driver.find_elements(By.CSS_SELECTOR, "#mistakes tr.here")
    assert here == driver.find_elements(By.CSS_SELECTOR, "#mistakes tbody tr")[1]
    assert here.text.startswith(recording())


def test_play_head_follows_the_sound(driver):
    sound, head = driver.find_element(By.ID, "sound"), driver.find_element(By.CSS_SELECTOR, "#picture .head")
    wait(driver, lambda: sound.get_property("readyState") >= 3)
    left = head.location["x"]
    press(driver, Keys.SPACE)
    assert not sound.get_property("paused")
    wait(driver, lambda: head.location["x"] > left + 10)
    press(driver, Keys.SPACE)
    assert sound.get_property("paused")


def test_click_on_timeline_seeks(driver):
    track = driver.find_element(By.CSS_SELECTOR, "#classes .track")
    webdriver.ActionChains(driver).move_to_element(track).click().perform()
    assert driver.find_element(By.ID, "clock").text == "7.0 of 14 s"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_page_fits_the_window(made, width, scheme):
    """In light and dark, on a phone and on a desktop, nothing is wider than the window."""
    with chromium(width, scheme) as driver:
        visit(driver, made.page)
        for details in driver.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
            details.click()
        driver.find_element(By.ID, "every").send_keys(Keys.SPACE)
        inner, content = driver.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
        assert content <= inner == width
        colour = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in colour[4:-1].split(",")) > 3 * 128
        assert light == (scheme == "light")
        assert quiet(driver)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_crowd_page_fits_the_window(finished, width, scheme):
    with chromium(width, scheme) as driver:
        driver.get((finished / "results/tiny/labels/page.html").as_uri())
        for details in driver.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
            details.click()
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        assert quiet(driver)


def test_many_classes_show_the_most_active(tmp_path, monkeypatch):
    """Of 60 annotated classes the page shows 20, an error of another class adds its row, the box shows all."""
    monkeypatch.setattr(
        "support.page.CLASSES", [f"a sound with a long name that is cut in the figure {i}" for i in range(60)]
    )
    made = build_page(tmp_path)
    with chromium(PHONE) as driver:
        visit(driver, made.page)
        text = driver.find_element(By.ID, "chosen").text
        assert text.startswith("The rows show 20 of 60 annotated classes, those with the highest soft labels")

        def visible():
            rows = driver.find_elements(By.CSS_SELECTOR, "#classes .row")
            return {place for place, row in enumerate(rows) if row.is_displayed()}

        sums = made.soft[NAMES[0]].sum(axis=0)
        assert visible() == set(np.argsort(-sums, kind="stable")[:20].tolist())
        assert driver.execute_script("return document.documentElement.scrollWidth") == PHONE
        wait(driver, lambda: driver.execute_script("return mistakes.length"))
        label = driver.execute_script(
            "const hidden = ({ recording, label }) => recording === state.recording && rows[label].whole.hidden;"
            "const place = mistakes.findIndex(hidden); jump(place); return mistakes[place].label"
        )
        assert label in visible()
        assert len(visible()) == 21
        driver.find_element(By.ID, "every").send_keys(Keys.SPACE)
        assert visible() == set(range(60))
        assert driver.find_element(By.ID, "chosen").text == ""
        assert quiet(driver)


def test_missing_sound_is_reported(tmp_path):
    made = build_page(tmp_path, sound=False)
    with chromium() as driver:
        visit(driver, made.page)
        wait(driver, lambda: driver.find_element(By.ID, "silent").is_displayed())


def test_page_starts_with_metrics_of_run(finished):
    """The page starts with the metrics of `evaluate.system`, at 0.5 and at the thresholds of each fold."""
    results = finished / "results/tiny"
    with chromium() as driver:
        visit(driver, results / "page/index.html")
        for path in sorted((results / "metrics").glob("*/run1.json")):
            points = json.loads(path.read_text())["pooled"]["operating_points"]
            for reference, start, point in (("soft", "midrange", "class-dependent"), ("hard", "fixed", "0.5")):
                choose(driver, "system", path.parent.name)
                choose(driver, "reference", reference)
                choose(driver, "start", start)
                expected = [points[point][key] for key in ("error_rate", "f1_micro", "f1_macro")]
                assert shown(driver) == pytest.approx(expected, rel=1e-5)
        names = [option.text for option in Select(driver.find_element(By.ID, "recording")).options]
        assert len(names) == sum(len(list(results.glob(f"page/media/{name}.mp3"))) for name in names) == 6
        assert quiet(driver)


def test_folds_contain_each_recording_once():
    assert [name for names in FOLDS.values() for name in names] == NAMES
