// A table with a row for each item.

import { element, renew, say } from "./elements.js";

// Each column: [title, text of an item, optionally the class of an item].
export function table(parent, label, columns, items, key) {
  if (!parent.firstChild) parent.append(frame(label, columns));
  renew(parent.querySelector("tbody"), items, key, () => row(columns), (line, item) => {
    columns.forEach(([, text, state], index) => {
      say(line.children[index], text(item));
      line.children[index].className = state?.(item) ?? "";
    });
  });
  parent.hidden = !items.length;
}

function frame(label, columns) {
  const heads = columns.map(([title]) => element("th", { scope: "col" }, title));
  const caption = element("caption", { class: "unseen" }, label);
  const whole = element("table", {}, caption, element("thead", {}, element("tr", {}, ...heads)), element("tbody"));
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${label}, as a table` }, whole);
}

function row(columns) {
  return element("tr", {}, ...columns.map((_, index) => (index ? element("td") : element("th", { scope: "row" }))));
}
