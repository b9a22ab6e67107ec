/**
 * Requests to others, and the requests that others make.
 *
 * `fetch` looks as if it waited. It does not: the host ends the instance there, sends the request itself, with the
 * named credentials attached, and runs the call again with the answer at hand. So it is no promise, follows no
 * redirect, and takes no signal.
 */

import * as host from "./host.js";
import { granted, inside } from "./call.js";
import { bytes, json, listOf, record, word, text, optional } from "./check.js";
import { decodeLossy, decodeUtf8, encodeUtf8 } from "./bytes.js";
import { FetchError, Retry, Unauthorized } from "./failure.js";
import { URLSearchParams } from "./url.js";

/** Headers in order, repeated names included. */
export class Headers {
  #fields;

  constructor(fields = []) {
    this.#fields = fields;
  }

  /** All values of this name, whatever its case. */
  all(name) {
    const wanted = name.toLowerCase();
    return this.#fields.filter((field) => field.name.toLowerCase() === wanted).map((field) => field.value);
  }

  /** The value of this name, several joined by ", "; null where there is none. */
  get(name) {
    const values = this.all(name);
    return values.length === 0 ? null : values.join(", ");
  }

  has(name) {
    return this.all(name).length > 0;
  }

  *[Symbol.iterator]() {
    for (const { name, value } of this.#fields) yield [name.toLowerCase(), value];
  }

  entries() {
    return this[Symbol.iterator]();
  }
}

/** An answer. Any status is one. */
export class Response {
  #body;

  constructor({ status, headers, body }) {
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = new Headers(headers);
    this.#body = body;
  }

  bytes() {
    return this.#body;
  }

