import type { VideoSample } from "mediabunny";

/** Seconds that the last picture of a film is seen at least: one frame of a usual camera. */
export const LAST_FRAME = 1 / 30;

// An encoder further behind than this is too slow for its pictures: the film gets fewer of them.
const MOST_WAITING = 4;

/**
 * The pictures of a film, each at its moment. A painter or an encoder that lags leaves out pictures in between, never
 * the ends: the first one stands from the beginning and the newest one until the sound is over.
 */
export class PictureTrack {
  readonly #encode: (sample: VideoSample) => Promise<void>;
  #newest: VideoSample | null = null;
  #isWritten = false;
  #written = -1;
  #waiting = 0;

  /** @param encode writes a sample; pictures that come while four are being written are left out */
  constructor(encode: (sample: VideoSample) => Promise<void>) {
    this.#encode = encode;
  }

  /** @param sample belongs to the track from here on; one that is not newer than the last is left out */
  take(sample: VideoSample) {
    if (this.#newest && sample.timestamp <= this.#newest.timestamp) {
      sample.close();
      return;
    }
    this.#newest?.close();
    this.#newest = sample;
    this.#isWritten = this.#waiting < MOST_WAITING;
    if (this.#isWritten) void this.#write(this.#written < 0 ? 0 : sample.timestamp);
  }

  /** Show the newest picture until this moment. */
  async end(seconds: number) {
    const newest = this.#newest;
    if (!newest) return;
    if (!this.#isWritten) await this.#write(newest.timestamp);
    // It may have been let go meanwhile.
    if (this.#newest !== newest) return;
    const last = seconds - LAST_FRAME;
    if (last > this.#written) await this.#write(last, LAST_FRAME);
    newest.close();
    this.#newest = null;
  }

  /** Nothing more is written. The newest picture is let go at once: a camera gives none while its frames are held. */
  drop() {
    this.#newest?.close();
    this.#newest = null;
  }

  async #write(seconds: number, duration: number = 0) {
    const copy = this.#newest!.clone();
    copy.setTimestamp(seconds);
    copy.setDuration(duration);
    this.#written = seconds;
    this.#waiting++;
    try {
      await this.#encode(copy);
    } finally {
      this.#waiting--;
      copy.close();
    }
  }
}
