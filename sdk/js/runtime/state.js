/**
 * What a flow remembers between runs. Reads are effects; writes take hold only when the run ends well.
 */

import * as host from "./host.js";
import { granted } from "./call.js";
import { bytes, json, word } from "./check.js";
import { decodeUtf8, encodeUtf8 } from "./bytes.js";

function at(name, key) {
  word(key, `the key of state.${name}()`);
  return granted(host.state, `state.${name}()`, "flows");
}

function read(name, key) {
  const found = at(name, key).get(key);
  if (found === null) return null;
  const text = decodeUtf8(found);
  if (text === null) throw new Error(`the state under "${key}" is not text; read it with state.getBytes()`);
  return text;
}

export const state = Object.freeze({
  /** The text under the key, this run's own writes included; null where there is none. */
  get: (key) => read("get", key),
  /** The bytes under the key; null where there are none. */
  getBytes: (key) => at("getBytes", key).get(key),
  /** What `setJSON` put under the key; null where there is nothing. */
  getJSON(key) {
    const text = read("getJSON", key);
    if (text === null) return null;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`the state under "${key}" is not JSON: ${error.message}`);
    }
  },
  /** Remembers a text, or bytes. */
  set(key, value) {
    const kept = typeof value === "string" ? encodeUtf8(value) : bytes(value, "the value of state.set()");
    at("set", key).set(key, kept);
  },
  /** Remembers anything that JSON can say. */
  setJSON(key, value) {
    const kept = encodeUtf8(json(value, "the value of state.setJSON()"));
    at("setJSON", key).set(key, kept);
  },
  /** Forgets what stands under the key. */
  delete: (key) => at("delete", key).delete(key),
});
