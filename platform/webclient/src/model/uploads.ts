import { type DetailedError, type HttpRequest, type HttpStack, Upload } from "tus-js-client";

import { offline, Problem, problemFrom } from "./problem";
import type { KeptFile, Keeper } from "./keeper";

const ENDPOINT = "/api/v1/uploads/";
// A chunk with a checksum counts as a whole or not at all, so it is what a cut connection can cost.
const CHUNK = 2 * 1024 * 1024;
const RETRY_DELAYS = [0, 500, 1000, 2000, 4000, 8000, 15000, 30000];
const PASSING = new Set([0, 409, 423, 429, 460, 500, 502, 503, 504]);

export interface UploadEvents {
  progress(sent: number, total: number): void;
  /** The connection is gone; bytes that arrived are safe and we are trying again. */
  waiting(): void;
  done(answer: { uploadId: string; jobId: string | null }): void;
  failed(problem: Problem): void;
}

export interface UploadHandle {
  /** Stop sending; the server keeps what it has and `start` with the same file goes on from there. */
  pause(): Promise<void>;
  /** Stop and delete what the server has. */
  cancel(): Promise<void>;
}

/**
 * Sends files with tus 1.0, in chunks that survive a cut connection.
 *
 * The file is kept in the browser's own storage until it has arrived, so that a reload goes on by itself. Where
 * that store is full or missing, choosing the same file again goes on from the server's offset (tus fingerprint).
 */
export class Uploads {
  readonly #csrfToken: () => string;
  readonly #keeper: Keeper;

  readonly #stack: HttpStack;

  constructor(csrfToken: () => string, keeper: Keeper, stack: HttpStack) {
    this.#csrfToken = csrfToken;
    this.#keeper = keeper;
    this.#stack = stack;
  }

  /** Files whose upload was cut off by a reload, newest first. */
  unfinished(owner: string): Promise<KeptFile[]> {
    return this.#keeper.all(owner);
  }

  forget(key: string): Promise<void> {
    return this.#keeper.forget(key);
  }

  start(file: File, owner: string, events: UploadEvents): UploadHandle {
    const key = keyOf(file, owner);
    const kept = this.#keeper.keep({ key, owner, file, keptAt: Date.now() });
    const forget = () => kept.then(() => this.#keeper.forget(key));
    let jobId: string | null = null;
    let stopped = false;

    const upload = new Upload(file, {
      endpoint: ENDPOINT,
      httpStack: this.#stack,
      chunkSize: CHUNK,
      retryDelays: RETRY_DELAYS,
      metadata: { filename: file.name, title: file.name.replace(/\.[^.]*$/, "") },
      // Two accounts in one browser must not meet each other's uploads.
      fingerprint: () => Promise.resolve(`impasto:${key}`),
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request: HttpRequest) => request.setHeader("X-CSRFToken", this.#csrfToken()),
      onAfterResponse: (_request, response) => {
        jobId = response.getHeader("Impasto-Job") || jobId;
      },
      onShouldRetry: (error) => {
        const passing = PASSING.has(error.originalResponse?.getStatus() ?? 0);
        if (passing) events.waiting();
        return passing;
      },
      onProgress: (sent, total) => events.progress(sent, total),
      onSuccess: () => {
        void forget();
        events.done({ uploadId: idOf(upload.url), jobId });
      },
      onError: (error) => {
        if (stopped) return;
        const problem = problemOf(error);
        if (!problem.passing) void forget();
        events.failed(problem);
      },
    });

    void upload.findPreviousUploads().then(([previous]) => {
      if (stopped) return;
      if (previous) upload.resumeFromPreviousUpload(previous);
      upload.start();
    });

    return {
      pause: async () => {
        stopped = true;
        await upload.abort(false);
      },
      cancel: async () => {
        stopped = true;
        await upload.abort(upload.url !== null).catch(() => undefined);
        await forget();
      },
    };
  }
}

function keyOf(file: File, owner: string): string {
  return [owner, file.name, file.type, file.size, file.lastModified].join(":");
}

function idOf(url: string | null): string {
  return url?.replace(/\/+$/, "").split("/").pop() ?? "";
}

function problemOf(error: Error | DetailedError): Problem {
  const response = "originalResponse" in error ? error.originalResponse : null;
  if (!response || response.getStatus() === 0) return offline();
  try {
    return problemFrom(response.getStatus(), JSON.parse(response.getBody()));
  } catch {
    return problemFrom(response.getStatus(), null);
  }
}
