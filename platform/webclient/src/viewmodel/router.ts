import { computed, createModel, signal } from "@preact/signals";

export interface HistoryPort {
  read(): string;
  push(url: string): void;
  replace(url: string): void;
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

export const Router = createModel((history: HistoryPort) => {
  const url = signal(history.read());
  const parts = computed(() => new URL(url.value, "http://here"));
  history.onPop(() => {
    url.value = history.read();
  });

  return {
    url,
    path: computed(() => parts.value.pathname),
    query: computed(() => parts.value.searchParams),
    route: computed(() => routeOf(parts.value.pathname)),
    go(target: string) {
      if (target !== url.value) history.push(target);
      url.value = target;
    },
    replace(target: string) {
      history.replace(target);
      url.value = target;
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
