/**
 * Puts the timestamps of one track on the page's clock.
 *
 * Tracks count from origins of their own. What arrives has never been captured later than now, so the smallest
 * distance between a timestamp and its arrival is the track's offset: everything above it was waiting on the way.
 */
export class TrackClock {
  #offset = Infinity;
  #held = false;

  /** @returns milliseconds on the page's clock at which this was captured */
  at(timestampMicroseconds: number, arrivedMilliseconds: number): number {
    const stamp = timestampMicroseconds / 1000;
    if (!this.#held) this.#offset = Math.min(this.#offset, arrivedMilliseconds - stamp);
    return stamp + this.#offset;
  }

  /** From now on the offset stays: a recording must not be shifted while it runs. */
  hold() {
    this.#held = Number.isFinite(this.#offset);
  }

  release() {
    this.#held = false;
  }
}

// Milliseconds. An audio context that stood still for less has not been stopped: it lags.
const STOPPED = 250;

/**
 * Says when samples were heard by counting them, and adds the time in which none were: a context that is stopped counts
 * none. Two clocks have to agree on that, for a busy page receives late what was heard in time, and the clock of the
 * worklet's thread may be set.
 */
export class SampleCount {
  readonly #rate: number;
  readonly #heard = new Lateness();
  readonly #received = new Lateness();
  #seconds = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** @returns seconds at which the samples begin */
  add(samples: number, heard: number, received: number): number {
    const counted = this.#seconds * 1000;
    const late = Math.min(this.#heard.of(heard, counted), this.#received.of(received, counted));
    if (late > STOPPED) this.#seconds += late / 1000;
    const begin = this.#seconds;
    this.#seconds += samples / this.#rate;
    return begin;
  }
}

/** By how much something comes later than it should, measured by what came most quickly. */
class Lateness {
  #least = Infinity;

  of(came: number, expected: number): number {
    this.#least = Math.min(this.#least, came - expected);
    return came - expected - this.#least;
  }
}

/** What a recording's own time is: the page's, less its pauses, up to the longest that it may be. */
export class RecordingClock {
  readonly #most: number;
  readonly #runs: { from: number; to: number; start: number }[] = [];

  /** @param secondsMost from there on nothing is recorded, however late somebody stops it */
  constructor(secondsMost: number = Infinity) {
    this.#most = secondsMost;
  }

  start(at: number) {
    this.#runs.push({ from: at, to: Infinity, start: this.#length(at) });
  }

  pause(at: number) {
    const run = this.#runs.at(-1);
    if (run && run.to === Infinity) run.to = at;
  }

  get running(): boolean {
    return this.#runs.at(-1)?.to === Infinity;
  }

  /** Seconds of the recording at a moment, or null where nothing was being recorded. */
  seconds(at: number): number | null {
    const run = this.#runs.find(({ from, to }) => at >= from && at < to);
    const seconds = run ? (run.start + at - run.from) / 1000 : Infinity;
    return seconds < this.#most ? seconds : null;
  }

  /** Seconds recorded so far. */
  elapsed(now: number): number {
    return Math.min(this.#most, this.#length(now) / 1000);
  }

  #length(now: number): number {
    return this.#runs.reduce((sum, { from, to }) => sum + Math.min(to, now) - from, 0);
  }
}

/** How late something usually is, lately. */
export class Lag {
  readonly #last: number[] = [];

  note(milliseconds: number) {
    this.#last.push(milliseconds);
    if (this.#last.length > 10) this.#last.shift();
  }

  /** Milliseconds; 0 where nothing has come yet. */
  get mean(): number {
    return this.#last.reduce((sum, one) => sum + one, 0) / Math.max(1, this.#last.length);
  }
}