  text() {
    return decodeLossy(this.#body);
  }

  json() {
    return parsed(this.#body, `the answer (status ${this.status})`);
  }

  /**
   * This answer where its status is 2xx; otherwise it throws what the status commonly means: 401 asks for a person;
   * 408, 425, 429 and 5xx are tried again, not before `Retry-After` says; all else is final. `peer` opens the sentence.
   */
  orThrow(peer) {
    if (this.ok) return this;
    const answered = `${peer} answered ${this.status}`;
    if (this.status === 401) throw new Unauthorized(answered);
    if (this.status >= 500 || [408, 425, 429].includes(this.status)) throw new Retry(answered, this.#retryAfter());
    throw new Error(answered);
  }

  /** In milliseconds, where it is said in seconds; a date is left to the host's own patience. */
  #retryAfter() {
    const said = this.headers.get("retry-after") ?? "";
    return /^\d{1,9}$/.test(said) ? Number(said) * 1000 : null;
  }
}

/** A request to the plugin, as the host shows it. */
export class Request {
  constructor({ method, url, headers, body }) {
    this.method = method;
    this.url = url;
    this.headers = new Headers(headers);
    this.body = body;
  }

  /**
   * The header of this name; null where there is none. The same name twice with different values, which is how a
   * request is smuggled past a check, is an error.
   */
  header(name) {
    return sole(this.headers.all(name), name);
  }

  /** The query parameter of this exact name, decoded; as `header` otherwise. */
  query(name) {
    const query = (this.url.split("#")[0] ?? "").split("?").slice(1).join("?");
    return sole(new URLSearchParams(query).getAll(name), name);
  }

  text() {
    const found = decodeUtf8(this.body);
    if (found === null) throw new Error("the body is not UTF-8");
    return found;
  }

  json() {
    return parsed(this.body, "the body");
  }

  /** The body's form fields. */
  form() {
    return new URLSearchParams(this.text());
  }
}

function sole(values, name) {
  if (values.length === 0) return null;
  if (values.some((value) => value !== values[0])) throw new Error(`\`${name}\` came twice, with different values`);
  return values[0];
}

function parsed(body, what) {
  try {
    return JSON.parse(decodeLossy(body));
  } catch (error) {
    throw new Error(`${what} is not JSON: ${error.message}`);
  }
}

const options = record({
  method: optional(word, null),
  headers: optional(fields, []),
  query: optional((value) => value, null),
  body: optional((value) => value, null),
  json: (value) => value,
  form: optional((value) => value, null),
  credentials: optional(listOf(word), []),
});

/** Asks the host to send a request. Any status is an answer; where there was none, a FetchError is thrown. */
export function fetch(url, init = {}) {
  const wanted = options(init, "the options of fetch()");
  const { body, type } = content(wanted);
  const headers = wanted.headers;
  if (type !== null && !headers.some((field) => field.name.toLowerCase() === "content-type")) {
    headers.push({ name: "content-type", value: type });
  }
  const request = {
    method: (wanted.method ?? (body === null ? "GET" : "POST")).toUpperCase(),
    url: address(url, wanted.query),
    headers,
    body: body ?? new Uint8Array(),
  };
  if (inside("fetch()").name === "receive") {
    throw new Error("fetch() has no place in receive(), where nothing is proved yet; fetch in normalize()");
  }
  const http = granted(host.http, "fetch()", "plugins");
  try {
    return new Response(http.fetch(request, wanted.credentials));
  } catch (error) {
    throw unanswered(error);
  }
}

function address(url, query) {
  const base = word(typeof url === "string" ? url : String(url?.href ?? url), "the URL of fetch()");
  if (query === null) return base;
  const added = new URLSearchParams(query).toString();
  return added === "" ? base : `${base}${base.includes("?") ? "&" : "?"}${added}`;
}

function content({ body, json: value, form }) {
  const given = [body !== null, value !== undefined, form !== null].filter(Boolean).length;
  if (given > 1) throw new TypeError("fetch() takes one of body, json and form");
  if (value !== undefined) {
    return { body: encodeUtf8(json(value, "json of fetch()")), type: "application/json" };
  }
  const fields = form ?? (body instanceof URLSearchParams ? body : null);
  if (fields !== null) {
    return { body: encodeUtf8(new URLSearchParams(fields).toString()), type: "application/x-www-form-urlencoded" };
  }
  if (body === null) return { body: null, type: null };
  if (typeof body === "string") return { body: encodeUtf8(body), type: "text/plain;charset=UTF-8" };
  return { body: bytes(body, "body of fetch()"), type: null };
}

/** Headers as the host takes them: from an object, or from pairs. */
export function fields(value, path) {
  const pairs = typeof value?.[Symbol.iterator] === "function" ? [...value] : Object.entries(value);
  return pairs.map(([name, one]) => ({ name: word(name, path), value: text(one, `${path}.${name}`) }));
}

function unanswered(error) {
  const why = error?.payload;
  switch (why?.tag) {
    case "refused":
      return new FetchError(
        "refused",
        `the host refused the request, for the plugin may not send it there: ${why.val}`,
      );
    case "unreachable":
      return new FetchError("unreachable", `the peer could not be reached: ${why.val}`);
    case "timed-out":
      return new FetchError("timedOut", "the peer did not answer in time");
    case "too-large":
      return new FetchError("tooLarge", `the peer's answer is too large (${why.val} bytes)`);
    default:
      return error;
  }
}

/** A reply of the plugin's own, as the host takes it. */
export function reply(value, path) {
  const {
    status,
    headers,
    body,
    json: data,
  } = record({
    status: optional((one, at) => (Number.isInteger(one) && one >= 100 && one <= 599 ? one : word(null, at)), 200),
    headers: optional(fields, []),
    body: optional((one, at) => (typeof one === "string" ? encodeUtf8(one) : bytes(one, at)), null),
    json: (one, at) => (one === undefined ? null : encodeUtf8(json(one, at))),
  })(value, path);
  const type = data === null ? "text/plain" : "application/json";
  if (!headers.some((field) => field.name.toLowerCase() === "content-type")) {
    headers.push({ name: "content-type", value: type });
  }
  return { status, headers, body: data ?? body ?? new Uint8Array() };
}
