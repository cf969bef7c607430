// The machine: load, usage and pressure.

import { bars, state } from "./bars.js";
import { legend } from "./legend.js";
import { drawing, element, say } from "./elements.js";
import { number, percent } from "./format.js";
import * as history from "./history.js";
import { plot } from "./plot.js";

const TICKS = [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]];
const LINES = [["first", "processors"], ["second", "memory"], ["third", "CPU pressure"]];
const KINDS = LINES.map(([kind]) => kind);

export function machine(host, span, now) {
  const box = document.getElementById("host");
  if (!box.firstChild) box.append(...parts());
  const values = [
    bar("Processors", host.cpu, 0.7, 0.9),
    bar("Memory", host.memory, 0.8, 0.9),
    bar("CPU pressure", host.cpu_pressure, 0.1, 0.4),
    bar("Memory pressure", host.memory_pressure, 0.05, 0.2),
    bar("Disk pressure", host.io_pressure, 0.2, 0.5),
    bar(`Disk ${host.disk}`, host.disk_used, 0.8, 0.9),
  ];
  bars(box.querySelector(".bars"), values);
  box.closest("section").classList.toggle("trouble", values.some(({ state }) => state === "bad"));
  const points = history.points(span).map((point) => point.slice(0, 4));
  plot(box.querySelector("svg.plot[role]"), { points, lines: KINDS, ticks: TICKS, describe: words }, span, now);
  say(box.querySelector("figcaption"), `Now: processors ${percent(host.cpu)} busy, memory ${percent(host.memory)} used, CPU pressure ${percent(host.cpu_pressure)}; load average ${number(host.load1)}.`);
}

function parts() {
  const picture = drawing("svg", { class: "plot", role: "img", "aria-label": "Processors, memory and pressure over time" });
  return [element("div", { class: "bars" }), element("figure", {}, element("h3", {}, "Over time"), legend(LINES), picture, element("output", { hidden: "" }), element("figcaption"))];
}

function bar(name, value, tight, bad) {
  return { name, part: value, text: percent(value), state: state(value, tight, bad) };
}

function words([, cpu, memory, pressure]) {
  return `processors ${percent(cpu)}, memory ${percent(memory)}, CPU pressure ${percent(pressure)}`;
}
