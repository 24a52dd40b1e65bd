"use strict";
// Choices, sound, errors and keys.

const sound = byId("sound");
const LISTED = 100; // greatest number of errors in the list
let mistakes = [], current = -1, waiting = 0, counts = null;

function showMetrics() {
  counts = count(state.reference, state.scores[state.system], state.thresholds);
  const metrics = metricsOf(counts), output = (id, value, text) => {
    byId(id).value = text;
    byId(id).dataset.value = value;
  };
  output("error-rate", metrics.errorRate, decimal(metrics.errorRate));
  output("f1-micro", metrics.f1Micro, percent(metrics.f1Micro));
  output("f1-macro", metrics.f1Macro, percent(metrics.f1Macro));
  output("detected", metrics.detected, `${metrics.detected} of ${metrics.present}`);
  showThresholds(counts);
  showBeside(metrics);
  clearTimeout(waiting); // the list of errors follows 150 ms later, so that the slider stays smooth
  waiting = setTimeout(showMistakes, 150);
}

/** Return the detector with the highest macro F1 at class-dependent thresholds. */
function bestSystem() {
  const reference = referenceMatrix("soft"), thresholds = startingThresholds("midrange");
  const macro = (name) => metricsOf(count(reference, state.scores[name], thresholds)).f1Macro ?? -1;
  const detectors = data.systems.filter((name) => !isPrior(name));
  return detectors.reduce((best, name) => (macro(name) > macro(best) ? name : best), detectors[0] ?? data.systems[0]);
}

/** Show the metrics of the chosen system beside the baselines without audio, which keep their starting thresholds. */
function showBeside(metrics) {
  const line = (name, found, sums, prior) => {
    const mark = prior ? [element("span", { className: "prior-mark" }, "no audio")] : [];
    const values = [decimal(found.errorRate), percent(found.f1Micro), percent(found.f1Macro), sums.substitutions,
      sums.deletions, sums.insertions];
    const row = element("tr", { className: prior ? "prior" : "" }, element("td", {}, name, ...mark));
    row.append(...values.map((value) => element("td", {}, String(value))));
    return row;
  };
  const start = startingThresholds(byId("start").value);
  const priors = data.priors.filter((name) => name !== state.system).map((name) => {
    const sums = count(state.reference, state.scores[name], start);
    return line(name, metricsOf(sums), sums, true);
  });
  byId("beside").tBodies[0].replaceChildren(line(state.system, metrics, counts, isPrior(state.system)), ...priors);
}

function showMistakes() {
  const kind = byId("kind").value, order = byId("worst").value;
  const found = mistakesOf(state.reference, state.scores[state.system], state.thresholds)
    .filter((mistake) => kind === "all" || mistake.kind === kind)
    .sort((a, b) => b[order] - a[order] || b.weight - a.weight);
  mistakes = found.slice(0, LISTED);
  current = -1;
  const number = `${found.length} error${found.length === 1 ? "" : "s"}`;
  byId("found").textContent = found.length > LISTED ? `first ${LISTED} of ${number}` : number;
  const line = (mistake, index) => {
    const { onset, length } = mistake, where = `${mistake.recording.name}, ${onset} to ${onset + length} s`;
    const button = element("button", { type: "button" }, where);
    button.addEventListener("click", () => jump(index));
    const word = mistake.kind === "miss" ? "miss" : "false alarm";
    return element(
      "tr", {}, element("td", {}, button), element("td", {}, data.classes[mistake.label]),
      element("td", { className: mistake.kind }, word), element("td", {}, String(length)),
      element("td", {}, mistake.distance.toFixed(2)),
    );
  };
  byId("mistakes").tBodies[0].replaceChildren(...mistakes.map(line));
}

/** Go to an error of the list: to its recording, one second before the error, with its class in view. */
function jump(index) {
  const mistake = mistakes[index];
  if (!mistake) return;
  current = index;
  [...byId("mistakes").tBodies[0].rows].forEach((row, place) => row.classList.toggle("here", place === index));
  const { recording, label, onset, length } = mistake;
  state.wanted = mistake; // its class is shown, also if it is not annotated or not chosen
  choose(data.recordings.indexOf(recording), Math.max(0, onset - 1));
  look(Math.max(20, 2 * length), onset + length / 2);
  rows[label].whole.scrollIntoView({ block: "center" });
}

function choose(index, time = 0) {
  const recording = data.recordings[index];
  if (!recording) return;
  const other = recording !== state.recording;
  state.recording = recording;
  byId("recording").selectedIndex = index;
  byId("about").textContent = `${recording.scene}, ${recording.seconds} s, tested in ${data.folds[recording.fold]}`;
  if (other) {
    const file = `media/${encodeURIComponent(recording.file)}`;
    byId("silent").hidden = true;
    sound.src = `${file}.mp3`;
    byId("picture").querySelector("img").src = `${file}.webp`;
    state.view = [0, recording.seconds];
    showThresholds(counts ?? count(state.reference, state.scores[state.system], state.thresholds));
  }
  seek(time);
  drawRecording();
}

