// Audio devices: buffer timing, dropouts, load and levels.

import { bars, state } from "./bars.js";
import { drawing, element, renew, say } from "./elements.js";
import { clock, count, decibels, number, percent, seconds } from "./format.js";
import * as history from "./history.js";
import { legend } from "./legend.js";
import { plot, timeline } from "./plot.js";

const TICKS = [[25e-6, "25 µs"], [1e-4, "0.1 ms"], [1e-3, "1 ms"], [1e-2, "10 ms"], [0.1, "0.1 s"], [1, "1 s"]];
const LINES = [["first", "median"], ["second", "99th percentile"], ["third", "worst"], ["limit", "deadline"]];
const QUIETEST = -60;
const FEW_CHANNELS = 4;
const SILENT = 10;

let made = 0;

export function devices(found, span, now) {
  const summary = document.getElementById("devices-summary");
  say(summary, found.length ? "" : "No audio device is measured. See the findings for the reason.");
  renew(document.getElementById("devices"), found, (device) => device.name, make, (box, device) => update(box, device, span, now));
}

function make(device) {
  const id = `device-${(made += 1)}`;
  return element("div", { class: "device", role: "group", "aria-labelledby": id },
    element("h3", { id }, device.name),
    element("p", { class: "facts muted" }),
    figure("timing", "Buffer timing", "Distance of buffers from their deadline", legend(LINES)),
    figure("dropouts", "Dropouts of the last hour", "Dropouts over the last hour"),
    element("h4", {}, "Load and levels"),
    element("div", { class: "load bars" }),
    element("div", { class: "levels bars" }),
    element("details", { class: "silent" }, element("summary"), element("div", { class: "bars" })));
}

function figure(name, title, label, ...more) {
  const kind = name === "dropouts" ? "plot timeline" : "plot";
  return element("figure", { class: name }, element("h4", {}, title), ...more,
    drawing("svg", { class: kind, role: "img", "aria-label": label }), element("output", { hidden: "" }), element("figcaption"));
}

function update(box, device, span, now) {
  say(box.querySelector(".facts"), facts(device));
  timing(box.querySelector(".timing"), device, span, now);
  dropouts(box.querySelector(".dropouts"), device, now);
  const load = { name: "Graph load", part: device.load, text: percent(device.load), state: state(device.load, 0.7, 0.9) };
  bars(box.querySelector(".load"), [load]);
  const silent = device.channels.length > FEW_CHANNELS ? device.channels.filter((channel) => channel.silent_seconds >= SILENT) : [];
  bars(box.querySelector(".levels"), device.channels.filter((channel) => !silent.includes(channel)).map(level));
  box.querySelector(".silent").hidden = !silent.length;
  say(box.querySelector("summary"), count(silent.length, "silent channel"));
  bars(box.querySelector(".silent .bars"), silent.map(level));
}

function facts(device) {
  if (!device.up) return "Down: no buffer received.";
  if (device.freewheeling) return "Freewheeling: a program exports, and nothing is measured until it ends.";
  const parts = [device.rate && `${number(device.rate / 1000)} kHz`, device.frames && `${device.frames} frames`];
  if (device.deadline) parts.push(`${seconds(device.deadline)} per buffer`);
  parts.push(`${count(device.lost, "lost buffer")} and ${count(device.late, "late buffer")} since the agent's start`);
  return parts.filter(Boolean).join(" · ");
}

function timing(box, device, span, now) {
  const points = history.points(span).map(([time, , , , all]) => [time, ...(all[device.name]?.slice(1, 4) ?? [])]);
  const lines = LINES.slice(0, 3).map(([kind]) => kind);
  plot(box.querySelector("svg.plot[role]"), { points, lines, ticks: TICKS, limit: device.deadline, logarithmic: true, describe: words }, span, now);
  const { median, p99, worst } = device.timing ?? {};
  const known = `Now: median ${seconds(median)}, 99th percentile ${seconds(p99)}, worst ${seconds(worst)} of a deadline of ${seconds(device.deadline)}.`;
  if (device.freewheeling) return say(box.querySelector("figcaption"), "Not measured during the export.");
  const unknown = device.up ? "Buffer timing is unknown: no probe measures this device." : "No buffer received.";
  say(box.querySelector("figcaption"), device.timing ? known : unknown);
}

function words([, median, p99, worst]) {
  return `median ${seconds(median)}, 99th percentile ${seconds(p99)}, worst ${seconds(worst)}`;
}

function dropouts(box, device, now) {
  const events = history.all().map(([time, , , , all]) => [time, all[device.name]?.[0] ?? 0]).filter(([, number]) => number);
  timeline(box.querySelector("svg"), events, 3600, now);
  const total = events.reduce((sum, [, number]) => sum + number, 0);
  const last = total ? `, last at ${clock(events.at(-1)[0])}` : "";
  say(box.querySelector("figcaption"), `${count(total, "dropout")} in the last hour${last}; ${device.dropouts} since the agent's start.`);
}

function level(channel) {
  const part = channel.peak > 0 ? 1 - (20 * Math.log10(channel.peak)) / QUIETEST : 0;
  const silent = channel.silent_seconds >= 1 ? `silent ${seconds(channel.silent_seconds)}` : decibels(channel.peak);
  return { name: `Channel ${channel.name}`, part, text: silent, state: state(channel.peak, 0.9, 1) };
}
