import { Problem } from "../problem";

export type Facing = "user" | "environment";

export interface CameraPorts {
  /** Null on a page that is not secure, or in a browser without cameras. */
  devices: MediaDevices | null;
}

export interface Shot {
  video: MediaStreamTrack;
  /** Null where there is no microphone, or it was refused: a film without sound is better than none. */
  sound: MediaStreamTrack | null;
  facing: Facing;
  canFlip: boolean;
}

// What the server and the painter can make use of; a camera gives what comes nearest.
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

const CODES: Record<string, string> = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};

const refused = (error: unknown) => {
  const name = error instanceof DOMException ? error.name : "";
  return new Problem({ status: -2, code: CODES[name] ?? "camera_busy", detail: name });
};

/** Camera and microphone of the device. */
export class Camera {
  readonly #devices: MediaDevices | null;

  constructor({ devices }: CameraPorts) {
    this.#devices = devices;
  }

  /** @throws Problem camera_denied, no_camera, camera_busy, no_camera_here */
  async open(facing: Facing): Promise<Shot> {
    if (!this.#devices) throw new Problem({ status: -2, code: "no_camera_here" });
    const stream = await this.#stream(facing);
    const [video] = stream.getVideoTracks();
    if (!video) throw new Problem({ status: -2, code: "no_camera" });
    const cameras = await this.#devices.enumerateDevices().catch(() => []);
    const mode = video.getSettings().facingMode;
    return {
      video,
      sound: stream.getAudioTracks()[0] ?? null,
      facing: mode === "environment" || mode === "user" ? mode : facing,
      canFlip: cameras.filter(({ kind }) => kind === "videoinput").length > 1,
    };
  }

  async #stream(facing: Facing): Promise<MediaStream> {
    const video = { ...PICTURE, facingMode: { ideal: facing } };
    try {
      return await this.#devices!.getUserMedia({ video, audio: SOUND });
    } catch (error) {
      // The browser says no to both where only the microphone is missing or refused.
      try {
        return await this.#devices!.getUserMedia({ video });
      } catch {
        throw refused(error);
      }
    }
  }
}

export function closeShot(shot: Shot) {
  shot.video.stop();
  shot.sound?.stop();
}