function seek(time) {
  state.time = Math.min(state.recording.seconds, Math.max(0, time));
  sound.currentTime = state.time;
  const [from, to] = state.view;
  if (state.time < from || state.time > to) look(to - from);
  else showTime();
}

const redraw = () => rows.forEach(({ plot, whole }) => plot && !whole.hidden && plot.redraw());

function moveThreshold(label, value) {
  for (const row of state.thresholds) row[label] = value;
  state.moved[label] = true;
  showMetrics();
  rows[label].plot?.redraw();
}

/** Apply the chosen system and reference; `restart` also resets the thresholds to their starting values. */
function chooseSystem(restart) {
  state.system = byId("system").value;
  state.reference = referenceMatrix(byId("reference").value);
  if (restart) {
    state.thresholds = startingThresholds(byId("start").value);
    state.moved = data.classes.map(() => false);
  }
  byId("mixed").hidden = (byId("reference").value === "soft") === (byId("start").value === "midrange");
  showMetrics();
  rows.forEach(({ plot }) => plot && styleLines(plot));
  redraw();
  showTime();
}

let frame = 0;

function followSound() {
  cancelAnimationFrame(frame); // stop a loop that is already running
  state.time = Math.min(sound.currentTime, state.recording.seconds);
  const [from, to] = state.view;
  if (state.time > to || state.time < from) look(to - from, state.time + (to - from) * 0.4);
  else showTime();
  if (!sound.paused) frame = requestAnimationFrame(followSound);
}

const KEYS = {
  " ": () => (sound.paused ? sound.play().catch(() => {}) : sound.pause()), // the page shows the error below the player
  ArrowLeft: (event) => seek(state.time - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => seek(state.time + (event.shiftKey ? 10 : 1)),
  ",": () => choose(data.recordings.indexOf(state.recording) - 1),
  ".": () => choose(data.recordings.indexOf(state.recording) + 1),
  n: () => jump(Math.min(current + 1, mistakes.length - 1)),
  p: () => jump(Math.max(current - 1, 0)),
  "+": () => zoom(0.5),
  "-": () => zoom(2),
  0: () => look(Infinity),
};
const OWN_KEYS = { INPUT: /^(Arrow.*| )$/, SELECT: /./, AUDIO: /^(Arrow.*| )$/, BUTTON: /^ $/, SUMMARY: /^ $/ };

function pressed(event) {
  const own = OWN_KEYS[event.target.tagName];
  if (event.ctrlKey || event.metaKey || event.altKey || own?.test(event.key) || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key](event);
}

function listen() {
  const on = (id, kind, action) => byId(id).addEventListener(kind, action);
  on("system", "change", () => chooseSystem(false));
  on("reference", "change", () => chooseSystem(false));
  on("start", "change", () => chooseSystem(true));
  on("reset", "click", () => chooseSystem(true));
  on("recording", "change", (event) => choose(event.target.selectedIndex));
  on("previous", "click", KEYS[","]);
  on("next", "click", KEYS["."]);
  on("closer", "click", KEYS["+"]);
  on("wider", "click", KEYS["-"]);
  on("whole", "click", KEYS["0"]);
  on("every", "change", drawRecording);
  on("kind", "change", showMistakes);
  on("worst", "change", showMistakes);
  on("timelines", "click", (event) => {
    const track = event.target.closest(".track"), [from, to] = state.view;
    if (!track) return;
    const { left, width } = track.getBoundingClientRect();
    seek(from + ((event.clientX - left) / width) * (to - from));
  });
  sound.addEventListener("play", followSound);
  sound.addEventListener("seeked", followSound);
  sound.addEventListener("error", () => (byId("silent").hidden = false));
  document.addEventListener("keydown", pressed);
  new ResizeObserver(showView).observe(byId("timelines"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function makeLegend() {
  const area = element("label", {}, element("i", { className: "area" }), "soft labels");
  const lines = data.systems.map((name) => {
    const box = element("input", { type: "checkbox", checked: true }), mark = element("i");
    mark.className = isPrior(name) ? "dashed" : "";
    mark.style.setProperty("--line", lineColour(name));
    state.shown[name] = true;
    box.addEventListener("change", () => {
      state.shown[name] = box.checked;
      rows.forEach(({ plot }) => plot && styleLines(plot));
      redraw();
    });
    return element("label", {}, box, mark, isPrior(name) ? `${name} (no audio)` : name);
  });
  byId("lines").append(area, ...lines);
}

async function start() {
  for (const kind of ["soft", "hard"]) data[kind] = await unpack(data[kind]);
  for (const name of data.systems) state.scores[name] = await unpack(data.scores[name]);
  const options = (id, names) => byId(id).append(...names.map((name) => element("option", { value: name }, name)));
  options("system", data.systems);
  options("recording", data.recordings.map(({ name }) => name));
  byId("start").options[1].textContent = String(data.fixed / MICRO);
  byId("system").value = bestSystem();
  data.classes.forEach(makeRow);
  makeLegend();
  state.recording = data.recordings[0];
  state.view = [0, state.recording.seconds];
  chooseSystem(true);
  state.recording = null;
  choose(0);
  listen();
  document.body.dataset.ready = "yes";
}

start();
