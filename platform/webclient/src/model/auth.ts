import type { Http } from "./http";
import { problemFrom } from "./problem";

const ROOT = "/_allauth/browser/v1";

/** Sign-up, log-in and log-out through django-allauth's headless API, with the session cookie. */
export class Auth {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** True when somebody is logged in. The answer also sets the CSRF cookie, so call it before any POST. */
  async signedIn(): Promise<boolean> {
    const response = await this.#http.send("GET", `${ROOT}/auth/session`, { accept: [401, 410] });
    return response.ok;
  }

  /** `who` is a username or an e-mail address. */
  async logIn(who: string, password: string): Promise<void> {
    const name = who.includes("@") ? { email: who } : { username: who };
    await this.#authenticate(`${ROOT}/auth/login`, { ...name, password });
  }

  async signUp(fields: { username: string; email: string; password: string }): Promise<void> {
    await this.#authenticate(`${ROOT}/auth/signup`, fields);
  }

  /** Send a mail with a link to `/login?reset=…`; the answer is the same for an unknown address. */
  async forgotPassword(email: string): Promise<void> {
    await this.#http.send("POST", `${ROOT}/auth/password/request`, { body: { email } });
  }

  /** Choose a new password with the key of that link; logging in with it is the next step. */
  async resetPassword(key: string, password: string): Promise<void> {
    await this.#http.send("POST", `${ROOT}/auth/password/reset`, { body: { key, password }, accept: [401] });
  }

  /** Confirm an address with the key of the mail; 401 means that it is confirmed and nobody is logged in. */
  async confirmEmail(key: string): Promise<void> {
    await this.#http.send("POST", `${ROOT}/auth/email/verify`, { body: { key }, accept: [401] });
  }

  /** allauth answers a log-out with 401: nobody is logged in any more. */
  async logOut(): Promise<void> {
    await this.#http.send("DELETE", `${ROOT}/auth/session`, { accept: [401] });
  }

  /** 401 here means that one more step is asked for (a code, a confirmed address); 409 that one is in already. */
  async #authenticate(path: string, body: object): Promise<void> {
    const response = await this.#http.send("POST", path, { body, accept: [401, 409] });
    if (response.status !== 401) return;
    const answer: unknown = await response.json().catch(() => null);
    throw problemFrom(401, { code: pendingFlow(answer) });
  }
}

function pendingFlow(answer: unknown): string {
  const flows = (answer as { data?: { flows?: { id: string; is_pending?: boolean }[] } } | null)?.data?.flows;
  return flows?.find((flow) => flow.is_pending)?.id ?? "not_authenticated";
}
