/** Have the screen stay on; the answer ends that. */
export type StayAwake = () => () => void;

export interface AwakePorts {
  /** Null where the browser has none, or the page is not secure. */
  wakeLock: Pick<WakeLock, "request"> | null;
  /** Called when the page is shown again; the answer ends that. */
  onShown: (listener: () => void) => () => void;
}

/** A phone that goes to sleep hides the page, and a hidden page neither films nor paints. */
export function stayAwake({ wakeLock, onShown }: AwakePorts): StayAwake {
  if (!wakeLock) return () => () => undefined;
  return () => {
    const held: WakeLockSentinel[] = [];
    let ended = false;

    async function hold() {
      try {
        held.push(await wakeLock!.request("screen"));
      } catch {
        // A hidden page, or hardly any battery: the screen goes off as it always does.
      }
      if (ended) letGo();
    }

    function letGo() {
      for (const lock of held.splice(0)) void lock.release();
    }

    void hold();
    // The browser takes every lock back from a page that is hidden.
    const stopWatching = onShown(() => void hold());
    return () => {
      ended = true;
      stopWatching();
      letGo();
    };
  };
}
