// The dropouts of the last 24 hours: a strip with the periods without measuring, and the newest ones as a list.

import { drawing, element, say } from "./elements.js";
import { clock, count, seconds } from "./format.js";
import { strip } from "./plot.js";
import { table } from "./table.js";

const DAY = 24 * 3600;
const SHOWN = 20;
const COLUMNS = [
  ["Time", (it) => clock(it[0])],
  ["Length", (it) => seconds(it[1])],
  ["Dropouts", (it) => `${it[2]}`],
  ["Device", (it) => it[3]],
];

let past = null;

export function keep(received) {
  past = received;
}

// `measured` tells whether a device is measured now, which ends the last period without measuring.
export function show(now, measured) {
  if (!past) return;
  const box = document.getElementById("past");
  if (!box.firstChild) box.append(...parts());
  const recent = past.dropouts.filter(([at]) => at >= now - DAY);
  const open = measured ? [] : [[past.watched || now - DAY, now]];
  const unwatched = [...past.unwatched, ...open].filter(([, end]) => end >= now - DAY);
  strip(box.querySelector("svg"), recent.map(([at, , number]) => [at, number]), unwatched, DAY, now);
  say(box.querySelector("figcaption"), words(recent, unwatched, now));
  table(box.querySelector(".list"), "Newest dropouts", COLUMNS, recent.slice(-SHOWN).reverse(), (it) => `${it[0]} ${it[3]}`);
}

function words(recent, unwatched, now) {
  const total = recent.reduce((sum, [, , number]) => sum + number, 0);
  const blind = unwatched.reduce((sum, [start, end]) => sum + end - Math.max(start, now - DAY), 0);
  const gap = blind >= 60 ? ` Not measured for ${seconds(blind)} of these 24 hours (hatched).` : "";
  return `${count(total, "dropout")} in the last 24 hours.${gap}`;
}

function parts() {
  const picture = drawing("svg", { class: "plot timeline", role: "img", "aria-label": "Dropouts over the last 24 hours" });
  const figure = element("figure", {}, element("h3", {}, "Dropouts of the last 24 hours"), picture,
    element("output", { hidden: "" }), element("figcaption"));
  return [figure, element("div", { class: "list" })];
}
