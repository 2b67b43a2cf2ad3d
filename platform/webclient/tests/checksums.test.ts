import { webcrypto } from "node:crypto";

import type { HttpRequest, HttpResponse } from "tus-js-client";
import { expect, test, vi } from "vitest";

import { withChecksum } from "../src/model/checksums";
import { deferred } from "./fakes";

const sha1 = (bytes: ArrayBuffer) => webcrypto.subtle.digest("SHA-1", bytes);

function request() {
  const headers: Record<string, string> = {};
  const send = vi.fn(() => Promise.resolve({} as HttpResponse));
  const plain = {
    setHeader: (name: string, value: string) => void (headers[name] = value),
    send,
    abort: () => Promise.resolve(),
  } as unknown as HttpRequest;
  return { plain, headers, send };
}

test("a chunk travels with its SHA-1", async () => {
  const { plain, headers, send } = request();

  await withChecksum(plain, sha1).send(new Blob(["hello world"]));

  // The example of the tus protocol, section "Checksum".
  expect(headers["Upload-Checksum"]).toBe("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
  expect(send).toHaveBeenCalledTimes(1);
});

test("a chunk that was stopped while its checksum was worked out is not sent", async () => {
  const { plain, send } = request();
  const slow = deferred<ArrayBuffer>();
  const checked = withChecksum(plain, () => slow.promise);

  const sending = checked.send(new Blob(["hello world"]));
  await checked.abort();
  slow.resolve(new ArrayBuffer(20));

  await expect(sending).rejects.toThrow("stopped");
  expect(send).not.toHaveBeenCalled();
});
