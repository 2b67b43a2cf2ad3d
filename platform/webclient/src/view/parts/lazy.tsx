import { type ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";

import { offline, type Problem } from "../../viewmodel/problem";
import { Failure, Loading } from "./basics";

/** A screen that is fetched when somebody first opens it; without a connection one may try again. */
export function Lazy<P extends object>({ load, props }: { load: () => Promise<ComponentType<P>>; props: P }) {
  const screen = useSignal<{ of: ComponentType<P> } | null>(null);
  const problem = useSignal<Problem | null>(null);
  const fetchIt = async () => {
    problem.value = null;
    try {
      screen.value = { of: await load() };
    } catch {
      problem.value = offline();
    }
  };
  useEffect(() => void fetchIt(), []);
  if (problem.value) return <Failure problem={problem.value} onRetry={() => void fetchIt()} />;
  if (!screen.value) return <Loading />;
  const Screen = screen.value.of;
  return <Screen {...props} />;
}
