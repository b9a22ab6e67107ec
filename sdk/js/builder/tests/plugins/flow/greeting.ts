/** A second module, imported by the name that TypeScript gives it. */
import type { Lead } from "hookyard";

export const greeting = (lead: Lead): string => `Hallo ${(lead.fullName satisfies string | null) ?? "?"}`;
