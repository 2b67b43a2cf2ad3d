import type { Api } from "./api";
import type { Job } from "./types";

export type JobsEvent =
  | { type: "snapshot"; jobs: Job[] }
  | { type: "job"; job: Job }
  | { type: "link"; live: boolean }
  /** The server no longer knows who we are. */
  | { type: "refused" };

/** What we need of a WebSocket, so that a test can hand in its own. */
export interface Socket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface JobsFeedPorts {
  openSocket: () => Socket;
  api: Pick<Api, "activeJobs" | "job">;
  now: () => number;
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
  random: () => number;
}

const BACKOFF = [500, 1000, 2000, 4000, 8000, 15000];
const TICK = 5_000;
const NOBODY = 4401;
const POLL_WHEN_LIVE = 20_000;
const POLL_WHEN_CUT = 5_000;
const SILENCE_BEFORE_PING = 20_000;
const SILENCE_BEFORE_RECONNECT = 45_000;

/**
 * Tells its listener what happens to one's jobs.
 *
 * Messages are hints and may be lost. So every connection starts with the server's snapshot, a silent socket is
 * replaced, and the list is polled slowly as well; a job that fell off the active list is asked for by name.
 */
export class JobsFeed {
  readonly #ports: JobsFeedPorts;
  readonly #listener: (event: JobsEvent) => void;
  readonly #active = new Set<string>();
  readonly #heardAt = new Map<string, number>();
  #socket: Socket | null = null;
  #running = false;
  #live = false;
  #failures = 0;
  #lastMessage = 0;
  #lastPoll = 0;
  #timers = new Set<unknown>();

  constructor(ports: JobsFeedPorts, listener: (event: JobsEvent) => void) {
    this.#ports = ports;
    this.#listener = listener;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
    void this.poll();
    this.#later(() => this.#tick(), TICK);
  }

  stop(): void {
    this.#running = false;
    for (const timer of this.#timers) this.#ports.clearTimeout(timer as never);
    this.#timers.clear();
    this.#drop();
    this.#active.clear();
    this.#heardAt.clear();
  }

  /** The network came back or the page woke up: do not wait for the next timer. */
  wake(): void {
    if (!this.#running) return;
    this.#failures = 0;
    if (!this.#live) this.#connect();
    void this.poll();
  }

  /** A job that a request has just answered with. */
  learn(job: Job): void {
    this.#hear(job);
    this.#listener({ type: "job", job });
  }

  async poll(): Promise<void> {
    const asked = this.#ports.now();
    this.#lastPoll = asked;
    try {
      const jobs = await this.#ports.api.activeJobs();
      const missing = [...this.#active].filter((id) => !jobs.some((job) => job.id === id));
      const ended = await Promise.all(missing.map((id) => this.#ports.api.job(id).catch(() => null)));
      if (!this.#running) return;
      for (const job of [...jobs, ...ended]) if (job) this.#offer(job, asked);
      for (const id of missing) if (!ended.some((job) => job?.id === id)) this.#active.delete(id);
    } catch {
      // The next tick asks again; the socket may be well meanwhile.
    }
  }

  /** Pass on what a poll said, unless the socket has spoken about this job since we asked. */
  #offer(job: Job, asked: number): void {
    if ((this.#heardAt.get(job.id) ?? -1) > asked) return;
    this.learn(job);
  }

  #connect(): void {
    if (!this.#running) return;
    this.#drop();
    const socket = this.#ports.openSocket();
    this.#socket = socket;
    this.#lastMessage = this.#ports.now();
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = ({ code }) => this.#lost(code);
  }

  #receive(text: string): void {
    this.#lastMessage = this.#ports.now();
    this.#failures = 0;
    this.#setLive(true);
    const message = JSON.parse(text) as { type: string; jobs?: Job[]; job?: Job };
    if (message.type === "snapshot" && message.jobs) {
      for (const job of message.jobs) this.#hear(job);
      this.#listener({ type: "snapshot", jobs: message.jobs });
      // A job that we believe active but the snapshot does not know has ended long ago.
      void this.#settle(message.jobs);
    } else if (message.type === "job" && message.job) this.learn(message.job);
  }

  async #settle(jobs: Job[]): Promise<void> {
    if ([...this.#active].some((id) => !jobs.some((job) => job.id === id))) await this.poll();
  }

  #hear(job: Job): void {
    this.#heardAt.set(job.id, this.#ports.now());
    if (job.state === "queued" || job.state === "running") this.#active.add(job.id);
    else this.#active.delete(job.id);
  }

  #lost(code: number): void {
    this.#socket = null;
    this.#setLive(false);
    if (!this.#running) return;
    if (code === NOBODY) this.#listener({ type: "refused" });
    const delay = BACKOFF[Math.min(this.#failures, BACKOFF.length - 1)] ?? 15000;
    this.#failures += 1;
    this.#later(() => this.#socket === null && this.#connect(), delay * (0.75 + this.#ports.random() / 2));
  }

  #tick(): void {
    const now = this.#ports.now();
    const silence = now - this.#lastMessage;
    if (this.#socket && silence > SILENCE_BEFORE_RECONNECT) this.#connect();
    else if (this.#live && silence > SILENCE_BEFORE_PING) this.#socket?.send('{"type":"ping"}');
    const due = this.#live ? POLL_WHEN_LIVE : POLL_WHEN_CUT;
    if (now - this.#lastPoll >= due && (this.#active.size > 0 || !this.#live)) void this.poll();
    this.#later(() => this.#tick(), TICK);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.#setLive(false);
  }

  #setLive(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#listener({ type: "link", live });
  }

  #later(run: () => void, milliseconds: number): void {
    const timer = this.#ports.setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    this.#timers.add(timer);
  }
}
