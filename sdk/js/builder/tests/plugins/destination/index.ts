/** A destination that creates, updates, and says what went wrong. */
import { destination, fetch, FetchError } from "hookyard";

export default destination<{ base?: string }>({
  id: "demo_crm",
  name: "Demo CRM",
  version: "0.1.0",
  summary: "Holds contacts.",
  hosts: ["crm.example.com"],
  credentials: [{ name: "key", summary: "The CRM's key.", attach: { query: "api_key" } }],
  fields: ["Email", "Name"],
  push({ lead, mapping, previous }) {
    const url = new URL("/contacts", "https://crm.example.com/v1/");
    if (previous) url.pathname += `/${encodeURIComponent(previous.externalId)}`;
    const body: Record<string, unknown> = {};
    for (const [from, to] of Object.entries(mapping)) body[String(to)] = (lead as any)[from];
    let response;
    try {
      response = fetch(url, {
        method: previous ? "PATCH" : "POST",
        form: { data: JSON.stringify(body) },
        credentials: ["key"],
      });
    } catch (error) {
      if (error instanceof FetchError && error.kind === "tooLarge") throw new Error("much too large");
      throw error;
    }
    return response.orThrow("the CRM").json();
  },
});
