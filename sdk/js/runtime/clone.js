/**
 * `structuredClone`, for what a plugin holds: data, dates, maps, sets, bytes and errors, in whatever knots.
 */

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

export function structuredClone(value) {
  return cloned(value, new Map());
}

function cloned(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`structuredClone cannot copy a ${typeof value}`);
  }
  if (value === null || typeof value !== "object") return value;
  if (seen.has(value)) return seen.get(value);
  const copy = shell(value, seen);
  seen.set(value, copy);
  if (value instanceof Map) {
    for (const [key, one] of value) copy.set(cloned(key, seen), cloned(one, seen));
  } else if (value instanceof Set) {
    for (const one of value) copy.add(cloned(one, seen));
  } else if (Array.isArray(value) || isPlain(copy)) {
    for (const key of Object.keys(value)) copy[key] = cloned(value[key], seen);
  }
  return copy;
}

/** A new one of its kind, full where it is a leaf and empty where it is not. */
function shell(value, seen) {
  if (Array.isArray(value)) return new Array(value.length);
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (ArrayBuffer.isView(value)) {
    const buffer = cloned(value.buffer, seen);
    return value instanceof DataView
      ? new DataView(buffer, value.byteOffset, value.byteLength)
      : new value.constructor(buffer, value.byteOffset, value.length);
  }
  if (value instanceof Error) {
    const kind = Object.hasOwn(ERRORS, value.name) ? ERRORS[value.name] : Error;
    const copy = new kind(value.message);
    copy.stack = value.stack;
    return copy;
  }
  for (const kind of [Promise, WeakMap, WeakSet, WeakRef]) {
    if (value instanceof kind) throw new TypeError(`structuredClone cannot copy a ${kind.name}`);
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return Object(value.valueOf());
  return {};
}

function isPlain(copy) {
  return Object.getPrototypeOf(copy) === Object.prototype;
}
