import { expect, test, vi } from "vitest";

import { Api } from "../src/model/api";
import { Auth } from "../src/model/auth";
import { Http } from "../src/model/http";
import { emptyEdit } from "../src/model/edit-list";
import { Problem } from "../src/model/problem";
import { project } from "./fakes";

const answer = (status: number, body: unknown = {}, headers: Record<string, string> = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers });

function setUp(...answers: (Response | Error)[]) {
  const slept: number[] = [];
  const fetch = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(() => {
    const next = answers.shift() ?? new Error("nothing more to answer");
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
  const sleep = (milliseconds: number) => {
    slept.push(milliseconds);
    return Promise.resolve();
  };
  const http = new Http({ fetch: fetch as never, csrfToken: () => "token", sleep });
  return { http, fetch, slept };
}

const headersOf = (call: [string, RequestInit] | undefined) => call?.[1].headers as Record<string, string>;

test("a problem document becomes a Problem with its fields", async () => {
  const body = {
    title: "Some of it cannot be used",
    detail: "Too long.",
    code: "invalid",
    errors: { caption: ["Too long."] },
  };
  const { http } = setUp(answer(400, body));

  const problem = await http.json("POST", "/posts/").catch((error: unknown) => error);

  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ status: 400, code: "invalid", fields: { caption: ["Too long."] } });
});

test("an answer that is no JSON is still a Problem", async () => {
  const { http } = setUp(new Response("<html>", { status: 500 }));

  await expect(http.json("POST", "/posts/")).rejects.toMatchObject({ status: 500, code: "http_500" });
});

test("the CSRF token goes with everything that changes something", async () => {
  const { http, fetch } = setUp(answer(200), answer(200));

  await http.json("POST", "/posts/", { body: { caption: "a" } });
  await http.json("GET", "/posts/");

  expect(headersOf(fetch.mock.calls[0])).toMatchObject({
    "X-CSRFToken": "token",
    "Content-Type": "application/json",
  });
  expect(headersOf(fetch.mock.calls[1])).not.toHaveProperty("X-CSRFToken");
});

test("reading is tried again when the connection fails", async () => {
  const { http, slept } = setUp(new TypeError("failed"), answer(503), answer(200, { name: "Wave" }));

  expect(await http.json("GET", "/styles/wave/")).toEqual({ name: "Wave" });
  expect(slept).toEqual([300, 900]);
});

test("the server says how long to wait", async () => {
  const { http, slept } = setUp(answer(429, {}, { "Retry-After": "2" }), answer(200));

  await http.json("GET", "/styles/");

  expect(slept).toEqual([2000]);
});

test("a POST without an idempotency key is sent once", async () => {
  const { http, fetch } = setUp(new TypeError("failed"));

  await expect(http.json("POST", "/jobs/1/cancel/")).rejects.toMatchObject({ code: "offline" });
  expect(fetch).toHaveBeenCalledTimes(1);
});

test("a POST that starts work is repeated under the same key", async () => {
  const { http, fetch } = setUp(new TypeError("failed"), answer(202, { id: "job" }));
  const api = new Api(http, () => "unused");
  const recipe = {
    styles: [{ style: "wave", weight: 1 }],
    strength: 1,
    brush: 1,
    keep_colors: false,
    height: 480,
  } as const;

  await api.restyle("clip", { ...recipe, styles: [...recipe.styles] }, "one-key");

  const keys = fetch.mock.calls.map((call) => headersOf(call)["Idempotency-Key"]);
  expect(keys).toEqual(["one-key", "one-key"]);
});

test("an edit is saved on top of the revision it goes on from, and outlives the page while it is small", async () => {
  const { http, fetch } = setUp(answer(200, project()), answer(200, project()));
  const api = new Api(http, () => "unused");
  const small = { title: "Edit", edit: emptyEdit() };
  const large = { title: "字".repeat(30_000), edit: emptyEdit() };

  await api.saveProject("id", small, 7, true);
  await api.saveProject("id", large, 7, true);

  expect(headersOf(fetch.mock.calls[0])["If-Match"]).toBe('"7"');
  expect(fetch.mock.calls.map(([, init]) => init.keepalive ?? false)).toEqual([true, false]);
});

test("an API that no longer knows us is told to the session, allauth's 401 is not", async () => {
  const unauthorized = vi.fn();
  const answers = [answer(401), answer(401, { status: 401 })];
  const fetch = () => Promise.resolve(answers.shift()!);
  const http = new Http({
    fetch: fetch as never,
    csrfToken: () => "",
    sleep: () => Promise.resolve(),
    unauthorized,
  });

  await expect(http.json("GET", "/api/v1/clips/")).rejects.toMatchObject({ status: 401 });
  expect(unauthorized).toHaveBeenCalledTimes(1);

  await new Auth(http).signedIn();
  expect(unauthorized).toHaveBeenCalledTimes(1);
});

test("a refusal is never tried again", async () => {
  const { http, fetch } = setUp(answer(404));

  await expect(http.json("GET", "/clips/x/")).rejects.toMatchObject({ status: 404 });
  expect(fetch).toHaveBeenCalledTimes(1);
});

test("the next page is asked from this server, whatever host it names", async () => {
  const { http, fetch } = setUp(answer(200, { results: [] }));

  await new Api(http, () => "key").next("http://inside:8000/api/v1/posts/?cursor=abc");

  expect(fetch.mock.calls[0]?.[0]).toBe("/api/v1/posts/?cursor=abc");
});

test("nobody being logged in is an answer and no failure", async () => {
  const { http } = setUp(answer(401, { status: 401 }), answer(200, {}));

  expect(await new Auth(http).signedIn()).toBe(false);
  expect(await new Auth(http).signedIn()).toBe(true);
});

test("allauth's complaints are sorted by field", async () => {
  const body = { status: 400, errors: [{ message: "Taken.", param: "username" }] };
  const { http } = setUp(answer(400, body));

  const signUp = new Auth(http).signUp({ username: "ada", email: "ada@example.org", password: "pass" });

  await expect(signUp).rejects.toMatchObject({ fields: { username: ["Taken."] } });
});

test("an address logs in as an address, a name as a name", async () => {
  const { http, fetch } = setUp(answer(200), answer(200));
  const auth = new Auth(http);

  await auth.logIn("ada", "pass");
  await auth.logIn("ada@example.org", "pass");

  const bodies = fetch.mock.calls.map(([, init]) => JSON.parse(init.body as string) as object);
  expect(bodies).toEqual([
    { username: "ada", password: "pass" },
    { email: "ada@example.org", password: "pass" },
  ]);
});

test("a log-in that waits for a confirmed address names what it waits for", async () => {
  const body = { data: { flows: [{ id: "login" }, { id: "verify_email", is_pending: true }] } };
  const { http } = setUp(answer(401, body));

  await expect(new Auth(http).logIn("ada", "pass")).rejects.toMatchObject({ code: "verify_email" });
});
