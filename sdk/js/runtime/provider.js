/**
 * The world of providers: requests and pages come in, events and leads go out.
 */

import { Call, Plugin, malformed } from "./expose.js";
import {
  RawJson,
  Wrong,
  callable,
  instant,
  json,
  listOf,
  optional,
  record,
  settled,
  text,
  whole,
  word,
} from "./check.js";
import { Request, reply } from "./http.js";
import { lead } from "./lead.js";
import { providerManifest } from "./manifest.js";
import { proofOf } from "./proof.js";

const inbound = record({
  eventType: word,
  accountKey: optional(text),
  eventId: optional(text),
  occurredAt: optional(instant),
  payload: json,
});

const reception = record({ proof: proofOf, reply: optional(reply), events: optional(listOf(inbound), []) });

const page = record({
  items: listOf(inbound),
  next: optional(text),
  total: optional(whole(Number.MAX_SAFE_INTEGER)),
});

const normalized = record({ eventType: word, lead: optional(lead), data: json });

/** JSON text that goes on exactly as it was written: numbers too long for JavaScript keep their digits. */
export function rawJson(text) {
  return new RawJson(text);
}

/** Declares a provider. */
export function provider(definition) {
  const { receive, normalize, listPage, ...described } = definition ?? {};
  const manifest = providerManifest(described, "provider()");
  callable(true)(receive, "provider().receive");
  callable(false)(normalize, "provider().normalize");
  callable(false)(listPage, "provider().listPage");
  if ((manifest.polls || manifest.imports) && !listPage) {
    throw new Wrong("provider() says that it polls or imports, and has no listPage");
  }
  return new Plugin("provider", manifest, {
    receive: new Call(
      (request) =>
        reception(settled(receive.call(definition, new Request(request)), "receive"), "what receive returned"),
      { fail: malformed },
    ),
    normalize: new Call((event, settings) => {
      const seen = { ...event, payload: JSON.parse(event.payload), payloadText: event.payload };
      if (!normalize) return [{ eventType: event.eventType, lead: null, data: event.payload }];
      return outcomes(settled(normalize.call(definition, seen, JSON.parse(settings)), "normalize"), event);
    }),
    listPage: new Call((query, settings) => {
      if (!listPage) throw new Error("this provider does not list history");
      // The runtime lifts an unsigned number as a signed one.
      const seen = { ...query, limit: query.limit >>> 0 };
      return page(settled(listPage.call(definition, seen, JSON.parse(settings)), "listPage"), "what listPage returned");
    }),
  });
}

/** The event's own outcome first, then each further one. What says no data has the event's payload. */
function outcomes(returned, event) {
  const list = Array.isArray(returned) ? returned : [returned];
  return list.map((one, at) => {
    const path = Array.isArray(returned) ? `what normalize returned[${at}]` : "what normalize returned";
    const whole = one !== null && typeof one === "object" && one.data === undefined;
    return normalized(whole ? { ...one, data: new RawJson(event.payload) } : one, path);
  });
}
