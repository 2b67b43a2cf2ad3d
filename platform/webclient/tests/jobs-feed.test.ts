import { expect, test, vi } from "vitest";

import { type JobsEvent, JobsFeed, type Socket } from "../src/model/jobs-feed";
import type { Job } from "../src/model/types";
import { Clock, deferred, job, settle } from "./fakes";

class FakeSocket implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  sent: string[] = [];
  closed = false;
  send = (text: string) => void this.sent.push(text);
  close = () => void (this.closed = true);
  receive = (message: object) => this.onmessage?.({ data: JSON.stringify(message) });
  cut = (code = 1006) => this.onclose?.({ code });
}

function setUp(active: () => Promise<Job[]> = () => Promise.resolve([])) {
  const clock = new Clock();
  const sockets: FakeSocket[] = [];
  const events: JobsEvent[] = [];
  const api = {
    activeJobs: vi.fn(active),
    job: vi.fn((id: string) => Promise.resolve(job({ id, state: "succeeded" }))),
  };
  const feed = new JobsFeed(
    {
      api,
      now: clock.now,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout as never,
      random: () => 0.5,
      openSocket: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
    },
    (event) => events.push(event),
  );
  return { feed, clock, sockets, events, api };
}

const jobsIn = (events: JobsEvent[]) => events.filter((event) => event.type === "job").map(({ job }) => job);

test("the snapshot of a new connection is passed on", () => {
  const { feed, sockets, events } = setUp();

  feed.start();
  sockets[0]?.receive({ type: "snapshot", jobs: [job()] });

  expect(events).toEqual([
    { type: "link", live: true },
    { type: "snapshot", jobs: [job()] },
  ]);
});

test("a cut socket is opened again, more and more patiently", async () => {
  const { feed, clock, sockets } = setUp();
  feed.start();

  sockets[0]?.cut();
  await clock.pass(499);
  expect(sockets).toHaveLength(1);
  await clock.pass(1);
  expect(sockets).toHaveLength(2);

  sockets[1]?.cut();
  await clock.pass(999);
  expect(sockets).toHaveLength(2);
  await clock.pass(1);
  expect(sockets).toHaveLength(3);
});

test("while the socket is cut the list is polled", async () => {
  const { feed, clock, sockets, events } = setUp(() => Promise.resolve([job({ progress: 0.7 })]));
  feed.start();
  await settle();
  sockets[0]?.cut();
  events.length = 0;

  await clock.pass(10_000);

  expect(jobsIn(events).at(-1)).toMatchObject({ progress: 0.7 });
});

test("a lost last message is made up for by asking for the job by name", async () => {
  const active = [job()];
  const { feed, clock, sockets, events, api } = setUp(() => Promise.resolve([...active]));
  feed.start();
  sockets[0]?.receive({ type: "snapshot", jobs: [job()] });
  active.length = 0;

  await clock.pass(30_000);

  expect(api.job).toHaveBeenCalledWith("job");
  expect(jobsIn(events).at(-1)).toMatchObject({ state: "succeeded" });
});

test("an old poll does not overwrite what the socket said meanwhile", async () => {
  const slow = deferred<Job[]>();
  const { feed, clock, sockets, events } = setUp(() => slow.promise);
  feed.start();
  clock.time += 100;
  sockets[0]?.receive({ type: "job", job: job({ state: "succeeded" }) });

  slow.resolve([job({ state: "running", progress: 0.2 })]);
  await settle();

  expect(jobsIn(events).map(({ state }) => state)).toEqual(["succeeded"]);
});

test("a silent socket is asked for a sign of life and then replaced", async () => {
  const { feed, clock, sockets } = setUp();
  feed.start();
  sockets[0]?.receive({ type: "snapshot", jobs: [] });

  await clock.pass(25_000);
  expect(sockets[0]?.sent).toContain('{"type":"ping"}');

  await clock.pass(25_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets).toHaveLength(2);
});

test("a socket that is refused for want of a person says so", async () => {
  const { feed, sockets, events } = setUp();
  feed.start();

  sockets[0]?.cut(4401);
  await settle();

  expect(events).toContainEqual({ type: "refused" });
});

test("after stop nothing moves any more", async () => {
  const { feed, clock, sockets, events, api } = setUp();
  feed.start();
  await settle();

  feed.stop();
  events.length = 0;
  api.activeJobs.mockClear();
  await clock.pass(120_000);

  expect(sockets).toHaveLength(1);
  expect(events).toEqual([]);
  expect(api.activeJobs).not.toHaveBeenCalled();
});

test("waking up does not wait for the next timer", async () => {
  const { feed, sockets, api } = setUp();
  feed.start();
  await settle();
  sockets[0]?.cut();
  api.activeJobs.mockClear();

  feed.wake();

  expect(sockets).toHaveLength(2);
  expect(api.activeJobs).toHaveBeenCalledTimes(1);
});
