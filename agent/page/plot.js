// Plots over time as SVG: lines, with a limit where there is one, and events.

import { cursor } from "./cursor.js";
import { drawing } from "./elements.js";
import { clock, count } from "./format.js";

const LEFT = 52;
const BOTTOM = 18;
const TOP = 8;
const LETTER = 11;

// Plots { points: [[time, values…]…], lines: [class…], ticks: [[value, text]…], limit, logarithmic } for `span` s. `describe` words a point for the cursor.
export function plot(svg, { points, lines, ticks, limit, logarithmic, describe }, span, now) {
  const { width, height, across } = begin(svg, span, now);
  const scale = logarithmic ? Math.log : (value) => value;
  const [low, high] = [scale(ticks[0][0]), scale(ticks.at(-1)[0])];
  const up = (value) => {
    const part = (scale(Math.max(value, logarithmic ? ticks[0][0] : 0)) - low) / (high - low);
    return height - BOTTOM - Math.min(part, 1) * (height - BOTTOM - TOP);
  };
  for (const [value, text] of ticks) svg.append(...tick(up(value), text, width));
  if (limit != null) svg.append(drawing("line", { class: "limit", x1: LEFT, x2: width, y1: up(limit), y2: up(limit) }));
  const seen = points.filter(([time]) => time >= now - span);
  lines.forEach((name, index) => {
    for (const stretch of stretches(seen, index + 1)) {
      const path = stretch.map(([time, value]) => `${across(time).toFixed(1)},${up(value).toFixed(1)}`).join(" ");
      svg.append(drawing("polyline", { class: name, points: path }));
    }
  });
  const known = seen.filter((point) => point.slice(1).some((value) => value != null));
  cursor(svg, known.map((point) => [across(point[0]), `${clock(point[0])}: ${describe(point)}`]), { top: TOP, bottom: height - BOTTOM });
}

// Events, [[time, how many]…], as bars on a line.
export function timeline(svg, events, span, now) {
  bars(svg, events.map(([time, number]) => ({ time, number, words: count(number, "dropout") })), span, now);
}

// Events [{ time, mark, words }…] over a day, with hatched periods [[start, end]…] without measuring.
export function strip(svg, events, periods, span, now) {
  const { across, base } = bars(svg, events, span, now);
  const hatch = drawing("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, drawing("path", { class: "grid", d: "M0,6L6,0" }));
  for (const [start, end] of periods) {
    const left = Math.max(across(start), LEFT);
    const box = { class: "unwatched", x: left, y: TOP, width: Math.max(across(end) - left, 1), height: base - TOP };
    svg.prepend(drawing("rect", box));
  }
  svg.prepend(drawing("defs", {}, hatch));
}

// Bars on a line, each with the letter of its mark where there is room.
function bars(svg, events, span, now) {
  const { width, height, across } = begin(svg, span, now);
  const base = height - BOTTOM;
  svg.append(drawing("line", { class: "grid", x1: LEFT, x2: width, y1: base, y2: base }));
  const shown = events.filter(({ time }) => time >= now - span);
  let free = 0;
  for (const { time, number = 1, mark } of shown) {
    const tall = (base - TOP - (mark ? LETTER : 0)) * (mark ? 1 : Math.min(1, 0.5 + number / 8));
    const x = across(time);
    svg.append(drawing("rect", { class: `dropout ${mark ? `mark-${mark}` : ""}`, x: x - 2, y: base - tall, width: 4, height: tall }));
    if (!mark || x < free) continue;
    svg.append(drawing("text", { x, y: base - tall - 2, "text-anchor": "middle" }, mark));
    free = x + LETTER;
  }
  cursor(svg, shown.map(({ time, words }) => [across(time), `${clock(time)}: ${words}`]), { top: TOP, bottom: base });
  return { across, base };
}

function begin(svg, span, now) {
  const width = svg.clientWidth || 300;
  const height = svg.clientHeight || 100;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const across = (time) => LEFT + (1 - (now - time) / span) * (width - LEFT - 2);
  const ago = span > 4000 ? [[1, "24 h ago"], [0.75, "18 h"], [0.5, "12 h"], [0.25, "6 h"], [0, "now"]] : span > 600 ? [[1, "1 h ago"], [0.5, "30 min"], [0, "now"]] : [[1, "2 min ago"], [0.5, "1 min"], [0, "now"]];
  for (const [part, text] of ago) {
    const anchor = { 1: "start", 0: "end" }[part] ?? "middle";
    svg.append(drawing("text", { x: across(now - part * span), y: height - 4, "text-anchor": anchor }, text));
  }
  return { width, height, across };
}

function tick(y, text, width) {
  return [
    drawing("line", { class: "grid", x1: LEFT, x2: width, y1: y, y2: y }),
    drawing("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text),
  ];
}

// Missing values break the line.
function stretches(points, index) {
  const found = [[]];
  for (const point of points) {
    if (point[index] == null) found.push([]);
    else found.at(-1).push([point[0], point[index]]);
  }
  return found.filter((stretch) => stretch.length);
}
