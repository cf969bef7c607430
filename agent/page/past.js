// The dropouts of the last 24 hours: a strip with their causes and the periods without measuring, and the newest ones.

import { GROUPS, group } from "./causes.js";
import { details } from "./dropout.js";
import { drawing, element, renew, say } from "./elements.js";
import { count, seconds } from "./format.js";
import { marks } from "./legend.js";
import { strip } from "./plot.js";

const DAY = 24 * 3600;
const SHOWN = 20;

let past = null;

export function keep(received) {
  past = received;
}

// `measured` tells whether a device is measured now, which ends the last period without measuring.
export function show(now, measured) {
  if (!past) return;
  const box = document.getElementById("past");
  if (!box.firstChild) box.append(...parts());
  const recent = past.dropouts.filter((it) => it.at >= now - DAY);
  const open = measured ? [] : [[past.watched || now - DAY, now]];
  const unwatched = [...past.unwatched, ...open].filter(([, end]) => end >= now - DAY);
  const bars = recent.map((it) => ({ time: it.at, mark: group(it.cause), words: `${it.cause}, ${it.device}` }));
  strip(box.querySelector("svg.timeline"), bars, unwatched, DAY, now);
  box.querySelector(".legend").hidden = !recent.length;
  say(box.querySelector("figcaption"), words(recent, unwatched, now));
  box.querySelector(".newest").hidden = !recent.length;
  renew(box.querySelector(".list"), recent.slice(-SHOWN).reverse(), (it) => it.id, details, () => {});
}

function words(recent, unwatched, now) {
  const blind = unwatched.reduce((sum, [start, end]) => sum + end - Math.max(start, now - DAY), 0);
  const gap = blind >= 60 ? ` Not measured for ${seconds(blind)} of these 24 hours (hatched).` : "";
  return `${count(recent.length, "dropout")} in the last 24 hours.${gap}`;
}

function parts() {
  const picture = drawing("svg", { class: "plot timeline", role: "img", "aria-label": "Dropouts over the last 24 hours" });
  const figure = element("figure", {}, element("h3", {}, "Dropouts of the last 24 hours"), marks(GROUPS), picture,
    element("output", { hidden: "" }), element("figcaption"));
  return [figure, element("h4", { class: "newest" }, "Newest dropouts, with their causes"), element("div", { class: "list" })];
}
