import { Problem } from "../problem";

export type Facing = "user" | "environment";

/** How a camera is asked for: by the way it faces, or by name where it does not say how it faces. */
export type Wish = Facing | { deviceId: string };

export interface CameraPorts {
  /** Null on a page that is not secure, or in a browser without cameras. */
  devices: MediaDevices | null;
}

export interface Shot {
  video: MediaStreamTrack;
  /** Null where there is no microphone, or it was refused: a film without sound is better than none. */
  sound: MediaStreamTrack | null;
  facing: Facing;
  /** Opens this camera again. */
  camera: Wish;
  /** Opens the one that a flip leads to; null where there is no other. */
  other: Wish | null;
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
  async open(wish: Wish): Promise<Shot> {
    if (!this.#devices) throw new Problem({ status: -2, code: "no_camera_here" });
    const stream = await this.#stream(wish);
    const [video] = stream.getVideoTracks();
    if (!video) throw new Problem({ status: -2, code: "no_camera" });
    const devices = await this.#devices.enumerateDevices().catch(() => []);
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    const place = placeOf(video.getSettings(), wish, cameras);
    return { video, sound: stream.getAudioTracks()[0] ?? null, ...place };
  }

  async #stream(wish: Wish): Promise<MediaStream> {
    const which =
      typeof wish === "string" ? { facingMode: { ideal: wish } } : { deviceId: { exact: wish.deviceId } };
    const video = { ...PICTURE, ...which };
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

/** A phone's cameras say how they face. Those of a desk mostly do not: there a flip goes from one to the next. */
function placeOf(
  { facingMode: mode, deviceId }: MediaTrackSettings,
  wish: Wish,
  cameras: readonly MediaDeviceInfo[],
): Pick<Shot, "facing" | "camera" | "other"> {
  const isSaid = mode === "user" || mode === "environment";
  const facing = isSaid ? mode : typeof wish === "string" ? wish : "user";
  const at = isSaid || !deviceId ? -1 : cameras.findIndex((camera) => camera.deviceId === deviceId);
  const opposite = facing === "user" ? "environment" : "user";
  const next = cameras[(at + 1) % cameras.length];
  const other = at < 0 || !next ? opposite : { deviceId: next.deviceId };
  return {
    facing,
    camera: at < 0 ? facing : { deviceId: deviceId! },
    other: cameras.length > 1 ? other : null,
  };
}

export function closeShot(shot: Shot) {
  shot.video.stop();
  shot.sound?.stop();
}
