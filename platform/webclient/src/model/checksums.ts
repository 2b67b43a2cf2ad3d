import { DefaultHttpStack, type HttpRequest, type HttpStack } from "tus-js-client";

/**
 * Sends every chunk with its SHA-1 (tus checksum extension), so that a chunk damaged on its way is refused and sent
 * again. Browsers offer the digest on secure pages only; elsewhere chunks go without one, which tus allows.
 */
export class ChecksumStack implements HttpStack {
  readonly #stack: HttpStack = new DefaultHttpStack({});
  readonly #digest: ((bytes: ArrayBuffer) => Promise<ArrayBuffer>) | null;

  constructor(digest: ((bytes: ArrayBuffer) => Promise<ArrayBuffer>) | null) {
    this.#digest = digest;
  }

  getName(): string {
    return "ChecksumStack";
  }

  createRequest(method: string, url: string): HttpRequest {
    const request = this.#stack.createRequest(method, url);
    return method === "PATCH" && this.#digest ? withChecksum(request, this.#digest) : request;
  }
}

/** The digest takes a moment, in which the upload may have been paused: then nothing is sent any more. */
export function withChecksum(
  request: HttpRequest,
  digest: (bytes: ArrayBuffer) => Promise<ArrayBuffer>,
): HttpRequest {
  const send = request.send.bind(request);
  const abort = request.abort.bind(request);
  let aborted = false;
  request.abort = () => {
    aborted = true;
    return abort();
  };
  request.send = async (body: Blob | null) => {
    if (body) request.setHeader("Upload-Checksum", `sha1 ${base64(await digest(await body.arrayBuffer()))}`);
    if (aborted) throw new Error("The upload was stopped");
    return await send(body);
  };
  return request;
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
