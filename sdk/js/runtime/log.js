/**
 * Lines for the run's log, and `console`, which writes there too.
 *
 * Write no answers of a person's and no secret into them: whoever reads the run reads them.
 */

import * as host from "./host.js";
import { granted } from "./call.js";
import { wellFormed } from "./bytes.js";

function writer(level, what) {
  return (...values) => granted(host.log, what, "plugins").write(level, wellFormed(values.map(shown).join(" ")));
}

export const log = Object.freeze({
  debug: writer("debug", "log.debug()"),
  info: writer("info", "log.info()"),
  warn: writer("warn", "log.warn()"),
  error: writer("error", "log.error()"),
});

export const console = Object.freeze({
  assert(condition, ...values) {
    if (!condition) writer("error", "console.assert()")("assertion failed", ...values);
  },
  debug: writer("debug", "console.debug()"),
  error: writer("error", "console.error()"),
  info: writer("info", "console.info()"),
  log: writer("info", "console.log()"),
  trace: writer("debug", "console.trace()"),
  warn: writer("warn", "console.warn()"),
});

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name}]`;
  if (value === null || typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value, plain()) ?? String(value);
  } catch (error) {
    return `[${value.constructor?.name ?? "Object"}: ${error.message}]`;
  }
}

/** What JSON cannot say by itself, said shortly. */
function plain() {
  const above = [];
  return function (_key, value) {
    if (typeof value === "bigint") return `${value}n`;
    if (value === null || typeof value !== "object") return value;
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (above.includes(value)) return "[circular]";
    above.push(value);
    if (value instanceof Map) return Object.fromEntries(value);
    if (value instanceof Set) return [...value];
    if (value instanceof Uint8Array) return `[${value.length} bytes]`;
    return value;
  };
}
