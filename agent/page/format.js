// Numbers in human units.

const NOT_KNOWN = "–";

export function seconds(value) {
  if (value == null) return NOT_KNOWN;
  if (value >= 120) return `${Math.round(value / 60)} min`;
  if (value >= 1) return `${value.toFixed(1)} s`;
  if (value === 0) return "0 s";
  if (value >= 0.001) return `${(value * 1000).toPrecision(3)} ms`;
  return `${Math.round(value * 1e6)} µs`;
}

export function percent(value) {
  return value == null ? NOT_KNOWN : `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
}

export function decibels(ratio) {
  return ratio > 0 ? `${(20 * Math.log10(ratio)).toFixed(1)} dB` : "silent";
}

export function bytes(value) {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log2(value || 1) / 10)));
  return `${(value / 1024 ** step).toFixed(step ? 1 : 0)} ${["B", "KiB", "MiB", "GiB"][step]}`;
}

export function number(value) {
  return value == null ? NOT_KNOWN : value.toLocaleString("en", { maximumFractionDigits: 1 });
}

export function clock(time) {
  return new Date(time * 1000).toLocaleTimeString([], { hour12: false });
}

export function count(number, noun) {
  return `${number || "no"} ${noun}${number === 1 ? "" : "s"}`;
}
