import { expect, test, vi } from "vitest";

import { stayAwake } from "../src/model/awake";
import { deferred, settle } from "./fakes";

function phone(request: () => Promise<unknown>) {
  let shown: (() => void) | null = null;
  const wakeLock = { request: vi.fn(request) };
  const awake = stayAwake({
    wakeLock: wakeLock as unknown as Pick<WakeLock, "request">,
    onShown: (listener) => {
      shown = listener;
      return () => (shown = null);
    },
  });
  return { awake, wakeLock, show: () => shown?.() };
}
const lock = () => ({ release: vi.fn(() => Promise.resolve()) });

test("the screen is held until that ends", async () => {
  const held = lock();
  const { awake, wakeLock } = phone(() => Promise.resolve(held));

  const end = awake();
  await settle();
  expect(wakeLock.request).toHaveBeenCalledWith("screen");
  expect(held.release).not.toHaveBeenCalled();
  end();

  expect(held.release).toHaveBeenCalledTimes(1);
});

test("it is held anew when the page is shown again, and not after that has ended", async () => {
  const { awake, wakeLock, show } = phone(() => Promise.resolve(lock()));
  const end = awake();
  await settle();

  show();
  await settle();
  expect(wakeLock.request).toHaveBeenCalledTimes(2);
  end();
  show();

  expect(wakeLock.request).toHaveBeenCalledTimes(2);
});

test("a lock that is given only after that has ended is let go at once", async () => {
  const held = lock();
  const asked = deferred<unknown>();
  const { awake } = phone(() => asked.promise);

  awake()();
  asked.resolve(held);
  await settle();

  expect(held.release).toHaveBeenCalledTimes(1);
});

test("a lock that is refused is done without", async () => {
  const { awake } = phone(() => Promise.reject(new DOMException("", "NotAllowedError")));

  const end = awake();
  await settle();

  expect(end).not.toThrow();
});

test("a browser without locks is asked for none", () => {
  const onShown = vi.fn();

  stayAwake({ wakeLock: null, onShown })()();

  expect(onShown).not.toHaveBeenCalled();
});
