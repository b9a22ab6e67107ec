/**
 * Saying what would prove a request authentic.
 *
 * A plugin sees no secret and compares nothing. It names the secret, lists what was signed, and decodes the signatures
 * that came along; the host computes and compares, on the raw bytes, in constant time. Everything here fails closed:
 * what cannot be decoded is no signature, and a proof without signatures is refused with a 401.
 */

import * as host from "./host.js";
import { granted } from "./call.js";
import { Wrong, bytes, fail, instant, oneOf, text, word } from "./check.js";
import { base64, encodeUtf8, hex } from "./bytes.js";

const DIGESTS = { sha1: 20, sha256: 32, sha512: 64 };
const digestOf = oneOf(...Object.keys(DIGESTS));

/** A claim in the making; each call adds to it. `fits` says whether a signature can be one at all. */
class Proof {
  #tag;
  #val;
  #list;
  #fits;

  constructor(tag, val, list = null, fits = () => true) {
    this.#tag = tag;
    this.#val = val;
    this.#list = list;
    this.#fits = fits;
  }

  /** Next, the request's raw body. */
  signedBody() {
    return this.#signed({ tag: "body" });
  }

  /** Next, this text. */
  signedText(value) {
    return this.#signed({ tag: "text", val: text(value, "what signedText() takes") });
  }

  /** Next, these bytes. */
  signedBytes(value) {
    return this.#signed({ tag: "bytes", val: bytes(value, "what signedBytes() takes") });
  }

  /** Next, the named secret's own bytes. */
  signedSecret(name) {
    return this.#signed({ tag: "secret", val: word(name, "what signedSecret() takes") });
  }

  /** The signatures that came along, of which any one may match; null is none, and so is one of the wrong length. */
  signatures(...given) {
    if (this.#list === null) throw new Wrong("this proof has no signatures");
    for (const one of given.flat()) {
      if (one !== null && one !== undefined && this.#fits(bytes(one, "a signature"))) this.#val[this.#list].push(one);
    }
    return this;
  }

  /** Where the scheme signs a time: the host refuses it outside the tolerance, either way. */
  signedAt(time) {
    if (!("signedAt" in this.#val)) throw new Wrong("this proof signs no time");
    this.#val.signedAt = instant(time, "what signedAt() takes");
    return this;
  }

  #signed(part) {
    if (!("signed" in this.#val)) throw new Wrong("this proof signs nothing");
    this.#val.signed.push(part);
    return this;
  }

  /** As the host takes it. */
  static told(proof) {
    return { tag: proof.#tag, val: proof.#val };
  }
}

/** A keyed hash under the named secret. */
export function hmac(secret, digest) {
  const length = DIGESTS[digestOf(digest, "the digest of hmac()")];
  const val = { secret: word(secret, "the secret of hmac()"), digest, signed: [], signatures: [], signedAt: null };
  return new Proof("hmac", val, "signatures", (one) => one.length === length);
}

/** HMAC-SHA256 under the named secret. */
export function hmacSha256(secret) {
  return hmac(secret, "sha256");
}

/** A plain digest over bytes that include a secret. */
export function hash(digest) {
  const length = DIGESTS[digestOf(digest, "the digest of hash()")];
  return new Proof("hash", { digest, signed: [], hashes: [] }, "hashes", (one) => one.length === length);
}

/** A signature under the provider's private key; the named secret holds its public one. */
export function publicKey(key, algorithm) {
  oneOf("ed25519", "ecdsa-p256-sha256")(algorithm, "the algorithm of publicKey()");
  const val = { algorithm, key: word(key, "the key of publicKey()"), signed: [], signatures: [], signedAt: null };
  return new Proof("public-key", val, "signatures");
}

/** The request carries the named secret itself; a candidate of null proves nothing. */
export function token(secret, candidate) {
  return new Proof("token", { secret: word(secret, "the secret of token()"), candidate: String(candidate ?? "") });
}

/** Nothing is claimed: only a reply may come of it, and no event. */
export function handshake() {
  return new Proof("handshake", {});
}

/** Events that nothing proves: hints, taken only where the manifest says `unsigned` and the account's owner agreed. */
export function unsigned() {
  return new Proof("unsigned", {});
}

/** A check, as those of `check.js`. */
export function proofOf(value, path) {
  if (!(value instanceof Proof)) fail(path, "must be made by hmacSha256(), token() or another of the proofs", value);
  return Proof.told(value);
}

/** The signature in a header like `X-Hub-Signature-256: sha256=<hex>`; null where there is none. */
export function hexHeader(request, name, prefix = "") {
  return hex(unprefixed(request, name, prefix));
}

/** The signature in a header like `X-Shopify-Hmac-Sha256: <base64>`; null where there is none. */
export function base64Header(request, name, prefix = "") {
  return base64(unprefixed(request, name, prefix));
}

function unprefixed(request, name, prefix) {
  const values = request.headers.all(name);
  const agreed = values.length > 0 && values.every((value) => value === values[0]) ? values[0] : "";
  return agreed.startsWith(prefix) ? agreed.slice(prefix.length) : "";
}

/** The values of one key in a list like `t=1614265330,v1=ab,v1=cd`, in order. */
export function listValues(list, separator, key) {
  const pairs = (list ?? "").split(separator).map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${key}=`)).map((pair) => pair.slice(key.length + 1));
}

/** The one value of a key in such a list; null where it is missing or there twice. */
export function listValue(list, separator, key) {
  const values = listValues(list, separator, key);
  return values.length === 1 ? values[0] : null;
}

/**
 * The keyed hash of a message under the named secret, to answer a provider's challenge. Beware: where the challenge is
 * signed with the key that signs events, answer only what cannot be an event's signed bytes.
 */
export function answerHmac(secret, digest, message) {
  const said = typeof message === "string" ? encodeUtf8(message) : bytes(message, "the message of answerHmac()");
  const secrets = granted(host.secrets, "answerHmac()", "providers");
  try {
    return secrets.hmac(word(secret, "the secret of answerHmac()"), digestOf(digest, "the digest"), said);
  } catch (error) {
    const why = error?.payload;
    if (why?.tag === "unknown") throw new Error(`there is no secret \`${why.val}\``);
    if (why?.tag === "not-granted") throw new Error(`the plugin may not use the secret \`${why.val}\``);
    throw error;
  }
}
