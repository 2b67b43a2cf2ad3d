/** Short sides at which the network may work; the shortest still shows what is in the picture. */
export const SIZES = [160, 176, 192, 208, 224, 256, 320, 384, 480] as const;

const FRAMES_PER_SECOND = 15;
const BUDGET = 1000 / FRAMES_PER_SECOND;
// Up only with room to spare, down at once: between them nothing changes, so that sizes do not swing.
const ROOM = 0.8;
const WARM_UP = 2;
const SLOW_FRAMES = 4;
const QUICK_FRAMES = 30;
const MOST_PATIENCE = 16;

/** Chooses the working size so that 15 frames a second are painted, as large as the device can. */
export class Adaptation {
  #at: number;
  #ignore = WARM_UP;
  #mean: number | null = null;
  #slow = 0;
  #quick = 0;
  #patience = 1;

  constructor(short: number = 256) {
    this.#at = Math.max(0, SIZES.indexOf(short as (typeof SIZES)[number]));
  }

  get short(): number {
    return SIZES[this.#at]!;
  }

  /** The mean milliseconds of a frame at this size, once some have been seen. */
  get milliseconds(): number | null {
    return this.#mean;
  }

  /** @returns whether the next frame is to be painted at another size */
  note(milliseconds: number): boolean {
    if (this.#ignore > 0) {
      this.#ignore--;
      return false;
    }
    this.#mean = this.#mean === null ? milliseconds : this.#mean + 0.2 * (milliseconds - this.#mean);
    this.#slow = this.#mean > BUDGET ? this.#slow + 1 : 0;
    const next = SIZES[this.#at + 1];
    const hasRoom = next !== undefined && this.#expected(next) < ROOM * BUDGET;
    this.#quick = hasRoom ? this.#quick + 1 : 0;
    if (this.#slow >= SLOW_FRAMES && this.#at > 0) return this.#shrink();
    if (this.#quick >= QUICK_FRAMES * this.#patience) return this.#move(this.#at + 1);
    return false;
  }

  #shrink(): boolean {
    // A size that was too large once is tried again later and later.
    this.#patience = Math.min(MOST_PATIENCE, this.#patience * 2);
    let to = this.#at - 1;
    while (to > 0 && this.#expected(SIZES[to]!) > BUDGET) to--;
    return this.#move(to);
  }

  #expected(short: number): number {
    return (this.#mean ?? 0) * (short / this.short) ** 2;
  }

  #move(to: number): boolean {
    this.#at = to;
    this.#mean = null;
    this.#slow = this.#quick = 0;
    this.#ignore = WARM_UP;
    return true;
  }
}
