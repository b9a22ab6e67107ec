/**
 * What a plugin says, looked at before it leaves.
 *
 * The runtime beneath traps on a field of the wrong kind and says nothing. So each value is checked here, and what is
 * wrong is named by its path: "actions[0].eventType must be text, and is undefined". A check is a function of a value
 * and its path; it returns what the host takes. An unknown field is an error too, for it is a misspelt one.
 */

import { wellFormed } from "./bytes.js";

/** Says what is wrong with a value, by its path. */
export class Wrong extends Error {
  name = "Wrong";
}

/** Text of any length. */
export function text(value, path) {
  if (typeof value !== "string") fail(path, "must be text", value);
  return wellFormed(value);
}

/** Text that is not empty. */
export function word(value, path) {
  if (typeof value !== "string" || value === "") fail(path, "must be text, and not empty", value);
  return wellFormed(value);
}

export function truth(value, path) {
  if (typeof value !== "boolean") fail(path, "must be true or false", value);
  return value;
}

/** A whole number from zero to `most`. */
export function whole(most) {
  return (value, path) => {
    if (!Number.isInteger(value) || value < 0 || value > most) {
      fail(path, `must be a whole number from 0 to ${most}`, value);
    }
    return value;
  };
}

/** Milliseconds since 1970, or a Date. */
export function instant(value, path) {
  const number = value instanceof Date ? value.getTime() : value;
  if (!Number.isSafeInteger(number) || number < 0) {
    fail(path, "must be milliseconds since 1970 as a whole number, or a Date", value);
  }
  return number;
}

export function bytes(value, path) {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return fail(path, "must be a Uint8Array", value);
}

/** Null where there is nothing, or what `otherwise` says. */
export function optional(check, otherwise = null) {
  return (value, path) => (value === undefined || value === null ? otherwise : check(value, path));
}

export function listOf(check) {
  return (value, path) => {
    if (!Array.isArray(value)) fail(path, "must be a list", value);
    return value.map((item, at) => check(item, `${path}[${at}]`));
  };
}

export function oneOf(...names) {
  return (value, path) => {
    if (!names.includes(value)) fail(path, `must be one of ${names.join(", ")}`, value);
    return value;
  };
}

/** An object of exactly these fields. */
export function record(fields) {
  return (value, path) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) fail(path, "must be an object", value);
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(fields, name)) {
        throw new Wrong(`${path}.${name} is not known; there are ${Object.keys(fields).join(", ")}`);
      }
    }
    const out = {};
    for (const name of Object.keys(fields)) out[name] = fields[name](value[name], `${path}.${name}`);
    return out;
  };
}

/** JSON text that goes on as it was written, digits and all. */
export class RawJson {
  constructor(text) {
    JSON.parse(text);
    this.text = text;
  }
}

/** Anything that JSON can say, as its text. */
export function json(value, path) {
  if (value instanceof RawJson) return value.text;
  let out;
  try {
    out = JSON.stringify(value);
  } catch (error) {
    throw new Wrong(`${path} cannot be written as JSON: ${error.message}`);
  }
  if (out === undefined) fail(path, "must be something that JSON can say", value);
  return out;
}

/** A promise means that the author wrote `async`, which nothing here waits for. */
export function settled(value, name) {
  if (value !== null && typeof value === "object" && typeof value.then === "function") {
    throw new Wrong(`${name} returned a promise: write it without async, for fetch() and the rest answer at once`);
  }
  return value;
}

/** A function that is not async; nothing where it may be absent and is. */
export function callable(required) {
  return (value, path) => {
    if (!required && (value === undefined || value === null)) return null;
    if (typeof value !== "function") fail(path, "must be a function", value);
    const kind = value.constructor.name;
    if (kind !== "Function") {
      throw new Wrong(`${path} must be a plain function, without async or *: fetch() and the rest answer at once`);
    }
    return value;
  };
}

export function fail(path, rule, value) {
  throw new Wrong(`${path} ${rule}, and is ${shown(value)}`);
}

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (value !== null && typeof value === "object") return `an object of type ${value.constructor?.name ?? "Object"}`;
  return String(value);
}
