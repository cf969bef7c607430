// One dropout of the list, which opens to its evidence.

import { group } from "./causes.js";
import { element, say } from "./elements.js";
import { clock, percent, seconds } from "./format.js";

export function details(it) {
  const mark = element("span", { class: `mark mark-${group(it.cause)}`, "aria-hidden": "true" }, group(it.cause));
  const facts = `${clock(it.at)} · ${seconds(it.seconds)} · ${it.device}`;
  const sentence = element("span", { class: "sentence" }, it.text);
  const summary = element("summary", {}, mark, ` ${it.cause} `, element("span", { class: "muted" }, facts), sentence);
  const more = element("div", { class: "evidence", role: "status" });
  const box = element("details", { class: "one" }, summary, more);
  box.addEventListener("toggle", () => box.open && !more.firstChild && load(more, it.id));
  return element("article", {}, box);
}

async function load(more, id) {
  say(more, "Loading the evidence…");
  try {
    const answer = await fetch(`/-/dropouts?${new URLSearchParams({ id, most: 1 })}`);
    const [event] = (await answer.json()).events;
    more.replaceChildren(...(event ? parts(event) : ["This dropout is no longer stored."]));
  } catch {
    more.replaceChildren("The agent did not answer; close and open this again.");
    more.parentElement.addEventListener("toggle", () => more.replaceChildren(), { once: true });
  }
}

function parts(event) {
  const rows = [
    ["Confidence", event.cause === "unknown" ? "" : percent(event.confidence)],
    ["Culprit", event.culprit ? culprit(event.culprit) : ""],
    ["Victim", victim(event)],
    ["Also", (event.others ?? []).map((it) => `${it.cause} ${milliseconds(it.ms)}`).join(", ")],
    ["Evidence", `level ${event.level} of 2`],
    ["Command", `wr-agent dropouts show ${event.id}`],
  ].filter(([, text]) => text);
  const facts = element("dl", {}, ...rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
  return [facts, ...list("Evidence", event.evidence), ...list("Missing, to know more", event.missing)];
}

function list(title, sentences) {
  if (!sentences?.length) return [];
  return [element("p", { class: "muted" }, title), element("ul", {}, ...sentences.map((text) => element("li", {}, text)))];
}

function culprit({ kind, name, pid, policy, priority, cpu }) {
  const real = ["fifo", "rr", "deadline"].includes(policy);
  const known = [pid && `pid ${pid}`, real ? `${policy} ${priority}` : policy, cpu >= 0 && `CPU ${cpu}`];
  return [`${kind} ${name}`, ...known.filter(Boolean)].join(", ");
}

function victim({ victim: name, late_ms: late, explained_ms: explained }) {
  if (!name) return "";
  if (!late) return name;
  return `${name}, ${milliseconds(late)} late${explained ? `, ${milliseconds(explained)} of it explained` : ""}`;
}

function milliseconds(value) {
  return seconds(value / 1000);
}
