/** A provider that proves, answers a challenge, fetches what a webhook points at, and lists its history. */
import {
  answerHmac,
  base64Header,
  fetch,
  handshake,
  hexHeader,
  hmacSha256,
  provider,
  rawJson,
  toHex,
  token,
  unsigned,
} from "hookyard";
import { listValue, listValues, hex, type Request, type Reception } from "hookyard";

export default provider<{ region: string }>({
  id: "demo_forms",
  name: "Demo forms",
  version: "0.2.0",
  eventTypes: ["form.filled"],
  hosts: ["forms.example.com"],
  secrets: [{ name: "app", summary: "Signs webhooks." }],
  credentials: [{ name: "token", proof: { secret: "app", query: "appsecret_proof" } }],
  oauth: {
    authorizeUrl: "https://forms.example.com/authorize",
    tokenUrl: "https://forms.example.com/token",
    scopes: ["forms"],
    credential: "token",
  },
  polls: true,

  receive(request): Reception {
    const challenge = request.query("challenge");
    if (challenge !== null) return challenged(challenge);
    if (request.header("X-Token") !== null) return { proof: token("app", request.header("X-Token")) };
    if (request.header("X-None") !== null) return { proof: unsigned(), events: "x" as any };
    const stamp = request.header("X-Stamp");
    const proof = hmacSha256("app")
      .signedBody()
      .signatures(hexHeader(request, "X-Sig", "sha256="), base64Header(request, "X-Old"));
    if (stamp !== null) {
      proof
        .signedText(".")
        .signatures(listValues(stamp, ",", "v1").map(hex))
        .signedAt(Number(listValue(stamp, ",", "t")) * 1000);
    }
    const events = request.json().events.map((one: any) => ({
      eventType: "form.filled",
      accountKey: String(one.form),
      eventId: one.id,
      occurredAt: new Date(one.at),
      payload: one.raw ? rawJson(one.raw) : one,
    }));
    return { proof, events };
  },

  normalize(event, settings) {
    if (event.payload.time) return [{ eventType: "x", data: Date.now() }];
    if (event.payload.chance) return [{ eventType: "x", data: Math.random() }];
    const answer = fetch(`https://forms.example.com/${settings.region}/${event.payload.id}`, {
      query: { fields: "a b", n: 1 },
      credentials: ["token"],
    });
    if (answer.status === 404) return [];
    const { name, misspelt, ...custom } = answer.json();
    const lead = {
      providerLeadId: event.eventId ?? "?",
      fullName: name,
      customFields: custom,
      createdAt: event.occurredAt,
    };
    return [
      { eventType: event.eventType, lead: misspelt ? { ...lead, emial: "x" } : lead },
      { eventType: "more", data: [1, 2] },
    ];
  },

  listPage(query) {
    return {
      items: [{ eventType: "form.filled", payload: { limit: query.limit } }],
      next: query.cursor,
      total: 4_000_000_000,
    };
  },
});

function challenged(challenge: string): Reception {
  if (!/^[a-z]{1,20}$/.test(challenge)) throw new Error("no challenge of ours");
  return { proof: handshake(), reply: { json: { answer: toHex(answerHmac("app", "sha256", challenge)) } } };
}
