/**
 * What a plugin finds in the global scope beyond the language itself.
 *
 * QuickJS brings the language and little else. Here are the few globals that most code takes for granted, made of what
 * the host gives: `console` is the run's log, `Date` the run's clock, `Math.random` a sequence that follows from the
 * event. There are no timers, no files and no network but `fetch` of the SDK; an error that names one of those says
 * what to use instead (see `runtime/failure.js`).
 */

import { random } from "./runtime/call.js";
import { TextDecoder, TextEncoder } from "./runtime/bytes.js";
import { URL, URLSearchParams } from "./runtime/url.js";
import { console } from "./runtime/log.js";
import { now } from "./runtime/clock.js";
import { structuredClone } from "./runtime/clone.js";

const Language = Date;

/** The language's own Date, with the run's clock for its "now". */
function RunDate(...given) {
  if (new.target === undefined) return new RunDate().toString();
  return Reflect.construct(Language, given.length === 0 ? [now()] : given, new.target);
}
RunDate.prototype = Language.prototype;
RunDate.prototype.constructor = RunDate;
for (const [name, value] of Object.entries({ UTC: Language.UTC, parse: Language.parse, now })) {
  Object.defineProperty(RunDate, name, { value, writable: true, configurable: true });
}
Object.defineProperty(RunDate, "name", { value: "Date" });

const found = { Date: RunDate, TextDecoder, TextEncoder, URL, URLSearchParams, console, structuredClone };
for (const [name, value] of Object.entries(found)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}
Math.random = random;

// What the runtime has for itself, and what would ask a clock that is not there.
for (const name of ["performance", "wit", "__cqjs"]) delete globalThis[name];
