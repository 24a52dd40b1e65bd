"use strict";
// A recording: a spectrogram, and per class a timeline and a threshold slider, on one time axis, drawn with uPlot.

const STEPS = uPlot.paths.stepped({ align: 1 });
const AREA = [-0.36, 1.06]; // range of a timeline, in scores; the two bars need the part below 0
const BARS = { reference: [-0.05, -0.17], output: [-0.2, -0.32] };

/** The visible choices and their data, filled by `start` in main.js. */
const state = {
  system: null, recording: null, thresholds: [], moved: [], reference: null, scores: {}, shown: {}, view: [0, 1], time: 0,
  wanted: null,
};
const rows = []; // per class: its elements and its plot
const MOST_ROWS = 20; // annotated classes that are shown: the page stays short and fast with hundreds of classes

const lineColour = (name) => {
  if (isPrior(name)) return css("--prior");
  return COLOURS[data.systems.filter((other) => !isPrior(other)).indexOf(name) % COLOURS.length];
};

const thresholdOf = (label) => state.thresholds[state.recording.fold][label];
const range = (label) => {
  const from = label * data.seconds + state.recording.start;
  return [from, from + state.recording.seconds];
};

/** Return the columns of a plot: seconds, soft labels, scores of each system. The last value is repeated to end its step. */
function columnsOf(label) {
  const [from, to] = range(label);
  const values = (matrix, hidden) => {
    const part = Array.from(matrix.subarray(from, to), (value) => (value < hidden ? null : value / MICRO));
    return [...part, part.at(-1)];
  };
  const time = Array.from({ length: to - from + 1 }, (_, second) => second);
  const clipped = (column) => column.map((value) => Math.min(1.04, Math.max(-0.04, value)));
  return [time, values(data.soft, 0), ...data.systems.map((name) => clipped(values(state.scores[name], -Infinity)))];
}

/** Draw the threshold, the bar of the reference and below it the bar of the output, as hits, misses and false alarms. */
function drawMarks(plot, label) {
  const { ctx, bbox } = plot, [from, to] = range(label), scores = state.scores[state.system], threshold = thresholdOf(label);
  const x = (second) => plot.valToPos(second, "x", true), y = (value) => plot.valToPos(value, "y", true);
  const bar = (second, [top, bottom], colour) => {
    ctx.fillStyle = css(colour);
    ctx.fillRect(x(second), y(top), x(second + 1) - x(second) + 0.5, y(bottom) - y(top));
  };
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let i = from; i < to; i++) {
    const active = scores[i] > threshold, wanted = state.reference[i];
    if (wanted) bar(i - from, BARS.reference, active ? "--hit" : "--miss");
    if (active) bar(i - from, BARS.output, wanted ? "--hit" : "--alarm");
  }
  if (threshold !== Infinity) {
    ctx.strokeStyle = css("--threshold");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y(threshold / MICRO));
    ctx.lineTo(bbox.left + bbox.width, y(threshold / MICRO));
    ctx.stroke();
  }
  ctx.restore();
}

function makePlot(row, label) {
  const series = data.systems.map((name) => ({
    label: name, paths: STEPS, points: { show: false }, stroke: () => lineColour(name),
    dash: isPrior(name) ? DASHES[data.priors.indexOf(name) % DASHES.length] : undefined,
  }));
  const soft = { paths: STEPS, points: { show: false }, width: 0, fill: () => `${css("--reference")}59` };
  const options = {
    width: row.track.clientWidth, height: row.track.clientHeight, padding: [0, 0, 0, 0],
    scales: { x: { time: false, range: () => state.view }, y: { range: AREA } },
    axes: [{ show: false }, { show: false }], legend: { show: false }, cursor: { show: false },
    series: [{}, soft, ...series], hooks: { draw: [(plot) => drawMarks(plot, label)] },
  };
  row.plot = new uPlot(options, columnsOf(label), row.track);
  styleLines(row.plot);
}

/** Draw the chosen system with a thick line, other systems with a thin line, and hide systems that are switched off. */
function styleLines(plot) {
  data.systems.forEach((name, index) => {
    const series = plot.series[index + 2], chosen = name === state.system;
    series.width = chosen ? 2 : 1;
    series.alpha = chosen ? 1 : 0.7;
    series.show = chosen || state.shown[name];
  });
}

