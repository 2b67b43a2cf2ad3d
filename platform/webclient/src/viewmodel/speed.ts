import { batch, computed, createModel, type ReadonlySignal, signal } from "@preact/signals";

import { agreement, type Candidate, type Measured } from "../model/live/bench";
import type { LiveTools } from "../model/live/tools";
import type { AdapterKind } from "../model/painter/gpu";
import { asProblem, type Problem } from "../model/problem";

export interface SpeedPorts {
  live: () => Promise<LiveTools>;
  /** Put text where it can be pasted from; refused by some browsers, and missing on insecure pages. */
  copyText: (text: string) => Promise<void>;
  /** What the device says of itself. */
  device: { cores: number; sharesMemory: boolean; agent: string; gpu: () => Promise<AdapterKind> };
}

export interface SpeedRow extends Omit<Measured, "pixels"> {
  name: string;
  /** Decibels between its painting and that of the first way of computing; null for that one. */
  agreement: number | null;
}

/** A way of computing that this browser has, and that failed. */
export interface SpeedFailure {
  name: string;
  problem: Problem;
}

export const SPEED_SIZES = [256, 384] as const;

/** How fast this device paints, with each way it has of computing. */
export const Speed = createModel((ports: SpeedPorts) => {
  const phase = signal<"idle" | "measuring" | "done" | "failed">("idle");
  const rows = signal<readonly SpeedRow[]>([]);
  const failures = signal<readonly SpeedFailure[]>([]);
  const now = signal("");
  const copied = signal<"no" | "yes" | "by_hand">("no");
  const problem = signal<Problem | null>(null);
  /** The result as lines of text, to be passed on. */
  const text = computed(() =>
    [
      `${ports.device.agent}; ${ports.device.cores} cores${ports.device.sharesMemory ? "" : "; no shared memory"}`,
      ...rows.value.map(
        ({ name, short, painter, whole, agreement: near }) =>
          `${name}\t${short}×${short}\t${painter.toFixed(1)} ms\t${whole.toFixed(1)} ms\t${(1000 / whole).toFixed(1)} frames/s` +
          (near === null ? "" : `\t${near.toFixed(0)} dB`),
      ),
      ...failures.value.map(({ name, problem: { code, detail } }) => `${name}\t${code}\t${detail}`),
    ].join("\n"),
  );
  const threads = Math.min(4, ports.device.cores);
  let running = new AbortController();

  const candidates = (gpu: AdapterKind): { name: string; candidate: Candidate }[] => [
    { name: "WASM, 1 thread", candidate: { backend: "wasm", threads: 1 } },
    ...(ports.device.sharesMemory && threads > 1
      ? [{ name: `WASM, ${threads} threads`, candidate: { backend: "wasm", threads } as const }]
      : []),
    ...(gpu === "none"
      ? []
      : [
          {
            name: gpu === "hardware" ? "WebGPU" : "WebGPU, without a graphics processor",
            candidate: { backend: "webgpu", threads: 1 } as const,
          },
        ]),
  ];

  /** One way that fails leaves the others their numbers. */
  async function measureAll(tools: LiveTools, { signal: stopped }: AbortController) {
    const first = new Map<number, Uint8ClampedArray>();
    const keep = (name: string, { pixels, ...measured }: Measured) => {
      const other = first.get(measured.short);
      if (!other) first.set(measured.short, pixels);
      const row = { name, ...measured, agreement: other ? agreement(pixels, other) : null };
      rows.value = [...rows.peek(), row];
    };
    for (const { name, candidate } of candidates(await ports.device.gpu())) {
      if (stopped.aborted) return;
      now.value = name;
      try {
        await tools.measure(candidate, SPEED_SIZES, (measured) => keep(name, measured), stopped);
      } catch (error) {
        if (!stopped.aborted) failures.value = [...failures.peek(), { name, problem: asProblem(error) }];
      }
    }
  }

  return {
    phase: phase as ReadonlySignal<typeof phase.value>,
    rows: rows as ReadonlySignal<readonly SpeedRow[]>,
    failures: failures as ReadonlySignal<readonly SpeedFailure[]>,
    /** The name of what is being measured. */
    now: now as ReadonlySignal<string>,
    problem: problem as ReadonlySignal<Problem | null>,
    text,
    async measure() {
      if (phase.peek() === "measuring") return;
      batch(() => {
        rows.value = [];
        failures.value = [];
        copied.value = "no";
        problem.value = null;
        phase.value = "measuring";
      });
      running = new AbortController();
      try {
        await measureAll(await ports.live(), running);
        const [failure] = failures.peek();
        if (failure && rows.peek().length === 0) throw failure.problem;
        phase.value = "done";
      } catch (error) {
        batch(() => {
          problem.value = asProblem(error);
          phase.value = "failed";
        });
      }
    },
    copied: copied as ReadonlySignal<typeof copied.value>,
    /** @returns false where the browser does not let the page: then the text has to be copied by hand */
    async copy(): Promise<boolean> {
      const done = await ports.copyText(text.peek()).then(
        () => true,
        () => false,
      );
      copied.value = done ? "yes" : "by_hand";
      return done;
    },
    /** Whoever leaves waits for no numbers: the painter is closed in the middle of a frame. */
    close: () => running.abort(),
  };
});

export type SpeedModel = InstanceType<typeof Speed>;
