/**
 * The types of `import … from "hookyard"`, for editors and for `tsc`; the builder takes types out and never reads this.
 *
 * A plugin is a pure function: what it is given and what the host answers decide what it returns. Every function here
 * answers at once, with no promise. The host may stop a plugin at `fetch`, `sleep` or a read of `state` and call it
 * again from the start, with the answer at hand; so whatever stands before happens again and must come out the same.
 */
declare module "hookyard" {
  // ---------------------------------------------------------------- the nouns of all plugins

  /** Anything that JSON can say. */
  export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

  /** Milliseconds since 1970. */
  export type Instant = number;

  /** A number of milliseconds, or their sum. */
  export type Duration =
    number | { days?: number; hours?: number; minutes?: number; seconds?: number; milliseconds?: number };

  /** A name with its value; a repeated name is a repeated field. */
  export interface Field {
    name: string;
    value: string;
  }

  /** What a person agreed to, by the form's own key of the box. */
  export interface Consent {
    key: string;
    given: boolean;
  }

  /** One person's details, as a plugin is given them. */
  export interface Lead {
    readonly providerLeadId: string;
    readonly email: string | null;
    readonly firstName: string | null;
    readonly lastName: string | null;
    readonly fullName: string | null;
    readonly phoneNumber: string | null;
    readonly company: string | null;
    /** Every answer as the provider gave it. */
    readonly rawFieldData: readonly Field[];
    /** Answers that are none of the above, by the form's own question keys. */
    readonly customFields: readonly Field[];
    readonly formId: string | null;
    readonly campaignId: string | null;
    readonly adId: string | null;
    readonly createdAt: Instant | null;
    readonly consents: readonly Consent[];
    /** Sent by the provider's own test tool. */
    readonly isTest: boolean;
  }

  /** The first answer of this name among a lead's custom fields, then among its answers as given. */
  export function answer(lead: Lead | null, name: string): string | null;

  // ---------------------------------------------------------------- what a plugin says of itself

  /** Where the host puts a credential; "bearer" where nothing is said. */
  export type Attachment = "bearer" | "basic" | { header: string; prefix?: string } | { query: string };

  /** What the host attaches to a `fetch` that names it. A plugin never sees its value. */
  export interface CredentialSpec {
    name: string;
    summary?: string;
    attach?: Attachment;
    /** A second query parameter: the hex HMAC-SHA256 of the credential under a secret (Meta's `appsecret_proof`). */
    proof?: { secret: string; query: string };
  }

  /** A secret that the host keeps and uses, and a plugin names. */
  export interface SecretSpec {
    name: string;
    /** Whose it is: the operator's, for all tenants (the default), or one account's. */
    scope?: "application" | "account";
    /** How the text that a person pastes becomes key bytes; "text" where nothing is said. */
    format?: "text" | "hex" | "base64" | "whsec";
    summary?: string;
  }

  export interface OauthSpec {
    authorizeUrl: string;
    tokenUrl: string;
    scopes?: string[];
    /** The credential that the access token becomes. */
    credential: string;
    /** How client id and secret travel to the token's URL; "form" where nothing is said. */
    tokenRequest?: "form" | "basic" | "json";
    /** Fields of the token's answer that are no secrets and shall be in the settings. */
    keeps?: string[];
  }

  interface Described {
    /** As it stands in URLs: "lead_router". */
    id: string;
    name: string;
    version: string;
    summary?: string;
    /** Where `fetch` may go: "api.example.com". The operator grants them. */
    hosts?: string[];
    credentials?: CredentialSpec[];
    /** A JSON Schema of the settings; without one there are none. */
    settings?: { [keyword: string]: unknown };
  }

  // ---------------------------------------------------------------- flows

  /** An event as a flow sees it. */
  export interface Event {
    readonly id: string;
    readonly eventType: string;
    readonly provider: string | null;
    readonly accountId: string | null;
    readonly occurredAt: Instant;
    readonly leadId: string | null;
    /** The event's JSON, parsed. */
    readonly data: any;
  }

  /** What a flow wants done: made by `emit`, `updateLead`, `pushLead` and `drop`. */
  export class Action {
    private constructor();
    private readonly tag: string;
  }

  type Maybe<T> = T | null | undefined | false;

