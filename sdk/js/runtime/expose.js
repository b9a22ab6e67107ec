/**
 * The seam between a plugin and the host: its functions as the world exports them.
 *
 * Everything that can go wrong in a plugin goes by here and becomes the host's error, with a place. What is thrown
 * across the seam is `{ payload }`, which the runtime takes for the error of the function's result.
 */

import { during } from "./call.js";
import { failure, sentence } from "./failure.js";

/** A plugin as `flow()`, `provider()` or `destination()` made it. */
export class Plugin {
  /** `calls` are functions by name: each takes what the host gives and returns what the host takes. */
  constructor(world, manifest, calls) {
    this.world = world;
    this.manifest = manifest;
    this.calls = calls;
    Object.freeze(this);
  }
}

/** One function of a plugin. `seed` says from what Math.random() begins, `fail` makes an error of what was thrown. */
export class Call {
  constructor(body, { seed = () => null, fail = failure } = {}) {
    this.body = body;
    this.seed = seed;
    this.fail = fail;
  }
}

/** Why a request cannot be read: a sentence for the operator. */
export const malformed = sentence;

/** What the world's interface exports. */
export function expose(world, module, file) {
  const plugin = module.default;
  if (plugin === undefined) {
    throw new Error(`${file} has no default export; write: export default ${world}({ … })`);
  }
  if (!(plugin instanceof Plugin)) {
    throw new Error(`the default export of ${file} must be what ${world}({ … }) returned`);
  }
  if (plugin.world !== world) {
    throw new Error(`${file} exports a ${plugin.world}, and is built as a ${world}`);
  }
  const exported = { describe: () => plugin.manifest };
  for (const [name, call] of Object.entries(plugin.calls)) exported[name] = guarded(name, call);
  return exported;
}

function guarded(name, { body, seed, fail }) {
  return (...given) => {
    try {
      return during({ name, seed: seed(...given) }, () => body(...given));
    } catch (error) {
      throw { payload: fail(error) };
    }
  };
}
