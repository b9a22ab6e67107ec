/**
 * What the world of providers imports from the host, for the rest of the SDK, which knows no world.
 */
export const clock = null;
export * as http from "hookyard:plugin/http@0.1.0";
export * as log from "hookyard:plugin/log@0.1.0";
export * as secrets from "hookyard:plugin/secrets@0.1.0";
export const state = null;
