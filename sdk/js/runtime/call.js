/**
 * Whether a call of the host's is under way, and which.
 *
 * A module's top runs once, while the plugin is built, with no host to ask. Whatever asks the host comes by here first,
 * so that its author reads a sentence and not the death of the build.
 */

let current = null;

/** Runs `body` as the call `{ name, seed }`; its result is the body's. */
export function during(call, body) {
  current = { ...call, random: null };
  try {
    return body();
  } finally {
    current = null;
  }
}

/** The call under way; throws where there is none. `what` is what the author wrote. */
export function inside(what) {
  if (current === null) {
    throw new Error(`${what} asks the host, and there is none while the plugin is built: call it inside a function`);
  }
  return current;
}

/** One of the host's interfaces; throws where the plugin's world has none such. `there` says who has it. */
export function granted(host, what, there) {
  inside(what);
  if (host === null) {
    throw new Error(`${what} is there in ${there} only`);
  }
  return host;
}

/**
 * A number between 0 and 1, the next of the call's own sequence: the same at each replay, another for another event.
 * Where a call has nothing of its own to begin from, it throws.
 */
export function random() {
  const call = inside("Math.random()");
  if (call.seed === null) {
    throw new Error("Math.random() is there in flows only: derive what you need from the event's own id");
  }
  call.random ??= generator(call.seed);
  return call.random();
}

/** Mulberry32 over an FNV-1a hash: short, even enough, and no secret. */
function generator(seed) {
  let state = 0x811c9dc5;
  for (let at = 0; at < seed.length; at += 1) {
    state = Math.imul(state ^ seed.charCodeAt(at), 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