  /** What a flow returns. All of it is committed in one transaction, or none. */
  export type Actions = void | Maybe<Action> | Maybe<Action>[];

  export interface FlowDefinition<Settings = any> extends Described {
    /** Event types that start it: "leadgen", "deal.*", "*". */
    triggers: string[];
    /** What shall happen. What it throws commits nothing of the run. */
    run(given: { event: Event; lead: Lead | null; settings: Settings }): Actions;
  }

  /** A plugin, for the module's default export. */
  export interface Plugin {
    readonly world: "flow" | "provider" | "destination";
  }

  /** Declares a flow: a tenant's automation. */
  export function flow<Settings = any>(definition: FlowDefinition<Settings>): Plugin;

  /** A new event, delivered to subscriptions and flows like any other. */
  export function emit(eventType: string, data?: unknown): Action;

  /**
   * Sets fields of the event's lead; null empties one. `email`, `firstName`, `lastName`, `fullName`, `phoneNumber` and
   * `company` are the lead's own, any other name is a custom field's.
   */
  export function updateLead(changes: { [field: string]: string | null }): Action;

  /** Pushes the event's lead to a destination, by its name or its id. */
  export function pushLead(destination: string): Action;

  /** Nothing further is done with the event: no delivery, no push. In stage `before` only. The reason is a sentence. */
  export function drop(reason: string): Action;

  /** What a flow remembers between runs. Writes take hold only when the run ends well. Flows only. */
  export const state: {
    /** The text under the key, this run's own writes included. */
    get(key: string): string | null;
    getBytes(key: string): Uint8Array | null;
    getJSON<T = any>(key: string): T | null;
    set(key: string, value: string | Uint8Array): void;
    setJSON(key: string, value: unknown): void;
    delete(key: string): void;
  };

  /** The run's time, the same at every replay; `Date` shows it too. Flows only. */
  export function now(): Instant;

  /** Waits, for seconds or for weeks: the run leaves memory and comes back. Flows only. */
  export function sleep(duration: Duration): void;

  // ---------------------------------------------------------------- effects and errors

  export interface FetchOptions {
    /** GET, or POST where there is a body. */
    method?: string;
    headers?: { [name: string]: string } | Iterable<readonly [string, string]>;
    /** Added to the URL, encoded. */
    query?: { [name: string]: string | number | boolean };
    body?: string | Uint8Array | ArrayBuffer | URLSearchParams;
    /** A body of JSON, and its content type. */
    json?: unknown;
    /** A body of form fields, and its content type. */
    form?: { [name: string]: string | number | boolean };
    /** Credentials of the manifest that the host attaches. */
    credentials?: string[];
  }

  export interface Headers extends Iterable<[string, string]> {
    /** The value of this name, whatever its case; several are joined by ", ". */
    get(name: string): string | null;
    all(name: string): string[];
    has(name: string): boolean;
    entries(): IterableIterator<[string, string]>;
  }

  /** An answer. Any status is one. */
  export interface Response {
    readonly status: number;
    /** Whether the status is 2xx. */
    readonly ok: boolean;
    readonly headers: Headers;
    text(): string;
    json(): any;
    bytes(): Uint8Array;
    /**
     * This answer where its status is 2xx; otherwise it throws what the status commonly means: 401 is `Unauthorized`;
     * 408, 425, 429 and 5xx are `Retry`, with `Retry-After`; all else is an error for good. `peer` opens the sentence.
     */
    orThrow(peer: string): this;
  }

  /**
   * Asks the host to send a request, to the hosts of the manifest. Where there was no answer, a `FetchError` is thrown:
   * left alone, a peer out of reach means "try again", and a refusal by the host does not.
   */
  export function fetch(url: string | URL, options?: FetchOptions): Response;

  export class FetchError extends Error {
    readonly kind: "refused" | "unreachable" | "timedOut" | "tooLarge";
  }

  /** Throw it where trying again may help; `after` says when, where the peer said so. */
  export class Retry extends Error {
    constructor(reason: string, after?: Duration);
  }

  /** Throw it where the account's credentials no longer work: a person has to connect it again. */
  export class Unauthorized extends Error {}

