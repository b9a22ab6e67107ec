/**
 * What the world of flows imports from the host, for the rest of the SDK, which knows no world.
 */
export * as clock from "hookyard:plugin/clock@0.1.0";
export * as http from "hookyard:plugin/http@0.1.0";
export * as log from "hookyard:plugin/log@0.1.0";
export const secrets = null;
export * as state from "hookyard:plugin/state@0.1.0";
