// Creates and updates elements. Text is only set as text, since plugins and logs supply some of it.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

// Keeps one child per item, in order. Existing children are updated in place, which keeps the focus.
// Items with the same key are distinguished by their order.
export function renew(parent, items, key, make, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const times = new Map();
  items.forEach((item, index) => {
    times.set(key(item), (times.get(key(item)) ?? 0) + 1);
    const name = `${key(item)} ${times.get(key(item))}`;
    const child = before.get(name) ?? make(item);
    before.delete(name);
    child.dataset.key = name;
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, item);
  });
  for (const child of before.values()) child.remove();
}
