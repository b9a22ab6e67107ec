/**
 * {{name}}: when a lead comes in and nobody has called after five minutes, an event says so.
 *
 * A flow is a pure function. The host may stop it at a fetch, a sleep or a read of state, and call it again from the
 * start with the answer at hand; so take time, chance and ids from what it is given.
 */
import { emit, flow, log, now, sleep, state } from "hookyard";

export default flow({
  id: "{{name}}",
  name: "{{name}}",
  version: "0.1.0",
  summary: "Says when a lead has waited too long.",
  triggers: ["leadgen"],
  settings: {
    type: "object",
    properties: { minutes: { type: "integer", minimum: 1, maximum: 1440 } },
    additionalProperties: false,
  },
  run({ event, lead, settings }) {
    if (lead === null) return [];
    sleep({ minutes: settings.minutes ?? 5 });
    if (state.get(`called/${event.leadId}`) !== null) return [];
    log.info("nobody called yet");
    return [emit("lead.uncontacted", { name: lead.fullName, waitedMs: now() - event.occurredAt })];
  },
});
