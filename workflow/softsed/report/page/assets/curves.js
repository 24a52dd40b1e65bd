"use strict";
// Fig. 2 and the training curves, drawn with uPlot.

// Colours of Okabe and Ito (2008), as in softsed/report/figures.py: distinct for colour-blind readers, visible on
// light and dark backgrounds.
const COLOURS = ["#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#0072b2", "#9a6f4e"];
const DASHES = [[6, 4], [2, 3]];

const isPrior = (name) => data.priors.some((prior) => name === prior || name.startsWith(`${prior}_`));
const axis = (more) => ({
  stroke: () => css("--quiet"), grid: { stroke: () => css("--rule"), width: 1 }, ticks: { stroke: () => css("--rule") },
  font: "12px system-ui", ...more,
});
const drawn = []; // functions that fit a plot into its place, and plots, redrawn for a new width or colour scheme

/** Draw a plot as wide as its place, and at least `least` pixels wide: a narrow place scrolls. */
function plot(options, columns, place, least = 0) {
  const size = () => ({ width: Math.max(least, place.clientWidth), height: options.height });
  const made = new uPlot({ ...options, ...size() }, columns, place);
  drawn.push([made, () => made.setSize(size())]);
}

function drawFigure2({ classes, instances, curves }) {
  const names = Object.keys(curves), detectors = names.filter((name) => !isPrior(name));
  const label = (index) => (classes[index] ? `${classes[index].replaceAll("_", " ")} (${instances[index]})` : "");
  const series = names.map((name) => {
    const prior = isPrior(name), place = detectors.indexOf(name);
    return {
      label: prior ? `${name} (no audio)` : name,
      stroke: prior ? () => css("--prior") : COLOURS[place % COLOURS.length],
      width: prior ? 1.5 : 2, dash: prior ? DASHES[name.endsWith("_s") ? 1 : 0] : undefined,
      points: { show: !prior, size: 6 }, value: (_, value) => (value == null ? "-" : value.toFixed(1)),
    };
  });
  const below = Math.max(150, 20 + 6.5 * Math.max(...classes.map((_, index) => label(index).length))); // longest name
  const options = {
    height: 270 + below,
    scales: { x: { time: false, range: [-0.3, classes.length - 0.7] }, y: { range: [0, 100] } },
    series: [{ label: "class", value: (_, index) => (index == null ? "-" : label(index)) }, ...series],
    axes: [
      axis({ splits: () => classes.map((_, index) => index), values: (_, splits) => splits.map(label), rotate: -90, size: below,
        space: 1 }),
      axis({ size: 36 }),
    ],
    cursor: { y: false, drag: { x: false, y: false } },
  };
  plot(options, [classes.map((_, index) => index), ...names.map((name) => curves[name])], byId("figure2"), 60 + 18 * classes.length);
}

function drawTraining(trainings) {
  for (const [system, lines] of Object.entries(trainings)) {
    const epochs = Math.max(...lines.map(({ train }) => train.length));
    const fill = (values) => Array.from({ length: epochs }, (_, index) => values[index] ?? null);
    const columns = [Array.from({ length: epochs }, (_, index) => index + 1)];
    const series = [{}];
    for (const { train, validation } of lines)
      for (const [values, colour] of [[train, "--reference"], [validation, "--alarm"]]) {
        columns.push(fill(values));
        series.push({ stroke: () => css(colour), width: 1, points: { show: false } });
      }
    const place = byId("training").appendChild(element("div"));
    const options = {
      title: system, height: 210, series, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false } }, axes: [axis({ size: 30 }), axis({ size: 46 })],
    };
    plot(options, columns, place);
  }
}

function fitPlots() {
  for (const [, fit] of drawn) fit();
}

drawFigure2(data.figure2);
drawTraining(data.training);
new ResizeObserver(fitPlots).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [made] of drawn) made.redraw(false, true);
});
