/**
 * `URL` and `URLSearchParams`, as the URL standard has them, for what plugins meet: http and https above all.
 *
 * What it leaves out, it refuses instead of guessing: a host name beyond ASCII must be written in its xn-- form, and an
 * IPv4 address in four decimal numbers.
 */

import { decodeLossy, encodeUtf8 } from "./bytes.js";

const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };
const SETS = {
  fragment: /[\x00-\x20"<>`\x7f-\uffff]/u,
  path: /[\x00-\x20"#<>?^`{}\x7f-\uffff]/u,
  query: /[\x00-\x20"#'<>\x7f-\uffff]/u,
  plainQuery: /[\x00-\x20"#<>\x7f-\uffff]/u,
  user: /[\x00-\x20"#/:;<=>?@[\\\]^`{|}\x7f-\uffff]/u,
};

/** The text with each character of the set percent-encoded. */
function encoded(text, set) {
  let out = "";
  for (const one of text) out += set.test(one) || one.length > 1 ? percent(one) : one;
  return out;
}

function percent(text) {
  return Array.from(encodeUtf8(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** One part of a form, encoded: a blank is a plus. */
function formEncoded(text) {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function formDecoded(text) {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  const bytes = [];
  const raw = encodeUtf8(spaced);
  for (let at = 0; at < raw.length; at += 1) {
    const pair = String.fromCharCode(raw[at + 1], raw[at + 2]);
    if (raw[at] === 0x25 && /^[0-9A-Fa-f]{2}$/.test(pair)) {
      bytes.push(Number.parseInt(pair, 16));
      at += 2;
    } else {
      bytes.push(raw[at]);
    }
  }
  return decodeLossy(Uint8Array.from(bytes));
}

export class URLSearchParams {
  #pairs = [];
  #changed;

  constructor(init = "", changed = () => {}) {
    this.#changed = changed;
    if (typeof init === "object" && init !== null) {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
      this.#pairs = pairs.map(([name, value]) => [String(name), String(value)]);
    } else {
      this.#pairs = String(init)
        .replace(/^\?/, "")
        .split("&")
        .filter((part) => part !== "")
        .map((part) => {
          const cut = part.indexOf("=");
          return cut < 0 ? [part, ""] : [part.slice(0, cut), part.slice(cut + 1)];
        })
        .map(([name, value]) => [formDecoded(name), formDecoded(value)]);
    }
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([String(name), String(value)]);
    this.#changed();
  }

  delete(name, value) {
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== name || (value !== undefined && pair[1] !== String(value)));
    this.#changed();
  }

  get(name) {
    return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }

  has(name, value) {
    return this.#pairs.some((pair) => pair[0] === name && (value === undefined || pair[1] === String(value)));
  }

  set(name, value) {
    const at = this.#pairs.findIndex((pair) => pair[0] === name);
    if (at < 0) return this.append(name, value);
    this.#pairs[at][1] = String(value);
    this.#pairs = this.#pairs.filter((pair, index) => pair[0] !== name || index === at);
    return this.#changed();
  }

  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }

  forEach(visit) {
    for (const [name, value] of this.#pairs) visit(value, name, this);
  }

  *entries() {
    for (const [name, value] of this.#pairs) yield [name, value];
  }

  *keys() {
    for (const [name] of this.#pairs) yield name;
  }

  *values() {
    for (const [, value] of this.#pairs) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map(([name, value]) => `${formEncoded(name)}=${formEncoded(value)}`).join("&");
  }
}

/** A URL in its parts; `base` is one in parts already. Throws what no URL is. */
function parts(text, base) {
  const input = text.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
  const [beforeHash, ...afterHash] = input.split("#");
  const hash = afterHash.length > 0 ? `#${encoded(afterHash.join("#"), SETS.fragment)}` : "";
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(beforeHash);
  const protocol = scheme === null ? base?.protocol : `${scheme[1].toLowerCase()}:`;
  if (protocol === undefined) throw new TypeError(`not a URL: ${text}`);
  const special = Object.hasOwn(PORTS, protocol);
  let rest = scheme === null ? beforeHash : beforeHash.slice(scheme[0].length);
  const cut = rest.indexOf("?");
  const querySet = special ? SETS.query : SETS.plainQuery;
  const search = cut < 0 ? "" : `?${encoded(rest.slice(cut + 1), querySet)}`;
  rest = cut < 0 ? rest : rest.slice(0, cut);
  if (special) rest = rest.replaceAll("\\", "/");
  const relative = scheme === null || (special && base?.protocol === protocol && !rest.startsWith("//"));
  if (relative && base === undefined) throw new TypeError(`not a URL: ${text}`);
  if (relative && !rest.startsWith("//")) {
    if (base.opaque) throw new TypeError(`not a URL: ${text}`);
    const kept = rest === "" && cut < 0 ? base.search : search;
    return {
      ...base,
      path: resolved(rest, base.path),
      search: kept === "?" ? "" : kept,
      hash: hash === "#" ? "" : hash,
    };
  }
  const url = { protocol, user: "", password: "", host: "", port: "", opaque: false, search, hash };
  if (special || rest.startsWith("//")) {
    const [, authority, path] = /^\/*([^/]*)(.*)$/s.exec(special ? rest : rest.slice(2));
    return { ...url, ...owner(authority, protocol, text), path: dotless(encoded(path, SETS.path), special) };
  }
  const opaque = !rest.startsWith("/");
  return {
    ...url,
    opaque,
    path: opaque ? encoded(rest, /[\x00-\x1f\x7f-\uffff]/u) : dotless(encoded(rest, SETS.path), false),
  };
}

function owner(authority, protocol, text) {
  const at = authority.lastIndexOf("@");
  const [user, ...password] = at < 0 ? [""] : authority.slice(0, at).split(":");
  const found = /^(\[[0-9A-Fa-f:.]+\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  const host = decodedHost(found?.[1] ?? "");
  const port = found?.[2] ?? "";
  const special = Object.hasOwn(PORTS, protocol);
  if (found === null || (special && host === "") || /[\x00-\x20#%/:<>?@\\^|\x7f]/.test(host.replace(/^\[.*\]$/, ""))) {
    throw new TypeError(`not a URL: ${text}`);
  }
  if (/[^\x00-\x7f]/.test(host)) throw new TypeError(`write the host name in its xn-- form: ${host}`);
  if (Number(port) > 65535) throw new TypeError(`not a URL, for its port: ${text}`);
  const shown = port === "" ? "" : String(Number(port));
  return {
    user: encoded(user, SETS.user),
    password: encoded(password.join(":"), SETS.user),
    host: special ? host.toLowerCase() : host,
    port: shown === PORTS[protocol] ? "" : shown,
  };
}

function decodedHost(host) {
  return host.includes("%") ? formDecoded(host.replaceAll("+", "%2B")) : host;
}

function resolved(path, base) {
  if (path === "") return base;
  const whole = path.startsWith("/") ? path : base.slice(0, base.lastIndexOf("/") + 1) + path;
  return dotless(encoded(whole, SETS.path), true);
}

function dotless(path, rooted) {
  if (path === "") return rooted ? "/" : "";
  const out = [];
  const steps = path.split("/").slice(1);
  steps.forEach((step, at) => {
    const plain = step.replace(/%2e/gi, ".");
    const last = at === steps.length - 1;
    if (plain === "..") out.pop();
    else if (plain !== ".") out.push(step);
    if (last && (plain === "." || plain === "..")) out.push("");
  });
  return `/${out.join("/")}`;
}

export class URL {
  #parts;
  #params;

  constructor(text, base) {
    this.#parts = parts(String(text), base === undefined ? undefined : parts(String(base)));
    if (this.#parts.search === "?") this.#parts.search = "";
    if (this.#parts.hash === "#") this.#parts.hash = "";
    this.#read();
  }

  static canParse(text, base) {
    return URL.parse(text, base) !== null;
  }

  static parse(text, base) {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  }

  get href() {
    const { protocol, user, password, path, search, hash, opaque } = this.#parts;
    if (opaque) return `${protocol}${path}${search}${hash}`;
    const login = user === "" && password === "" ? "" : `${user}${password === "" ? "" : `:${password}`}@`;
    const slashes = this.host !== "" || protocol === "file:" ? "//" : "";
    return `${protocol}${slashes}${login}${this.host}${path}${search}${hash}`;
  }

  get origin() {
    return Object.hasOwn(PORTS, this.protocol) ? `${this.protocol}//${this.host}` : "null";
  }

  get protocol() {
    return this.#parts.protocol;
  }

  get username() {
    return this.#parts.user;
  }

  get password() {
    return this.#parts.password;
  }

  get host() {
    return this.#parts.port === "" ? this.#parts.host : `${this.#parts.host}:${this.#parts.port}`;
  }

  get hostname() {
    return this.#parts.host;
  }

  get port() {
    return this.#parts.port;
  }

  get pathname() {
    return this.#parts.path;
  }

  set pathname(path) {
    const whole = String(path).startsWith("/") ? String(path) : `/${path}`;
    this.#parts.path = dotless(encoded(whole, SETS.path), true);
  }

  get search() {
    return this.#parts.search;
  }

  set search(query) {
    const bare = String(query).replace(/^\?/, "");
    this.#parts.search = bare === "" ? "" : `?${encoded(bare, SETS.query)}`;
    this.#read();
  }

  get searchParams() {
    return this.#params;
  }

  get hash() {
    return this.#parts.hash;
  }

  set hash(fragment) {
    const bare = String(fragment).replace(/^#/, "");
    this.#parts.hash = bare === "" ? "" : `#${encoded(bare, SETS.fragment)}`;
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  #read() {
    const params = new URLSearchParams(this.#parts.search, () => {
      const query = params.toString();
      this.#parts.search = query === "" ? "" : `?${query}`;
    });
    this.#params = params;
  }
}
