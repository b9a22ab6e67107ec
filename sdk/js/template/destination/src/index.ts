/**
 * {{name}}: one contact for each lead.
 *
 * `push` is called again after a failure whose outcome is unknown, and for an update; `previous` is the receipt of the
 * last success. So it updates what it finds and never writes twice.
 */
import { destination, fetch } from "hookyard";

export default destination({
  id: "{{name}}",
  name: "{{name}}",
  version: "0.1.0",
  summary: "Keeps contacts in {{name}}.",
  hosts: ["api.example.com"],
  credentials: [{ name: "api_key", summary: "The API key.", attach: "bearer" }],
  fields: ["email", "name", "phone"],
  push({ leadId, lead, previous }) {
    const contact = { email: lead.email, name: lead.fullName, phone: lead.phoneNumber };
    const key = encodeURIComponent(previous?.externalId ?? leadId);
    const response = fetch(`https://api.example.com/contacts/${key}`, {
      method: "PUT",
      json: contact,
      credentials: ["api_key"],
    });
    return { externalId: response.orThrow("the API").json().id };
  },
});
