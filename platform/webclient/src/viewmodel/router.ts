import { computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

export interface HistoryPort {
  read(): string;
  push(url: string): void;
  replace(url: string): void;
  back(): void;
  onPop(listener: () => void): void;
}

export type Route =
  | {
      screen:
        | "feed"
        | "create"
        | "record"
        | "restyle-here"
        | "speed"
        | "clips"
        | "edits"
        | "search"
        | "login"
        | "signup"
        | "settings"
        | "missing";
    }
  | { screen: "job" | "clip" | "post" | "edit"; id: string }
  | { screen: "style"; slug: string }
  | { screen: "profile"; username: string }
  | { screen: "hashtag"; tag: string };

const PLAIN = [
  "create",
  "record",
  "restyle-here",
  "clips",
  "edits",
  "search",
  "login",
  "signup",
  "settings",
] as const;

export function routeOf(path: string): Route {
  const [first = "", second, ...rest] = path.split("/").filter(Boolean).map(decode);
  if (first === "") return { screen: "feed" };
  if (rest.length > 0) return { screen: "missing" };
  if (second === undefined) {
    const screen = PLAIN.find((name) => name === first);
    return { screen: screen ?? "missing" };
  }
  switch (first) {
    case "lab":
      return { screen: second === "speed" ? "speed" : "missing" };
    case "job":
    case "clip":
    case "edit":
      return { screen: first, id: second };
    case "p":
      return { screen: "post", id: second };
    case "s":
      return { screen: "style", slug: second };
    case "u":
      return { screen: "profile", username: second };
    case "t":
      return { screen: "hashtag", tag: second };
    default:
      return { screen: "missing" };
  }
}

/** Only a path of this site may follow a log-in: `//elsewhere` and full addresses lead to the feed. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

const partsOf = (url: string) => new URL(url, "http://here");

export const Router = createModel((history: HistoryPort) => {
  const url = signal(history.read());
  const parts = computed(() => partsOf(url.value));
  /** The way on that waits for an answer. */
  const asked = signal<(() => void) | null>(null);
  let holds = 0;
  /** Whoever was asked has answered that they want to go. */
  let isLeaving = false;

  const isHeld = (target: string) =>
    holds > 0 && !isLeaving && partsOf(target).pathname !== parts.peek().pathname;

  function arrive(target: string) {
    isLeaving = false;
    url.value = target;
  }

  function walk(target: string) {
    if (target !== url.value) history.push(target);
    arrive(target);
  }

  history.onPop(() => {
    const target = history.read();
    if (!isHeld(target)) return arrive(target);
    // The browser is there already: it comes back here, from where one step leads there again.
    history.push(url.peek());
    asked.value = () => history.back();
  });

  return {
    url,
    path: computed(() => parts.value.pathname),
    query: computed(() => parts.value.searchParams),
    route: computed(() => routeOf(parts.value.pathname)),
    /** @returns whether that is where one is now: where something would be lost, one is asked first */
    go(target: string): boolean {
      const held = isHeld(target);
      if (held) asked.value = () => walk(target);
      else walk(target);
      return !held;
    },
    replace(target: string) {
      history.replace(target);
      arrive(target);
    },

    isAsking: computed(() => asked.value !== null) as ReadonlySignal<boolean>,
    /** Have whoever wants to leave this screen asked; the answer ends that. */
    hold() {
      holds += 1;
      return () => {
        holds -= 1;
        if (holds === 0) asked.value = null;
      };
    },
    stay() {
      asked.value = null;
    },
    leave() {
      const goOn = asked.peek();
      asked.value = null;
      isLeaving = goOn !== null;
      goOn?.();
    },
  };
});

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
