/**
 * Gives each new lead to the next salesperson in turn, so that nobody has to hand leads out.
 *
 * Two kinds of events start it, each a run of its own:
 *
 * - `leadgen`: a lead came in. The run takes the next turn, writes the owner into the lead and emits `lead.assigned`.
 * - `lead.assigned`: the assignment stands. The run tells the notification service, where the settings ask for it.
 *
 * It guarantees that each turn is taken once: counter, owner and event are committed together or not at all, and of two
 * runs that read the same counter, one reads it anew. So telling is a run of its own: by then the owner stands, and a
 * service that is down leaves no lead without one. It may be told twice, under the same idempotency key.
 *
 * Who is at work, who is good at what, and what becomes of a lead, it refuses to know.
 */
import { emit, fetch, flow, log, state, updateLead } from "hookyard";

const ASSIGNED = "lead.assigned";
const HOST = "notify.example.com";
/** The key of how many leads were given away. It only grows, so people may come and go. */
const COUNT = "count";

export default flow({
  id: "round_robin",
  name: "Round robin",
  version: "0.1.0",
  summary: "Gives each new lead to the next salesperson in turn.",
  triggers: ["leadgen", ASSIGNED],
  hosts: [HOST],
  credentials: [{ name: "api_key", summary: "The API key of the notification service." }],
  settings: {
    type: "object",
    required: ["people"],
    properties: {
      people: {
        type: "array",
        minItems: 1,
        maxItems: 100,
        description: "Who takes leads, in turn.",
        items: {
          type: "object",
          required: ["name", "email"],
          properties: {
            name: { type: "string", minLength: 1 },
            email: { type: "string", minLength: 3, description: "What the lead's field `owner` becomes." },
            weight: { type: "integer", minimum: 0, maximum: 100, description: "Turns in a round. 1 unless set." },
          },
          additionalProperties: false,
        },
      },
      skipWhenOwned: { type: "boolean", description: "Whether a lead that has an owner keeps it. True unless set." },
      webhook: {
        type: "object",
        properties: { notify: { type: "boolean", description: "Whether the service is told. False unless set." } },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  },
  run({ event, lead, settings }) {
    return event.eventType === ASSIGNED ? tell(event, settings) : assign(event, lead, settings);
  },
});

/** A lead came in: it is the next person's. */
function assign(event, lead, { people, skipWhenOwned = true }) {
  if (lead === null) return [];
  if (skipWhenOwned && isOwned(lead)) {
    log.info("the lead has an owner already");
    return [];
  }
  const turns = round(people);
  if (turns.length === 0) throw new Error("nobody in the settings takes leads");
  const count = state.getJSON(COUNT) ?? 0;
  state.setJSON(COUNT, count + 1);
  const owner = turns[count % turns.length].email;
  return [updateLead({ owner }), emit(ASSIGNED, { leadId: event.leadId, owner })];
}

/** An assignment stands: say so to the service, where it is one of ours. */
function tell(event, { people, webhook }) {
  const { leadId, owner } = event.data;
  const person = people.find(({ email }) => email === owner);
  if (!webhook?.notify || person === undefined) return [];
  fetch(`https://${HOST}/v1/assignments`, {
    json: { leadId, owner, name: person.name },
    headers: { "idempotency-key": event.id },
    credentials: ["api_key"],
  }).orThrow("the notification service");
  return [];
}

function isOwned(lead) {
  return lead.customFields.some(({ name, value }) => name === "owner" && value.trim() !== "");
}

/** The turns of one round: everybody's first, then the second of those who have one, and so on. */
function round(people) {
  const weights = people.map(({ weight = 1 }) => weight);
  const times = Math.max(0, ...weights);
  return Array.from({ length: times }, (_, time) => people.filter((_, at) => weights[at] > time)).flat();
}
