// The legend of a plot: a sample of each line, and its name.

import { drawing, element } from "./elements.js";

// Each line: [class, name].
export function legend(lines) {
  const entries = lines.map(([kind, text]) => {
    const sample = drawing("svg", { class: "plot", "aria-hidden": "true" }, drawing("polyline", { class: kind, points: "0,5 29,5" }));
    return element("li", {}, sample, text);
  });
  return element("ul", { class: "legend" }, ...entries);
}
