/**
 * What `import … from "hookyard"` finds. Its types, and what each of these does, are in `hookyard.d.ts`.
 */
export { flow, emit, updateLead, pushLead, drop } from "./runtime/flow.js";
export { provider, rawJson } from "./runtime/provider.js";
export { destination } from "./runtime/destination.js";
export { fetch } from "./runtime/http.js";
export { state } from "./runtime/state.js";
export { now, sleep } from "./runtime/clock.js";
export { log } from "./runtime/log.js";
export { FetchError, Retry, Unauthorized } from "./runtime/failure.js";
export { answer } from "./runtime/lead.js";
export { base64, hex, toBase64, toHex } from "./runtime/bytes.js";
export {
  answerHmac,
  base64Header,
  handshake,
  hash,
  hexHeader,
  hmac,
  hmacSha256,
  listValue,
  listValues,
  publicKey,
  token,
  unsigned,
} from "./runtime/proof.js";
