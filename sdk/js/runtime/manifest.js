/**
 * What a plugin says of itself. Looked at while it is built, so that `describe` has nothing left to find out.
 */

import { Wrong, json, listOf, oneOf, optional, record, text, truth, word } from "./check.js";

const NO_SETTINGS = { type: "object", additionalProperties: false };

/** "bearer", "basic", `{ header, prefix }` or `{ query }`. */
function attachment(value, path) {
  if (value === "bearer" || value === "basic") return { tag: value };
  if (value !== null && typeof value === "object" && "header" in value) {
    const place = record({ header: word, prefix: optional(text, "") })(value, path);
    return { tag: "header", val: { name: place.header, prefix: place.prefix } };
  }
  if (value !== null && typeof value === "object" && "query" in value) {
    return { tag: "query", val: record({ query: word })(value, path).query };
  }
  throw new Wrong(`${path} must be "bearer", "basic", { header: "…", prefix: "…" } or { query: "…" }`);
}

const credential = record({
  name: word,
  summary: optional(text, ""),
  attach: optional(attachment, { tag: "bearer" }),
  proof: optional(record({ secret: word, query: word })),
});

const secret = record({
  name: word,
  scope: optional(oneOf("application", "account"), "application"),
  format: optional(oneOf("text", "hex", "base64", "whsec"), "text"),
  summary: optional(text, ""),
});

const oauth = record({
  authorizeUrl: word,
  tokenUrl: word,
  scopes: optional(listOf(word), []),
  credential: word,
  tokenRequest: optional(oneOf("form", "basic", "json"), "form"),
  keeps: optional(listOf(word), []),
});

const common = {
  id: word,
  name: word,
  version: word,
  summary: optional(text, ""),
  hosts: optional(listOf(word), []),
  credentials: optional(listOf(credential), []),
  settings: optional(json, JSON.stringify(NO_SETTINGS)),
};

const ofFlow = record({ ...common, triggers: listOf(word) });

const ofProvider = record({
  ...common,
  eventTypes: listOf(word),
  secrets: optional(listOf(secret), []),
  oauth: optional(oauth),
  polls: optional(truth, false),
  imports: optional(truth, false),
  unsigned: optional(truth, false),
});

const ofDestination = record({ ...common, oauth: optional(oauth), fields: optional(listOf(word), []) });

function manifest(check) {
  return (definition, path) => {
    const { settings, ...rest } = check(definition, path);
    return { ...rest, settingsSchema: settings };
  };
}

export const flowManifest = manifest(ofFlow);
export const providerManifest = manifest(ofProvider);
export const destinationManifest = manifest(ofDestination);
