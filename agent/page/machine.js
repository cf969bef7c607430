// The machine: load, usage and pressure.

import { bars, state } from "./bars.js";
import { drawing, element, say } from "./elements.js";
import { number, percent } from "./format.js";
import * as history from "./history.js";
import { plot } from "./plot.js";

const TICKS = [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]];
const LINES = ["first", "second", "third"];

export function machine(host, span, now) {
  const box = document.getElementById("host");
  if (!box.firstChild) box.append(...parts());
  bars(box.querySelector(".bars"), [
    bar("Processors", host.cpu, 0.7, 0.9),
    bar("Memory", host.memory, 0.8, 0.9),
    bar("CPU pressure", host.cpu_pressure, 0.1, 0.4),
    bar("Memory pressure", host.memory_pressure, 0.05, 0.2),
    bar("Disk pressure", host.io_pressure, 0.2, 0.5),
    bar(`Disk ${host.disk}`, host.disk_used, 0.8, 0.9),
  ]);
  const points = history.points(span).map((point) => point.slice(0, 4));
  plot(box.querySelector("svg"), { points, lines: LINES, ticks: TICKS }, span, now);
  say(box.querySelector("figcaption"), `Processors (solid) are ${percent(host.cpu)} busy, memory (dashed) is ${percent(host.memory)} full, and work waits for a processor (dotted) ${percent(host.cpu_pressure)} of the time; load ${number(host.load1)}.`);
}

function parts() {
  const picture = drawing("svg", { class: "plot", role: "img", "aria-label": "Processors, memory and pressure over time" });
  return [element("div", { class: "bars" }), element("figure", {}, element("h3", {}, "Over time"), picture, element("figcaption"))];
}

function bar(name, value, tight, bad) {
  return { name, part: value, text: percent(value), state: state(value, tight, bad) };
}
