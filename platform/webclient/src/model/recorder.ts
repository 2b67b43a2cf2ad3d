import { Problem } from "./problem";

export interface RecorderPorts {
  /** Null where the browser has no microphone to give (or the page is not secure). */
  microphone: (() => Promise<MediaStream>) | null;
  open: (stream: MediaStream, type: string) => MediaRecorder;
  supports: (type: string) => boolean;
}

const TYPES = ["audio/mp4", "audio/webm;codecs=opus", "audio/webm", "audio/ogg;codecs=opus"];

/** Records the microphone into one file; the microphone is let go as soon as it stops. */
export class VoiceRecorder {
  readonly #ports: RecorderPorts;
  #recorder: MediaRecorder | null = null;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  async start(): Promise<void> {
    const type = TYPES.find((one) => this.#ports.supports(one));
    if (!this.#ports.microphone || !type) throw new Problem({ status: 400, code: "no_recorder" });
    let stream: MediaStream;
    try {
      stream = await this.#ports.microphone();
    } catch {
      throw new Problem({ status: 403, code: "no_microphone" });
    }
    this.#recorder = this.#ports.open(stream, type);
    this.#recorder.start();
  }

  /** The recording, or null where nothing was being recorded. */
  stop(): Promise<File | null> {
    const recorder = this.#recorder;
    this.#recorder = null;
    if (!recorder) return Promise.resolve(null);
    return new Promise((resolve) => {
      const pieces: Blob[] = [];
      recorder.ondataavailable = (event) => pieces.push(event.data);
      recorder.onstop = () => {
        for (const track of recorder.stream.getTracks()) track.stop();
        const type = recorder.mimeType.split(";")[0] ?? "audio/webm";
        const ending = type === "audio/mp4" ? "m4a" : (type.split("/")[1] ?? "webm");
        resolve(new File(pieces, `voice.${ending}`, { type }));
      };
      recorder.stop();
    });
  }
}
