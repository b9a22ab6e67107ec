/** A flow that uses every effect once: the types, a second module and a JSON file come along. */
import { answer, emit, fetch, log, now, pushLead, Retry, sleep, state, updateLead } from "hookyard";
import { flow, type Action, Lead } from "hookyard";
import { greeting } from "./greeting.js";
import places from "./places.json" with { type: "json" };

interface Settings {
  minutes: number;
  fail?: string;
}

export default flow<Settings>({
  id: "speed_to_lead",
  name: "Speed to lead",
  version: "1.0.0",
  summary: "Says when nobody called.",
  triggers: ["leadgen"],
  hosts: ["api.example.com"],
  credentials: [{ name: "api_key", summary: "The key.", attach: { header: "X-Api-Key" } }],
  settings: { type: "object", properties: { minutes: { type: "number" }, fail: { type: "string" } } },
  run({ event, lead, settings }): Action[] {
    console.log("run", { id: event.id, at: new Date(), random: Math.random() });
    if (settings.fail) return fail(settings.fail, lead);
    const seen = state.getJSON<{ count: number }>("seen") ?? { count: 0 };
    state.setJSON("seen", { count: seen.count + 1 });
    sleep({ minutes: settings.minutes });
    const response = fetch("https://api.example.com/leads", {
      method: "PUT",
      json: { grüße: greeting(lead!), place: places[0]!.name },
      credentials: ["api_key"],
    });
    log.info("answered", response.status, response.headers.get("X-Kind"), response.json());
    return [
      emit("lead.uncontacted", { budget: answer(lead, "budget"), at: now(), count: seen.count + 1 }),
      updateLead({ firstName: "Ada", budget: null }),
      pushLead("crm"),
    ];
  },
});

function fail(how: string, lead: Lead | null): Action[] {
  switch (how) {
    case "type":
      return (lead as any).nope.foo;
    case "retry":
      throw new Retry("busy", { seconds: 5 });
    case "shape":
      return [{ tag: "emit" } as unknown as Action];
    case "emit":
      return [emit("", {})];
    case "process":
      return (globalThis as any).eval("process.env");
    case "string":
      throw "no error";
    case "deep":
      return fail("deep", lead);
    case "memory":
      for (const all: string[][] = []; ;) all.push(new Array(1_000_000).fill("x"));
    case "hours":
      return [emit("hours", { hours: new Date().getHours(), text: String(new Date(0)), date: Date() })];
    default:
      return [];
  }
}
