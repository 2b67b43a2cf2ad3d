import { offline, problemFrom } from "./problem";

export interface HttpPorts {
  fetch: typeof fetch;
  /** The current CSRF token; logging in changes it, so it is read for every request. */
  csrfToken: () => string;
  sleep: (milliseconds: number) => Promise<void>;
  /** The API answered 401: whoever was logged in no longer is. */
  unauthorized?: () => void;
}

export interface RequestOptions {
  /** A plain object is sent as JSON, FormData as it is. */
  body?: object;
  /** The same key makes a repeated POST harmless, so such a POST may be retried. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** The revision that is being changed; the server answers 412 when it is no longer the newest. */
  ifMatch?: string;
  /** Let the request outlive the page (the browser allows it for small bodies). */
  keepalive?: boolean;
  /** Statuses below 500 that are an answer here and not a failure. */
  accept?: number[];
}

const RETRY_DELAYS = [300, 900, 2700];
const PASSING = new Set([429, 502, 503, 504]);
const SAFE = new Set(["GET", "HEAD", "PUT", "DELETE"]);

/**
 * Talks HTTP: JSON in and out, problems thrown as `Problem`, the CSRF token sent along.
 *
 * What can be repeated without harm (GET, PUT, DELETE, a POST with an idempotency key) is tried again when the
 * connection fails or the server says that it is busy.
 */
export class Http {
  readonly #ports: HttpPorts;

  constructor(ports: HttpPorts) {
    this.#ports = ports;
  }

  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.send(method, path, options);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  async blob(method: string, path: string, options: RequestOptions = {}): Promise<Blob> {
    return await (await this.send(method, path, options)).blob();
  }

  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const repeatable = SAFE.has(method) || options.idempotencyKey !== undefined;
    const delays = repeatable ? RETRY_DELAYS : [];
    for (let attempt = 0; ; attempt++) {
      const response = await this.#attempt(method, path, options);
      const delay = delays[attempt];
      if (response !== null && !PASSING.has(response.status)) return await this.#judge(response, options);
      if (delay === undefined || options.signal?.aborted) {
        if (response === null) throw offline();
        return await this.#judge(response, options);
      }
      await this.#ports.sleep(waitFor(response, delay));
    }
  }

  /** One try; null when no answer came. An abort by the caller is thrown on. */
  async #attempt(method: string, path: string, options: RequestOptions): Promise<Response | null> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRFToken"] = this.#ports.csrfToken();
    if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
    if (options.ifMatch) headers["If-Match"] = options.ifMatch;
    let body: BodyInit | undefined;
    if (options.body instanceof FormData) body = options.body;
    else if (options.body !== undefined) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(options.body);
    }
    try {
      return await this.#ports.fetch(path, {
        method,
        headers,
        body,
        signal: options.signal,
        credentials: "same-origin",
        ...(options.keepalive && isSmall(body) && { keepalive: true }),
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      return null;
    }
  }

  async #judge(response: Response, options: RequestOptions): Promise<Response> {
    if (response.ok || options.accept?.includes(response.status)) return response;
    const body: unknown = await response.json().catch(() => null);
    if (response.status === 401) this.#ports.unauthorized?.();
    throw problemFrom(response.status, body);
  }
}

/** A browser refuses to keep more than 64 KiB alive, and then sends nothing at all. */
const isSmall = (body: BodyInit | undefined) =>
  typeof body === "string" && new TextEncoder().encode(body).length < 60_000;

function waitFor(response: Response | null, delay: number): number {
  const seconds = Number(response?.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, 10) * 1000 : delay;
}
