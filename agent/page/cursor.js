// The value of a plot under the pointer, or under the cursor that the arrow keys move.

import { drawing, say } from "./elements.js";

const states = new WeakMap();

// Keeps the points that a plot shows: [[x, text]…], left to right. `area` is { top, bottom }, the extent of the cursor's line.
export function cursor(svg, points, area) {
  const state = states.get(svg) ?? listen(svg);
  Object.assign(state, { points, area });
  draw(svg, state);
}

function listen(svg) {
  const state = { x: null };
  states.set(svg, state);
  svg.setAttribute("tabindex", 0);
  svg.addEventListener("pointermove", (event) => move(svg, state, event.offsetX));
  svg.addEventListener("pointerleave", () => move(svg, state, null));
  svg.addEventListener("blur", () => move(svg, state, null));
  svg.addEventListener("focus", () => move(svg, state, Infinity));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !state.points.length) return;
    event.preventDefault();
    const index = nearest(state.points, state.x ?? Infinity) + step;
    move(svg, state, state.points[Math.min(Math.max(index, 0), state.points.length - 1)][0]);
  });
  return state;
}

function move(svg, state, x) {
  state.x = x;
  draw(svg, state);
}

function nearest(points, x) {
  if (x === Infinity) return points.length - 1;
  return points.reduce((best, [at], index) => (Math.abs(at - x) < Math.abs(points[best][0] - x) ? index : best), 0);
}

function draw(svg, { x, points, area }) {
  svg.querySelector(".cursor")?.remove();
  const output = svg.parentElement.querySelector("output");
  const shown = x !== null && points.length;
  output?.toggleAttribute("hidden", !shown);
  if (!shown) return;
  const [at, text] = points[nearest(points, x)];
  svg.append(drawing("line", { class: "cursor", x1: at, x2: at, y1: area.top, y2: area.bottom }));
  if (output) say(output, text);
}
