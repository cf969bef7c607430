// The page: receives the agent's events while visible, and passes them to its parts.

import { devices } from "./devices.js";
import { say } from "./elements.js";
import { findings } from "./findings.js";
import { bytes, clock, count, number, percent, seconds } from "./format.js";
import * as history from "./history.js";
import { machine } from "./machine.js";
import * as past from "./past.js";
import { table } from "./table.js";

const PLUGINS = [
  ["Plugin", (it) => it.name],
  ["Answers", (it) => `${it.up} of ${it.instances}`, (it) => (it.up < it.instances ? "bad" : "")],
  ["Used", (it) => percent(used(it)), (it) => (used(it) >= 0.9 ? "bad" : used(it) >= 0.7 ? "tight" : "")],
  ["99 of 100", (it) => seconds(it.p99)],
  ["Deadline", (it) => seconds(it.deadline)],
  ["Render, mean", (it) => seconds(it.render)],
  ["Xruns", (it) => number(it.xruns)],
];
const LOGS = [
  ["Source", (it) => it.source],
  ["Lines a second", (it) => number(it.lines_per_second)],
  ["Not yet in Loki", (it) => bytes(it.lag_bytes)],
  ["Lag", (it) => seconds(it.lag_seconds), (it) => (it.lag_seconds > 60 ? "tight" : "")],
];
const PUSH = [
  ["Receiver", (it) => it.url],
  ["Samples sent", (it) => number(it.sent)],
  ["Waiting", (it) => bytes(it.queue_bytes)],
  ["They span", (it) => seconds(it.queue_seconds), (it) => (it.queue_seconds > 600 ? "tight" : "")],
  ["Lag", (it) => seconds(it.lag_seconds), (it) => (it.lag_seconds > 60 ? "tight" : "")],
  ["Refused", (it) => number(it.refused), (it) => (it.refused ? "tight" : "")],
  ["Dropped", (it) => number(it.dropped), (it) => (it.dropped ? "bad" : "")],
];
const NO_PLUGINS = "No plugin socket was found. docs/instrumentation.md shows how an engine, an app or a tool offers one.";
const NO_LOGS = "No log source is configured. Add [[logs.sources]] to the configuration; config.example.toml has examples.";
const ANNOUNCE_MS = 20_000;
const PATIENCE_MS = 8000;
const AWAY = "The agent does not answer; retrying";

const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
let source = null;
let timer = 0;
let span = 120;
let sample = null;

function used(plugin) {
  return plugin.p99 != null && plugin.deadline ? plugin.p99 / plugin.deadline : null;
}

// Unanswered polls first, then by the share of the deadline.
function worstFirst(a, b) {
  return (a.up === a.instances) - (b.up === b.instances) || used(b) - used(a) || a.name.localeCompare(b.name);
}

// Each announcement has its own element and lasts, so that a screen reader can read every one.
function announce(text) {
  const told = document.createElement("p");
  told.textContent = text;
  document.getElementById("announcer").append(told);
  setTimeout(() => told.remove(), ANNOUNCE_MS);
}

function show() {
  if (!sample) return;
  devices(sample.devices, span, sample.time);
  past.show(sample.time, sample.devices.some((device) => device.up));
  machine(sample.host, span, sample.time);
  say(document.getElementById("plugins-summary"), sample.plugins.length ? "" : NO_PLUGINS);
  table(document.getElementById("plugins"), "Plugins", PLUGINS, [...sample.plugins].sort(worstFirst), (it) => it.name);
  say(document.getElementById("logs-summary"), sample.logs.length ? "" : NO_LOGS);
  table(document.getElementById("logs"), "Logs", LOGS, sample.logs, (it) => it.source);
  document.getElementById("push-section").hidden = !sample.push;
  say(document.getElementById("push-summary"), sample.push?.problem ?? "");
  table(document.getElementById("push"), "Pushed metrics", PUSH, sample.push ? [sample.push] : [], (it) => it.url);
}

const handlers = {
  history: (points) => history.begin(points),
  point: (point) => history.add(point),
  dropouts: (received) => past.keep(received),
  sample: (it) => {
    sample = it;
    clearTimeout(timer);
    timer = setTimeout(again, PATIENCE_MS);
    say(connection, "Live");
    const fresh = history.note(sample);
    if (fresh.length) announce(`Dropout on ${fresh.map((device) => device.name).join(" and ")} at ${clock(sample.time)}.`);
    show();
  },
  health: (health) => {
    const fresh = findings(health);
    if (fresh.length) announce(`${count(fresh.length, "new finding")}: ${fresh.join("; ")}.`);
    say(document.getElementById("agent"), `wr-agent ${health.version}`);
    say(document.getElementById("hostname"), health.host);
    document.title = `${health.host}: wr-agent`;
  },
};

function listen() {
  clearTimeout(timer);
  if (source || document.hidden || pause.getAttribute("aria-pressed") === "true") return;
  source = new EventSource("/-/events");
  source.onerror = () => say(connection, AWAY);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  timer = setTimeout(again, PATIENCE_MS);
}

function leave() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

// No sample for PATIENCE_MS: reconnect, since a browser does not report a stream that hangs.
function again() {
  say(connection, AWAY);
  leave();
  listen();
}

pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", paused);
  if (paused) leave();
  else listen();
  say(connection, paused ? "Paused" : "Connecting…");
});
for (const button of document.querySelectorAll("[data-span]")) {
  button.addEventListener("click", () => {
    span = Number(button.dataset.span);
    for (const other of document.querySelectorAll("[data-span]")) other.setAttribute("aria-pressed", other === button);
    show();
  });
}
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
addEventListener("resize", show);
listen();