  /** Lines for the run's log; `console` writes there too. No answers of a person's and no secrets. */
  export const log: {
    debug(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  };

  // ---------------------------------------------------------------- providers

  /** A request to the provider's webhook URL, before anything is believed. */
  export interface Request {
    readonly method: string;
    /** The public URL, as the operator configured it. */
    readonly url: string;
    readonly headers: Headers;
    readonly body: Uint8Array;
    /** The header of this name. The same name twice, with different values, is an error. */
    header(name: string): string | null;
    /** The query parameter of this exact name, decoded; otherwise as `header`. */
    query(name: string): string | null;
    text(): string;
    json(): any;
    form(): URLSearchParams;
  }

  /** JSON text that goes on exactly as written: numbers too long for JavaScript keep their digits. */
  export function rawJson(text: string): RawJson;
  export interface RawJson {
    readonly text: string;
  }

  /** One thing that a provider told us, before it is understood. */
  export interface Inbound {
    /** The provider's own word for it: "leadgen", "invoice.paid". */
    eventType: string;
    /** Which connected account it belongs to, in the provider's words. */
    accountKey?: string | null;
    /** The provider's own id of it: the key by which it is known a second time. */
    eventId?: string | null;
    occurredAt?: Instant | Date | null;
    /** What is logged, without any secret that came along. */
    payload: unknown;
  }

  /** A logged event, for `normalize`. */
  export interface LoggedEvent {
    readonly eventType: string;
    readonly accountKey: string | null;
    readonly eventId: string | null;
    readonly occurredAt: Instant | null;
    /** Its JSON, parsed. */
    readonly payload: any;
    /** Its JSON as it was written. */
    readonly payloadText: string;
  }

  /** Fields in order, or an object of them. */
  export type Fields = readonly Field[] | { [name: string]: string | string[] };

  /** One person's details, as a provider says them. */
  export interface NewLead {
    providerLeadId: string;
    email?: string | null;
    firstName?: string | null;
    lastName?: string | null;
    fullName?: string | null;
    phoneNumber?: string | null;
    company?: string | null;
    rawFieldData?: Fields;
    customFields?: Fields;
    formId?: string | null;
    campaignId?: string | null;
    adId?: string | null;
    createdAt?: Instant | Date | null;
    consents?: readonly Consent[];
    isTest?: boolean;
  }

  /** What an event means. Without `data`, the event's own payload is its data. */
  export interface Normalized {
    eventType: string;
    lead?: NewLead | null;
    data?: unknown;
  }

  export interface Reply {
    status?: number;
    headers?: { [name: string]: string };
    body?: string | Uint8Array;
    json?: unknown;
  }

  export interface Reception {
    proof: Proof;
    /** An answer of the provider's own choosing, such as a challenge's echo. The host's 200 where none. */
    reply?: Reply | null;
    events?: Inbound[];
  }

  export interface PageQuery {
    readonly accountKey: string;
    readonly formId: string | null;
    readonly since: Instant | null;
    readonly cursor: string | null;
    readonly limit: number;
  }

  export interface Page {
    items: Inbound[];
    next?: string | null;
    total?: number | null;
  }

  export interface ProviderDefinition<Settings = any> extends Described {
    eventTypes: string[];
    secrets?: SecretSpec[];
    oauth?: OauthSpec | null;
    /** Whether `listPage` may be asked regularly, and for a bulk import. */
    polls?: boolean;
    imports?: boolean;
    /** Whether events may come that nothing proves. */
    unsigned?: boolean;
    /** Says what would prove the request authentic, and which events it carries. What it throws is a 400. */
    receive(request: Request): Reception;
    /** What a logged event means, its own outcome first. Without it: the event as it is. May `fetch`. */
    normalize?(event: LoggedEvent, settings: Settings): Normalized | Normalized[];
    /** One page of history, oldest first where the provider allows it. */
    listPage?(query: PageQuery, settings: Settings): Page;
  }

  /** Declares a provider: a source of events. */
  export function provider<Settings = any>(definition: ProviderDefinition<Settings>): Plugin;

  /** What would prove a request authentic. The host computes and compares; a plugin sees no secret. */
  export interface Proof {
    /** Next among what was signed: the request's raw body. */
    signedBody(): this;
    signedText(text: string): this;
    signedBytes(bytes: Uint8Array): this;
    /** Next among what was signed: the named secret's own bytes. */
    signedSecret(name: string): this;
    /** The signatures that came along; any one may match, and null is none. */
    signatures(...signatures: (Uint8Array | null | (Uint8Array | null)[])[]): this;
    /** Where the scheme signs a time: the host refuses it outside the tolerance, either way. */
    signedAt(time: Instant | Date): this;
  }

  export type Digest = "sha1" | "sha256" | "sha512";

  /** HMAC-SHA256 under the named secret. */
  export function hmacSha256(secret: string): Proof;
  export function hmac(secret: string, digest: Digest): Proof;
  /** A plain digest over bytes that include a secret. */
  export function hash(digest: Digest): Proof;
  /** A signature under the provider's private key; the named secret holds its public one. */
  export function publicKey(key: string, algorithm: "ed25519" | "ecdsa-p256-sha256"): Proof;
  /** The request carries the named secret itself. */
  export function token(secret: string, candidate: string | null): Proof;
  /** Nothing is claimed: only a reply may come of it, and no event. */
  export function handshake(): Proof;
  /** Events that nothing proves: hints, where the manifest says `unsigned`. */
  export function unsigned(): Proof;

  /** The signature in a header like `X-Hub-Signature-256: sha256=<hex>`. */
  export function hexHeader(request: Request, name: string, prefix?: string): Uint8Array | null;
  /** The signature in a header like `X-Shopify-Hmac-Sha256: <base64>`. */
  export function base64Header(request: Request, name: string, prefix?: string): Uint8Array | null;
  /** The values of one key in a list like `t=1614265330,v1=ab,v1=cd`. */
  export function listValues(list: string | null, separator: string, key: string): string[];
  /** The one value of a key in such a list; null where it is missing or there twice. */
  export function listValue(list: string | null, separator: string, key: string): string | null;
  /** The keyed hash of a message under the named secret, to answer a provider's challenge. */
  export function answerHmac(secret: string, digest: Digest, message: string | Uint8Array): Uint8Array;

  /** Lower-case hex, the whole of it, or null. */
  export function hex(text: string | null): Uint8Array | null;
  /** Standard base64 with its padding, the whole of it, or null. */
  export function base64(text: string | null): Uint8Array | null;
  export function toHex(bytes: Uint8Array): string;
  export function toBase64(bytes: Uint8Array): string;

  // ---------------------------------------------------------------- destinations

  export interface Receipt {
    /** The destination's own id of what was written. */
    externalId: string;
    url?: string | null;
  }

  export interface PushOrder<Settings = any> {
    readonly leadId: string;
    readonly lead: Lead;
    /** The account's mapping of fields, as JSON, parsed. */
    readonly mapping: any;
    readonly settings: Settings;
    /** The receipt of the last success: update that, and write nothing twice. */
    readonly previous: { readonly externalId: string; readonly url: string | null } | null;
  }

  export interface DestinationDefinition<Settings = any> extends Described {
    oauth?: OauthSpec | null;
    /** The destination's own fields that a mapping may name. */
    fields?: string[];
    /** Brings the destination to hold this lead. Called again after a failure whose outcome is unknown. */
    push(order: PushOrder<Settings>): Receipt;
  }

  /** Declares a destination: a CRM, or anything else that leads are pushed to. */
  export function destination<Settings = any>(definition: DestinationDefinition<Settings>): Plugin;
}

// -------------------------------------------------------------------- the globals that are there beside the language

declare const console: {
  assert(condition: unknown, ...values: unknown[]): void;
  debug(...values: unknown[]): void;
  error(...values: unknown[]): void;
  info(...values: unknown[]): void;
  log(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  warn(...values: unknown[]): void;
};

declare function atob(text: string): string;
declare function btoa(text: string): string;
declare function structuredClone<T>(value: T): T;

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  decode(bytes?: ArrayBuffer | ArrayBufferView): string;
}

declare class URLSearchParams implements Iterable<[string, string]> {
  constructor(init?: string | { [name: string]: unknown } | Iterable<readonly [string, string]>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(visit: (value: string, name: string, params: URLSearchParams) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string, base?: string): boolean;
  static parse(url: string, base?: string): URL | null;
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}
