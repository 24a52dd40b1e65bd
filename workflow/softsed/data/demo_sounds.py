"""Procedural sounds of the demo: one recipe per class, with random parameters for each instance.

A recipe takes a numpy Generator and a number of samples at 44.1 kHz and returns a mono signal. `make` scales it to unit
root-mean-square, and `softsed.data.render.mix` sets its level. Recipes differ in spectrum and in time structure, and
draw pitch, speed and timbre for each instance. A small network can distinguish them; they need not sound real.
"""

from collections.abc import Callable

import numpy as np

from softsed.data.demo_synthesis import RATE, band_gain, cycles, filtered, noise, place, regular, seconds, tone, voice

FADE_S = 0.01  # fade at both ends, which avoids clicks
SHORTEST_S = 0.1  # shortest instance, in seconds

Recipe = Callable[[np.random.Generator, int], np.ndarray]


def announcement(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Two-tone chime, then a voice through a small loudspeaker in a large hall."""
    high = rng.uniform(650, 800)
    decay = np.exp(-seconds(int(0.9 * RATE)) / 0.35)
    chime = place(samples, np.array([0.0, 0.45]), [decay * tone(f, len(decay)) for f in (high, high * 0.794)])
    speech = voice(rng, samples, pitch=rng.uniform(170, 220), tract=1.15, speed=rng.uniform(3.5, 4.5))
    speech = filtered(speech, lambda f: band_gain(f, 400, 3000)) * (seconds(samples) > 0.9)
    length = samples + RATE  # one second more, so that the tail does not wrap around
    tail = rng.standard_normal(RATE) * np.exp(-np.arange(RATE) / (0.25 * RATE))
    hall = np.fft.irfft(np.fft.rfft(speech, length) * np.fft.rfft(tail, length), length)[:samples]
    return 0.5 * chime + speech / (speech.std() + 1e-9) * 0.2 + hall / (hall.std() + 1e-9) * 0.25


def birds_singing(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Phrases of fast chirps between 3 and 8 kHz."""
    centre, sweep, length_s = rng.uniform(3800, 6500), rng.uniform(-1200, 1200), rng.uniform(0.04, 0.09)
    starts = regular(rng, samples, rng.uniform(6, 11), 0.2)
    starts = starts[(starts % 1.3 < 0.9) | (starts < 0.5)]  # phrases with gaps
    count = int(length_s * RATE)
    shape, slope = np.hanning(count), np.linspace(-1, 1, count)
    return place(samples, starts, [shape * tone(centre * rng.uniform(0.9, 1.1) + sweep * slope, count) for _ in starts])


def brakes_squeaking(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Gliding high tone with a weak overtone and a rough edge."""
    frequency = np.linspace(1, rng.uniform(0.75, 0.9), samples) * rng.uniform(2300, 3600)
    rough = 1 + 0.4 * tone(rng.uniform(25, 60), samples)
    swell = np.sin(np.pi * np.linspace(0.05, 1, samples)) ** 0.5
    return swell * rough * (tone(frequency, samples) + 0.3 * tone(2 * frequency, samples))


def car(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Tyre noise that swells and fades, with an engine tone that drops as the car passes (Doppler)."""
    position = np.linspace(-1, 1, samples) - rng.uniform(-0.3, 0.3)
    swell = np.sin(np.pi * np.linspace(0, 1, samples)) / (1 + (position / 0.5) ** 2)
    engine = tone(rng.uniform(110, 190) * (1 - 0.12 * np.tanh(position / 0.3)), samples)
    return swell * (noise(rng, samples, 250, rng.uniform(1100, 1800)) + 0.5 * engine)


def cash_register_beeping(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Short beeps near 1 kHz at irregular intervals, as from a scanner of goods."""
    count = int(rng.uniform(0.08, 0.13) * RATE)
    beep = tone(rng.uniform(950, 1250), count) + 0.2 * tone(rng.uniform(2900, 3500), count)
    starts = regular(rng, samples, rng.uniform(1.0, 1.6), 0.5)
    return place(samples, starts, [beep * np.hanning(count) ** 0.2] * len(starts))


def children_voices(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Speech about one octave above adults, with a shorter vocal tract, faster."""
    return voice(rng, samples, pitch=rng.uniform(300, 420), tract=1.35, speed=rng.uniform(4.5, 6))


def coffee_machine(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Steam over the buzz of a pump."""
    steam = noise(rng, samples, rng.uniform(3000, 5000), 11000) * (1 + 0.3 * tone(rng.uniform(6, 10), samples))
    buzz = filtered(2 * (cycles(rng.uniform(95, 105), samples) % 1) - 1, lambda f: band_gain(f, 80, 700))
    return 0.7 * steam + buzz


def cutlery(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Short metallic rings: inharmonic partials that decay within a tenth of a second."""
    starts = np.sort(rng.uniform(0, max(samples / RATE - 0.1, 0.01), max(2, int(samples / RATE * rng.uniform(3, 6)))))
    time = seconds(int(0.25 * RATE))
    pieces = []
    for _ in starts:
        partials, decays = rng.uniform(2500, 9500, 4), rng.uniform(0.015, 0.06, 4)
        rings = np.sin(2 * np.pi * partials[:, None] * time) * np.exp(-time / decays[:, None])
        pieces.append(rng.uniform(0.3, 1) * rings.sum(axis=0))
    return place(samples, starts, pieces)


def door(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Pneumatic hiss, then a thump with a click."""
    time, thump_s = seconds(samples), samples / RATE * rng.uniform(0.55, 0.75)
    hiss = noise(rng, samples, 1200, 4500) * np.clip(time / 0.1, 0, 1) * (time < thump_s)
    after = np.where(time >= thump_s, np.exp(-np.maximum(time - thump_s, 0) / 0.09), 0)
    return 0.3 * hiss + after * (3 * noise(rng, samples, 70, 250) + 0.8 * noise(rng, samples, 1500, 5000))


def footsteps(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Periodic low thuds with a short tap of the heel."""
    time = seconds(int(0.2 * RATE))
    thud = np.sin(2 * np.pi * rng.uniform(90, 150) * time) * np.exp(-time / 0.035)
    tap = rng.uniform(0.3, 0.7) * np.exp(-time / 0.012) * noise(rng, len(time), 800, rng.uniform(1800, 3000))
    starts = regular(rng, samples, rng.uniform(1.6, 2.3), 0.06)
    return place(samples, starts, [rng.uniform(0.7, 1) * (thud + tap) for _ in starts])


def furniture_dragging(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Stick and slip: rough noise of medium pitch, modulated by a sawtooth whose rate varies."""
    wander = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, 6), rng.uniform(14, 32, 6))
    return noise(rng, samples, rng.uniform(350, 450), rng.uniform(750, 950)) * (1 - cycles(wander, samples) % 1) ** 2


def large_vehicle(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Diesel: a comb of engine harmonics over a rumble, with the whistle of its turbocharger, slowly passing."""
    speed = 1 + 0.05 * np.sin(2 * np.pi * 0.15 * seconds(samples))
    engine = filtered(2 * (cycles(rng.uniform(26, 42) * speed, samples) % 1) - 1, lambda f: band_gain(f, 50, 700))
    whistle = tone(rng.uniform(1500, 2300) * speed, samples)
    swell = 0.15 + np.sin(np.pi * np.linspace(0, 1, samples)) ** 2
    return swell * (engine / (engine.std() + 1e-9) + 0.5 * noise(rng, samples, 40, 130) + 0.12 * whistle)


def metro(rng: np.random.Generator, samples: int, bands: np.ndarray) -> np.ndarray:
    """Noise whose band moves through `bands` (centre frequencies in Hz) in their order; each swells and fades."""
    position = np.linspace(0, len(bands) - 1, samples)
    return sum(
        np.exp(-(((position - place_) / 0.8) ** 2)) * noise(rng, samples, centre / 1.3, centre * 1.3)
        for place_, centre in enumerate(bands)
    )


def metro_approaching(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise that rises in pitch and level, with a whine that rises too."""
    rise = np.linspace(0, 1, samples)
    whine = tone(rng.uniform(350, 450) * 4**rise, samples)
    arrival = np.minimum(1, 8 * (1 - rise))  # stops within the last eighth
    return (
        arrival
        * (0.1 + rise)
        * (metro(rng, samples, rng.uniform(0.85, 1.15) * np.geomspace(250, 4000, 5)) + 0.4 * whine)
    )


def metro_leaving(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise that falls in pitch and level over the clatter of wheels at rail joints."""
    clatter = np.exp(-(cycles(np.linspace(2.5, 5, samples), samples) % 1) * 8) * noise(rng, samples, 300, 600)
    gone = np.linspace(0, 1, samples)
    return (
        np.minimum(1, 8 * gone)
        * (1.1 - gone)
        * (metro(rng, samples, rng.uniform(0.85, 1.15) * np.geomspace(2000, 130, 5)) + clatter)
    )


def people_talking(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Speech of an adult."""
    return voice(rng, samples, pitch=rng.uniform(95, 210), tract=rng.uniform(1, 1.15), speed=rng.uniform(3.2, 4.6))


def shopping_cart(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Rattle of a wire basket (many clicks per second) over rolling wheels."""
    time = seconds(int(0.03 * RATE))
    click = np.exp(-time / 0.004) * noise(rng, len(time), rng.uniform(1200, 1600), rng.uniform(3000, 4500))
    starts = np.sort(rng.uniform(0, samples / RATE, max(2, int(samples / RATE * rng.uniform(16, 28)))))
    rattle = place(samples, starts, [rng.uniform(0.3, 1) * click for _ in starts])
    return rattle / (rattle.std() + 1e-9) + 0.5 * noise(rng, samples, 500, 900)


def wind_blowing(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Very low noise in slow gusts; the strongest gusts have a faint whistle."""
    knots = rng.uniform(0.05, 1, max(4, int(samples / RATE * 0.7) + 2))
    gust = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, len(knots)), knots)
    return gust * noise(rng, samples, 40, rng.uniform(180, 280)) + 0.2 * gust**3 * noise(rng, samples, 500, 700)


RECIPES: dict[str, Recipe] = {
    "announcement": announcement,
    "birds_singing": birds_singing,
    "brakes_squeaking": brakes_squeaking,
    "car": car,
    "cash register beeping": cash_register_beeping,
    "children voices": children_voices,
    "coffee machine": coffee_machine,
    "cutlery and dishes": cutlery,
    "door opens/closes": door,
    "footsteps": footsteps,
    "furniture dragging": furniture_dragging,
    "large_vehicle": large_vehicle,
    "metro approaching": metro_approaching,
    "metro leaving": metro_leaving,
    "people talking": people_talking,
    "shopping cart": shopping_cart,
    "wind_blowing": wind_blowing,
}


def make(name: str, rng: np.random.Generator, samples: int) -> np.ndarray:
    """Render one instance of a class.

    Parameters
    ----------
    name : str
        Class, a key of `RECIPES`.
    rng : numpy.random.Generator
        Source of the random parameters.
    samples : int
        Length at 44.1 kHz, at least `SHORTEST_S`.

    Returns
    -------
    ndarray [samples]
        Signal with unit root-mean-square, faded in and out over 10 ms.
    """
    signal = RECIPES[name](rng, samples)
    fade = np.linspace(0, 1, int(FADE_S * RATE))
    signal[: len(fade)] *= fade
    signal[-len(fade) :] *= fade[::-1]
    return signal / np.sqrt(np.mean(signal**2) + 1e-12)
