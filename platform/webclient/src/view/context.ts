import { createContext } from "preact";
import { useContext, useEffect } from "preact/hooks";

import type { TextKey } from "../i18n/en";
import type { AppModel } from "../viewmodel/app";

export const AppContext = createContext<AppModel | null>(null);

export function useApp(): AppModel {
  const app = useContext(AppContext);
  if (!app) throw new Error("A view needs the app around it");
  return app;
}

/** The words of the interface in the chosen language. */
export function useT() {
  return useApp().i18n.t;
}

export type T = (key: TextKey, values?: Record<string, string | number>) => string;

/** Run once when the view appears. */
export function useOnce(run: () => unknown) {
  useEffect(() => void run(), []);
}

/** The page's name in the tab and for a screen reader. */
export function useTitle(title: string | null | undefined) {
  useEffect(() => {
    document.title = title ? `${title} · Impasto` : "Impasto";
  }, [title]);
}
