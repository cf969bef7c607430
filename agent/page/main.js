// The page: listens to the agent's events while it is looked at, and hands them to the parts that show them.

import { devices } from "./devices.js";
import { say } from "./elements.js";
import { findings } from "./findings.js";
import { bytes, clock, count, number, percent, seconds } from "./format.js";
import * as history from "./history.js";
import { machine } from "./machine.js";
import { table } from "./table.js";

const PLUGINS = [
  ["Plugin", (it) => it.name],
  ["Answers", (it) => `${it.up} of ${it.instances}`, (it) => (it.up < it.instances ? "bad" : "")],
  ["Render, mean", (it) => seconds(it.render)],
  ["99 of 100", (it) => seconds(it.p99)],
  ["Deadline", (it) => seconds(it.deadline)],
  ["Used", (it) => percent(used(it)), (it) => (used(it) >= 0.9 ? "bad" : used(it) >= 0.7 ? "tight" : "")],
  ["Xruns", (it) => number(it.xruns)],
];
const LOGS = [
  ["Source", (it) => it.source],
  ["Lines a second", (it) => number(it.lines_per_second)],
  ["Not yet in Loki", (it) => bytes(it.lag_bytes)],
  ["Behind by", (it) => seconds(it.lag_seconds), (it) => (it.lag_seconds > 60 ? "tight" : "")],
];
const TOLD_MS = 20_000;
const PATIENCE_MS = 8000;
const AWAY = "The agent does not answer; trying again";

const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
let source = null;
let timer = 0;
let span = 120;
let moment = null;

function used(plugin) {
  return plugin.p99 != null && plugin.deadline ? plugin.p99 / plugin.deadline : null;
}

// Each in an element of its own, and for a while: one must not take the place of another that nobody has heard yet.
function announce(text) {
  const told = document.createElement("p");
  told.textContent = text;
  document.getElementById("announcer").append(told);
  setTimeout(() => told.remove(), TOLD_MS);
}

function show() {
  if (!moment) return;
  devices(moment.devices, span, moment.time);
  machine(moment.host, span, moment.time);
  say(document.getElementById("plugins-summary"), moment.plugins.length ? "" : "No plugin offers its metrics.");
  table(document.getElementById("plugins"), "Plugins", PLUGINS, moment.plugins, (it) => it.name);
  say(document.getElementById("logs-summary"), moment.logs.length ? "" : "No logs are read.");
  table(document.getElementById("logs"), "Logs", LOGS, moment.logs, (it) => it.source);
}

const handlers = {
  history: (points) => history.begin(points),
  point: (point) => history.add(point),
  moment: (it) => {
    moment = it;
    clearTimeout(timer);
    timer = setTimeout(again, PATIENCE_MS);
    say(connection, "Live");
    const fresh = history.note(moment);
    if (fresh.length) announce(`Dropout on ${fresh.map((device) => device.name).join(" and ")} at ${clock(moment.time)}.`);
    show();
  },
  standing: (standing) => {
    const fresh = findings(standing);
    if (fresh.length) announce(`${count(fresh.length, "new finding")}: ${fresh.join("; ")}.`);
    say(document.getElementById("agent"), `wr-agent ${standing.version}`);
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

// No moment for long: the agent refused, hangs, or the network lost it, of which a browser alone would tell nothing.
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