function makeRow(name, label) {
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, id: `threshold-${label}` });
  slider.setAttribute("aria-label", `Threshold of ${name}`);
  const row = {
    slider, value: element("output"), score: element("output", { className: "quiet" }), now: element("output", { className: "quiet" }),
    track: element("div", { className: "track" }, element("i", { className: "head" })),
  };
  const side = element(
    "div", { className: "side" }, element("span", { className: "name" }, name), row.score,
    element("div", { className: "slide" }, slider, row.value), row.now,
  );
  row.whole = element("div", { className: "row" }, side, row.track);
  row.whole.dataset.class = name;
  slider.addEventListener("input", () => moveThreshold(label, Math.round(Number(slider.value) * MICRO)));
  byId("classes").append(row.whole);
  rows.push(row);
}

const decimal = (value) => (Number.isNaN(value) ? "-" : value.toFixed(3));
const percent = (value) => (Number.isNaN(value) ? "-" : (100 * value).toFixed(1));

/** Show the threshold and F1 of each class. */
function showThresholds(counts) {
  rows.forEach((row, label) => {
    const threshold = thresholdOf(label), none = threshold === Infinity;
    row.slider.value = none ? 1 : threshold / MICRO;
    row.value.value = none ? "none" : (threshold / MICRO).toFixed(state.moved[label] ? 2 : 3);
    const { tp, fp, fn } = counts.classes[label];
    row.score.value = ` F1 ${percent(f1Of(counts.classes[label]))}`;
    row.score.title = `${tp} hits, ${fp} false alarms, ${fn} misses, in seconds of all test recordings`;
  });
}

/** Return the annotated classes of the recording, and those to show: the ones with the highest sums of soft labels. */
function chooseRows() {
  const soft = (label) => data.soft.subarray(...range(label)), labels = [...data.classes.keys()];
  const annotated = labels.filter((label) => soft(label).some((value) => value >= 0));
  if (byId("every").checked) return [annotated, labels];
  const sums = labels.map((label) => soft(label).reduce((sum, value) => sum + Math.max(0, value), 0));
  const shown = [...annotated].sort((a, b) => sums[b] - sums[a]).slice(0, MOST_ROWS);
  return [annotated, state.wanted?.recording === state.recording ? [...shown, state.wanted.label] : shown];
}

/** Redraw the recording. */
function drawRecording() {
  const [annotated, shown] = chooseRows(), drawn = annotated.filter((label) => shown.includes(label)).length;
  byId("chosen").textContent = drawn < annotated.length
    ? `The rows show ${drawn} of ${annotated.length} annotated classes, those with the highest soft labels in this recording.` : "";
  rows.forEach((row, label) => {
    row.whole.hidden = !shown.includes(label);
    row.whole.classList.toggle("not-annotated", !annotated.includes(label));
    if (row.whole.hidden) return;
    if (row.plot) row.plot.setData(columnsOf(label));
    else makePlot(row, label);
    styleLines(row.plot);
  });
  showView();
}

/** Show the part of the recording in `state.view`. */
function showView() {
  const [from, to] = state.view, width = to - from, picture = byId("picture").querySelector("img");
  picture.style.width = `${(100 * state.recording.seconds) / width}%`;
  picture.style.left = `${(-100 * from) / width}%`;
  const marks = Array.from({ length: 5 }, (_, index) => from + (index * width) / 4);
  byId("scale").replaceChildren(...marks.map((time) => element("span", {}, `${Number(time.toFixed(1))} s`)));
  for (const { plot, whole, track } of rows)
    if (plot && !whole.hidden) {
      plot.setSize({ width: track.clientWidth, height: track.clientHeight });
      plot.setScale("x", { min: from, max: to });
    }
  showTime();
}

/** Move the play head to the position of the sound and show the values at this position. */
function showTime() {
  const [from, to] = state.view, { seconds } = state.recording;
  byId("timelines").style.setProperty("--left", `${(100 * (state.time - from)) / (to - from)}%`);
  byId("clock").value = `${state.time.toFixed(1)} of ${seconds} s`;
  const second = Math.min(seconds - 1, Math.floor(state.time));
  rows.forEach((row, label) => {
    if (row.whole.hidden) return;
    const place = range(label)[0] + second, soft = data.soft[place];
    const score = (state.scores[state.system][place] / MICRO).toFixed(2);
    row.now.value = `score ${score}${soft < 0 ? "" : `, soft label ${(soft / MICRO).toFixed(2)}`}`;
  });
}

/** Show `width` seconds around `centre`, within the recording. */
function look(width, centre = state.time) {
  const { seconds } = state.recording, span = Math.min(seconds, Math.max(5, width));
  const from = Math.min(seconds - span, Math.max(0, centre - span / 2));
  state.view = [from, from + span];
  showView();
}

const zoom = (factor) => look((state.view[1] - state.view[0]) * factor);
