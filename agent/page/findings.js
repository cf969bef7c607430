// The findings of the agent's checks, with their fixes.

import { element, renew, say } from "./elements.js";
import { count } from "./format.js";

const ORDER = ["failure", "warning", "info"];

let known = null;

// Returns the titles of new findings; none on the first call.
export function findings(health) {
  const refused = health.config_error ? `The last reload was refused: ${health.config_error} ` : "";
  const down = health.collectors.filter((it) => it.error).map((it) => `${it.name} does not work: ${it.error}. `).join("");
  const found = health.findings.length ? `${health.checks} checks found the following.` : `${count(health.checks, "check")}, nothing found.`;
  say(document.getElementById("findings-summary"), refused + down + (health.checks ? found : "Waiting for the first checks."));
  const sorted = [...health.findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  renew(document.getElementById("findings"), sorted, (it) => `${it.severity} ${it.code} ${it.title}`, make, update);
  const fresh = known ? sorted.filter((it) => !known.has(it.title)).map((it) => it.title) : [];
  known = new Set(sorted.map((it) => it.title));
  return fresh;
}

function make(finding) {
  return element("article", { class: finding.severity },
    element("p", { class: "severity" }, finding.severity),
    element("h3", {}, finding.title),
    element("p", { class: "detail" }),
    element("p", { class: "affects muted" }),
    element("div", { class: "remedies" }));
}

function update(box, finding) {
  say(box.querySelector(".detail"), finding.detail);
  say(box.querySelector(".affects"), `Impact: ${finding.affects}`);
  renew(box.querySelector(".remedies"), finding.remedy, (text) => text, remedy, () => {});
}

function remedy(text) {
  const button = element("button", { type: "button", "aria-label": `Copy: ${text}` }, "Copy");
  const code = element("code", {}, text);
  button.addEventListener("click", () => copy(button, code));
  return element("div", { class: "remedy" }, code, button);
}

// Browsers offer the clipboard to pages from this machine or over TLS; elsewhere the text is selected, to be copied by hand.
async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    say(button, "Copied");
  } catch {
    getSelection().selectAllChildren(code);
    say(button, "Selected");
  }
  setTimeout(() => say(button, "Copy"), 2000);
}
