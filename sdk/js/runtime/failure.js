/**
 * What a plugin throws, said so that the host knows what to do: try later, ask a person, or give up.
 *
 * An error carries the author's own file, line and column. Nothing thrown becomes a trap.
 */

import { wellFormed } from "./bytes.js";
import { milliseconds } from "./clock.js";

/** Trying again may help; not before `after` has passed, where the peer said so. */
export class Retry extends Error {
  name = "Retry";

  constructor(reason, after) {
    super(String(reason));
    this.afterMs = after === undefined || after === null ? null : milliseconds(after, "new Retry()");
  }
}

/** The account's credentials no longer work: a person has to connect it again. */
export class Unauthorized extends Error {
  name = "Unauthorized";
}

/** There was no answer to a request. `kind` is "refused", "unreachable", "timedOut" or "tooLarge". */
export class FetchError extends Error {
  name = "FetchError";

  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** The host's word for what was thrown. */
export function failure(error) {
  if (error instanceof Retry) {
    return { tag: "retry", val: { reason: wellFormed(error.message), afterMs: error.afterMs } };
  }
  if (error instanceof Unauthorized) {
    return { tag: "unauthorized", val: wellFormed(error.message) };
  }
  if (error instanceof FetchError && (error.kind === "unreachable" || error.kind === "timedOut")) {
    return { tag: "retry", val: { reason: wellFormed(error.message), afterMs: null } };
  }
  return { tag: "permanent", val: sentence(error) };
}

/** "TypeError: … at src/index.ts:12:7", and what to do where that is known. */
export function sentence(error) {
  if (!(error instanceof Error)) {
    return wellFormed(`${String(error)} was thrown; throw an Error, so that its place is known`);
  }
  const named = error.name === "Wrong" || error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
  return wellFormed(`${named}${hint(error)}${place(error)}`);
}

/** The first line of the stack that is the author's. */
function place(error) {
  for (const line of String(error.stack ?? "").split("\n")) {
    const found = /\(?\/([^()\s][^()]*:\d+:\d+)\)?\s*$/.exec(line);
    if (found !== null && !found[1].startsWith(".hookyard/")) return ` at ${found[1]}`;
  }
  return "";
}

const HINTS = {
  Buffer: "use Uint8Array and TextEncoder",
  clearTimeout: "there are no timers; sleep() waits",
  crypto: "an id comes from the event's own, and secrets stay with the host",
  fetch: 'import { fetch } from "hookyard"; it answers at once, without await',
  localStorage: "state remembers between runs",
  module: "write export default",
  process: "there is no Node here; settings come with the call",
  require: "write an import at the top",
  setInterval: "there are no timers; sleep() waits",
  setTimeout: "there are no timers; sleep() waits",
  window: "there is no browser here",
  XMLHttpRequest: 'import { fetch } from "hookyard"',
};

function hint(error) {
  const name = error instanceof ReferenceError ? /^'?(\w+)'? is not defined/.exec(error.message)?.[1] : undefined;
  return name !== undefined && Object.hasOwn(HINTS, name) ? ` (${HINTS[name]})` : "";
}
