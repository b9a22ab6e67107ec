/**
 * A person's details, in and out: the same shape whatever the source.
 */

import { instant, listOf, optional, record, text, truth, word } from "./check.js";

const field = record({ name: word, value: text });

/** Fields in order, from a list of `{ name, value }` or from an object whose values are text or lists of text. */
function fields(value, path) {
  if (Array.isArray(value)) return listOf(field)(value, path);
  if (value === null || typeof value !== "object") return listOf(field)(value, path);
  return Object.entries(value).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((one) => ({ name, value: text(one, `${path}.${name}`) })),
  );
}

/** A lead as the host takes it. */
export const lead = record({
  providerLeadId: word,
  email: optional(text),
  firstName: optional(text),
  lastName: optional(text),
  fullName: optional(text),
  phoneNumber: optional(text),
  company: optional(text),
  rawFieldData: optional(fields, []),
  customFields: optional(fields, []),
  formId: optional(text),
  campaignId: optional(text),
  adId: optional(text),
  createdAt: optional(instant),
  consents: optional(listOf(record({ key: word, given: truth })), []),
  isTest: optional(truth, false),
});

/** The first answer of this name among a lead's custom fields and its answers as given; null where there is none. */
export function answer(lead, name) {
  const found = [...(lead?.customFields ?? []), ...(lead?.rawFieldData ?? [])].find((one) => one.name === name);
  return found?.value ?? null;
}
