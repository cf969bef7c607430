// Bars: a name, how full it is, and the value in words.

import { element, renew, say } from "./elements.js";

// Each bar: { name, part (of 1), text, state ("", "tight" or "bad") }.
export function bars(parent, wanted) {
  renew(parent, wanted, (bar) => bar.name, make, update);
}

function make(bar) {
  const track = element("div", { class: "track", role: "meter", "aria-label": bar.name, "aria-valuemin": 0, "aria-valuemax": 100 });
  track.append(element("div", { class: "fill" }));
  return element("div", {}, element("span", {}, bar.name), track, element("span", { class: "value" }));
}

function update(row, bar) {
  const part = Math.round(Math.min(Math.max(bar.part ?? 0, 0), 1) * 100);
  const [, track, value] = row.children;
  row.className = `bar ${bar.state ?? ""}`;
  track.setAttribute("aria-valuenow", part);
  track.setAttribute("aria-valuetext", bar.text);
  track.firstChild.style.width = `${part}%`;
  say(value, bar.text);
}

export function state(value, tight, bad) {
  if (value == null || value < tight) return "";
  return value < bad ? "tight" : "bad";
}
