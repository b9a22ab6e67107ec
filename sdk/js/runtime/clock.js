/**
 * Time as a flow sees it: standing still within a step, and never the machine's own.
 */

import * as host from "./host.js";
import { granted } from "./call.js";

const UNITS = { milliseconds: 1, seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };

/** Milliseconds since 1970; the same at every replay of a step. */
export function now() {
  return granted(host.clock, "the time of now() and Date", "flows").now();
}

/** Durable: the run leaves memory, and comes back after a restart or a new version of the host. */
export function sleep(duration) {
  const wait = milliseconds(duration, "sleep()");
  granted(host.clock, "sleep()", "flows").sleep(wait);
}

/** A duration in milliseconds: a number of them, or an object like `{ hours: 1, minutes: 30 }`. */
export function milliseconds(duration, what) {
  let sum = duration;
  if (duration !== null && typeof duration === "object") {
    sum = 0;
    for (const unit of Object.keys(duration)) {
      if (!Object.hasOwn(UNITS, unit)) {
        throw new TypeError(`${what} knows no ${unit}; there are ${Object.keys(UNITS).join(", ")}`);
      }
      sum += duration[unit] * UNITS[unit];
    }
  }
  sum = Math.ceil(sum);
  if (!Number.isSafeInteger(sum) || sum < 0) {
    throw new TypeError(`${what} takes milliseconds, or an object like { minutes: 5 }`);
  }
  return sum;
}
