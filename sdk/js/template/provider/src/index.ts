/**
 * {{name}}: webhooks of one JSON object each, signed with HMAC-SHA256 in the header X-Signature.
 *
 * `receive` says what would prove a request authentic; the host proves it. `normalize` says what the event means.
 */
import { hexHeader, hmacSha256, provider } from "hookyard";

export default provider({
  id: "{{name}}",
  name: "{{name}}",
  version: "0.1.0",
  summary: "Takes the forms of {{name}}.",
  eventTypes: ["form.filled"],
  secrets: [{ name: "signing_secret", summary: "Signs the webhooks." }],
  receive(request) {
    const proof = hmacSha256("signing_secret")
      .signedBody()
      .signatures(hexHeader(request, "X-Signature", "sha256="));
    const form = request.json();
    return { proof, events: [{ eventType: "form.filled", accountKey: form.account, eventId: form.id, payload: form }] };
  },
  normalize(event) {
    const { id, account: _, name, email, ...answers } = event.payload;
    return { eventType: event.eventType, lead: { providerLeadId: id, fullName: name, email, rawFieldData: answers } };
  },
});
