/**
 * The world of destinations: a lead comes in, a receipt goes out.
 */

import { Call, Plugin } from "./expose.js";
import { callable, optional, record, settled, text, word } from "./check.js";
import { destinationManifest } from "./manifest.js";

const receipt = record({ externalId: word, url: optional(text) });

/** Declares a destination. */
export function destination(definition) {
  const { push, ...described } = definition ?? {};
  const manifest = destinationManifest(described, "destination()");
  callable(true)(push, "destination().push");
  const body = (order) => {
    const seen = { ...order, mapping: JSON.parse(order.mapping), settings: JSON.parse(order.settings) };
    return receipt(settled(push.call(definition, seen), "push"), "what push returned");
  };
  return new Plugin("destination", manifest, { push: new Call(body) });
}
