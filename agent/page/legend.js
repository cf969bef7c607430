// Legends: a sample of each line or mark, and its name.

import { drawing, element } from "./elements.js";

// Each line: [class, name].
export function legend(lines) {
  const entries = lines.map(([kind, text]) => {
    const sample = drawing("svg", { class: "plot", "aria-hidden": "true" }, drawing("polyline", { class: kind, points: "0,5 29,5" }));
    return element("li", {}, sample, text);
  });
  return element("ul", { class: "legend" }, ...entries);
}

// The legend of marks. Each: [letter, name].
export function marks(groups) {
  const entries = groups.map(([letter, name]) => element("li", {}, element("span", { class: `mark mark-${letter}` }, letter), ` ${name}`));
  return element("ul", { class: "legend", hidden: "" }, ...entries);
}
