"use strict";
// The data of the page, and its metrics, with the definitions of softsed/evaluate/segments.py.
//
// Values are whole millionths, the six digits of the files, so that every comparison has the same result as in Python.
// A matrix is stored class by class: for each class all seconds of all recordings, one recording after the other.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const MICRO = 1e6;

/** Create an element. Strings become text, never markup. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Unpack a matrix: base64 of deflated 32-bit whole numbers. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Int32Array(await new Response(stream).arrayBuffer());
}

/** Return the starting thresholds [folds][classes] in millionths; Infinity if a class has no threshold. */
function startingThresholds(start) {
  return data.midrange.map((row) => row.map((value) => (start === "fixed" ? data.fixed : (value ?? Infinity))));
}

/** Return the reference as 0 and 1: hard labels, or soft labels above the trimmed midrange of the fold. */
function referenceMatrix(kind) {
  if (kind === "hard") return Uint8Array.from(data.hard);
  const active = new Uint8Array(data.soft.length);
  const thresholds = startingThresholds("midrange");
  forEachBlock((recording, label, from, to) => {
    const threshold = thresholds[recording.fold][label];
    for (let i = from; i < to; i++) active[i] = data.soft[i] > threshold;
  });
  return active;
}

function forEachBlock(visit) {
  data.recordings.forEach((recording) =>
    data.classes.forEach((_, label) => {
      const from = label * data.seconds + recording.start;
      visit(recording, label, from, from + recording.seconds);
    }),
  );
}

/** Count hits and errors in segments of one second. */
function count(reference, scores, thresholds) {
  const classes = data.classes.map(() => ({ tp: 0, fp: 0, fn: 0 }));
  const missed = new Uint16Array(data.seconds), added = new Uint16Array(data.seconds);
  forEachBlock((recording, label, from, to) => {
    const threshold = thresholds[recording.fold][label], row = classes[label];
    for (let i = from, second = recording.start; i < to; i++, second++) {
      const active = scores[i] > threshold;
      if (reference[i]) active ? row.tp++ : (row.fn++, missed[second]++);
      else if (active) row.fp++, added[second]++;
    }
  });
  const errors = { substitutions: 0, deletions: 0, insertions: 0 };
  missed.forEach((fn, second) => {
    const fp = added[second];
    errors.substitutions += Math.min(fn, fp);
    errors.deletions += Math.max(0, fn - fp);
    errors.insertions += Math.max(0, fp - fn);
  });
  return { classes, ...errors };
}

const f1Of = ({ tp, fp, fn }) => (tp + fn ? (2 * tp) / (2 * tp + fp + fn) : NaN);

/** Compute metrics from counts. A class that is never detected counts as 0; a class without a reference is left out. */
function metricsOf(counts) {
  const total = { tp: 0, fp: 0, fn: 0 };
  for (const row of counts.classes) for (const key in total) total[key] += row[key];
  const present = counts.classes.map(f1Of).filter((value) => !Number.isNaN(value));
  return {
    errorRate: present.length ? (counts.substitutions + counts.deletions + counts.insertions) / (total.tp + total.fn) : NaN,
    f1Micro: f1Of(total),
    f1Macro: present.reduce((sum, value) => sum + value, 0) / present.length,
    detected: counts.classes.filter((row) => row.tp > 0).length,
    present: present.length,
  };
}

/** Return misses and false alarms as sequences of seconds of one recording and class. */
function mistakesOf(reference, scores, thresholds) {
  const found = [];
  forEachBlock((recording, label, from, to) => {
    const threshold = thresholds[recording.fold][label];
    let open = null;
    for (let i = from; i <= to; i++) {
      const active = i < to && scores[i] > threshold;
      const kind = i === to || active === Boolean(reference[i]) ? null : active ? "alarm" : "miss";
      if (open && open.kind !== kind) {
        open.distance = open.weight / open.length;
        found.push(open);
        open = null;
      }
      if (!kind) continue;
      open ??= { kind, recording, label, onset: i - from, length: 0, weight: 0 };
      open.length++;
      open.weight += Math.min(1, Math.abs(scores[i] - threshold) / MICRO);
    }
  });
  return found;
}
