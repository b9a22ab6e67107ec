/**
 * What the world of destinations imports from the host, for the rest of the SDK, which knows no world.
 */
export const clock = null;
export * as http from "hookyard:plugin/http@0.1.0";
export * as log from "hookyard:plugin/log@0.1.0";
export const secrets = null;
export const state = null;
