/**
 * The world of flows: an event comes in, actions go out.
 */

import { Call, Plugin } from "./expose.js";
import { Wrong, callable, fail, json, optional, settled, text, word } from "./check.js";
import { flowManifest } from "./manifest.js";

/** What a flow wants done. Made by `emit`, `updateLead`, `pushLead` and `drop`, and by nothing else. */
class Action {
  constructor(tag, val) {
    this.tag = tag;
    this.val = val;
    Object.freeze(this);
  }
}

/** A new event, delivered to subscriptions and flows like any other. */
export function emit(eventType, data = {}) {
  return new Action("emit", {
    eventType: word(eventType, "the event type of emit()"),
    data: json(data, "the data of emit()"),
  });
}

const NAMES = {
  firstName: "first-name",
  lastName: "last-name",
  fullName: "full-name",
  phoneNumber: "phone-number",
};

/** Sets fields of the event's lead; null empties one. A name that is none of a lead's own is a custom field's. */
export function updateLead(changes) {
  if (changes === null || typeof changes !== "object" || Array.isArray(changes)) {
    fail("what updateLead() takes", "must be an object of fields", changes);
  }
  const list = Object.entries(changes).map(([name, value]) => ({
    field: Object.hasOwn(NAMES, name) ? NAMES[name] : name,
    value: optional(text)(value, `updateLead().${name}`),
  }));
  return new Action("update-lead", list);
}

/** Pushes the event's lead to a destination, by its name or its id. */
export function pushLead(destination) {
  return new Action("push-lead", { destination: word(destination, "the destination of pushLead()") });
}

/** Nothing further is done with the event: no delivery, no push. In stage `before` only. */
export function drop(reason) {
  return new Action("drop", word(reason, "the reason of drop()"));
}

/** Declares a flow. */
export function flow(definition) {
  const { run, ...described } = definition ?? {};
  const manifest = flowManifest(described, "flow()");
  callable(true)(run, "flow().run");
  const body = ({ event, lead }, settings) => {
    const given = { event: { ...event, data: JSON.parse(event.data) }, lead, settings: JSON.parse(settings) };
    return actions(settled(run.call(definition, given), "run"));
  };
  const seed = ({ event }) => `${manifest.id}/${event.id}`;
  return new Plugin("flow", manifest, { run: new Call(body, { seed }) });
}

/** One action, a list of them, or nothing; what is false or absent in a list is left out. */
function actions(returned) {
  if (returned === undefined || returned === null) return [];
  const list = Array.isArray(returned) ? returned.flat() : [returned];
  return list.flatMap((action, at) => {
    if (action === undefined || action === null || action === false) return [];
    if (action instanceof Action) return [{ tag: action.tag, val: action.val }];
    throw new Wrong(`[${at}] of what run returned is no action; use emit(), updateLead(), pushLead() or drop()`);
  });
}
