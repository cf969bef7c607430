// The history: an hour of points from the agent, and the last two minutes of samples.

const RECENT = 120;

let hour = [];
let recent = [];
const dropouts = new Map();

export function begin(points) {
  hour = points;
}

export function add(point) {
  hour.push(point);
  if (hour.length > 360) hour.shift();
}

// Keeps a sample as a point. Returns the devices with dropouts since the previous sample.
export function note(sample) {
  const fresh = sample.devices.filter((device) => increase(device) > 0);
  const devices = Object.fromEntries(sample.devices.map((device) => [device.name, devicePoint(device)]));
  const { cpu, memory, cpu_pressure } = sample.host;
  recent.push([sample.time, cpu, memory, cpu_pressure, devices]);
  recent = recent.filter(([time]) => time >= sample.time - RECENT);
  for (const device of sample.devices) dropouts.set(device.name, device.dropouts);
  return fresh;
}

// The points for a plot of the last `span` seconds.
export function points(span) {
  if (span > RECENT) return all();
  const since = recent[0]?.[0] ?? Infinity;
  return [...hour.filter(([time]) => time < since), ...recent];
}

// All points; each dropout is in one of them.
export function all() {
  const last = hour.at(-1)?.[0] ?? 0;
  return [...hour, ...recent.filter(([time]) => time > last)];
}

function increase(device) {
  return Math.max(device.dropouts - (dropouts.get(device.name) ?? device.dropouts), 0);
}

function devicePoint(device) {
  const { median, p99, worst } = device.timing ?? {};
  return [increase(device), median, p99, worst, device.load];
}
