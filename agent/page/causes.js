// The groups of causes, each with a letter, so that colour is never the only sign.

// Each group: [letter, name, causes].
export const GROUPS = [
  ["C", "audio clients", ["client_cpu", "client_wait", "client_stopped", "client_died", "overload"]],
  ["P", "other programs", ["preempted", "contention", "quota"]],
  ["M", "memory and disks", ["memory", "io"]],
  ["H", "hardware and kernel", ["interrupts", "steal", "throttled", "suspend", "device"]],
  ["S", "audio server", ["server_stopped", "server_died", "settings"]],
  ["A", "the agent", ["agent"]],
  ["U", "unknown", ["unknown"]],
];

export function group(cause) {
  return (GROUPS.find(([, , causes]) => causes.includes(cause)) ?? GROUPS.at(-1))[0];
}
