/**
 * Bytes and text: UTF-8, hex, base64.
 *
 * QuickJS has no TextEncoder. The long way through `escape` is here because it is C underneath: a loop in JavaScript
 * over a body of a mebibyte costs more time than a step has. Hex and base64 of a signature are read exactly or not at
 * all.
 */

const CHUNK = 8192;

/** The text with each lone surrogate replaced: what is not UTF-16 cannot become UTF-8. */
export function wellFormed(text) {
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** A string with one character for each byte. */
export function binary(bytes) {
  let out = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    out += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK));
  }
  return out;
}

function fromBinary(text) {
  const out = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) out[at] = text.charCodeAt(at);
  return out;
}

export function encodeUtf8(text) {
  return fromBinary(unescape(encodeURIComponent(wellFormed(text))));
}

/** The text, or null where the bytes are not UTF-8. */
export function decodeUtf8(bytes) {
  const raw = binary(bytes);
  if (/^[\x00-\x7f]*$/.test(raw)) return raw;
  try {
    return decodeURIComponent(escape(raw));
  } catch {
    return null;
  }
}

/** The text, with U+FFFD for what is not UTF-8. */
export function decodeLossy(bytes) {
  const exact = decodeUtf8(bytes);
  if (exact !== null) return exact;
  let out = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequence(bytes, at);
    out += length > 0 ? decodeURIComponent(escape(binary(bytes.subarray(at, at + length)))) : "\ufffd";
    at += length > 0 ? length : maximal(bytes, at);
  }
  return out;
}

/** The length of the well-formed sequence that begins here; zero where none does. */
function sequence(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return first >= 0xc2 && first <= 0xf4 && valid(bytes, at, length) === length ? length : 0;
}

/** How many bytes one replacement stands for: the longest beginning of a sequence. */
function maximal(bytes, at) {
  const first = bytes[at];
  if (first < 0xc2 || first > 0xf4) return 1;
  return valid(bytes, at, first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2);
}

function valid(bytes, at, length) {
  const first = bytes[at];
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let count = 1;
  while (count < length && bytes[at + count] >= low && bytes[at + count] <= high) {
    count += 1;
    low = 0x80;
    high = 0xbf;
  }
  return count;
}

/** Lower-case hex, the whole of it; null otherwise, and for nothing. */
export function hex(text) {
  if (typeof text !== "string" || text.length === 0 || !/^(?:[0-9a-f]{2})+$/.test(text)) return null;
  const out = new Uint8Array(text.length / 2);
  for (let at = 0; at < out.length; at += 1) out[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  return out;
}

/** Standard base64 with its padding, the whole of it; null otherwise, and for nothing. */
export function base64(text) {
  if (typeof text !== "string" || text.length === 0 || text.length % 4 !== 0) return null;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  const raw = atob(text);
  return btoa(raw) === text ? fromBinary(raw) : null;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toBase64(bytes) {
  return btoa(binary(bytes));
}

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encodeUtf8(String(text));
  }
}

export class TextDecoder {
  #fatal;
  #keepsMark;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^(?:utf-?8|unicode-1-1-utf-8)$/i.test(label.trim()))
      throw new RangeError(`only UTF-8 is known, not ${label}`);
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  get encoding() {
    return "utf-8";
  }

  decode(input = new Uint8Array()) {
    const bytes = input instanceof Uint8Array ? input : new Uint8Array(input.buffer ?? input);
    const text = this.#fatal ? decodeUtf8(bytes) : decodeLossy(bytes);
    if (text === null) throw new TypeError("the bytes are not UTF-8");
    return text.startsWith("\ufeff") && !this.#keepsMark ? text.slice(1) : text;
  }
}
