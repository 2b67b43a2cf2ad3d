/** Runs on the audio thread: gathers 128 samples at a time and passes on 1024. */

declare const registerProcessor: (name: string, processor: unknown) => void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

const LENGTH = 1024;

class Tap extends AudioWorkletProcessor {
  #piece = new Float32Array(LENGTH);
  #filled = 0;

  process([input]: Float32Array[][]): boolean {
    const channel = input?.[0];
    if (!channel) return true;
    this.#piece.set(channel, this.#filled);
    this.#filled += channel.length;
    if (this.#filled < LENGTH) return true;
    this.port.postMessage({ samples: this.#piece, at: Date.now() }, [this.#piece.buffer]);
    this.#piece = new Float32Array(LENGTH);
    this.#filled = 0;
    return true;
  }
}

registerProcessor("tap", Tap);
