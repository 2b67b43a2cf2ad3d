import { Problem } from "../problem";

export type Facing = "user" | "environment";

interface Named {
  deviceId: string;
}

/**
 * How a camera is asked for: by the way it faces, or by name where it does not say how it faces. A flip asks for one
 * that says that it faces the other way, and for a named one where none does.
 */
export type Wish = Facing | Named | { facing: Facing; otherwise: Named };

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
    if (typeof wish === "string" || !("otherwise" in wish)) return await this.#open(wish);
    try {
      return await this.#open(wish);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "no_camera")) throw error;
      return await this.#open(wish.otherwise);
    }
  }

  async #open(wish: Wish): Promise<Shot> {
    const stream = await this.#stream(wish);
    const [video] = stream.getVideoTracks();
    if (!video) throw new Problem({ status: -2, code: "no_camera" });
    const devices = await this.#devices!.enumerateDevices().catch(() => []);
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    const place = placeOf(video.getSettings(), wish, cameras);
    return { video, sound: stream.getAudioTracks()[0] ?? null, ...place };
  }

  async #stream(wish: Wish): Promise<MediaStream> {
    const video = { ...PICTURE, ...constraintOf(wish) };
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

/** Where the way to face is only ideal, a browser gives any camera rather than none: the one that was open, too. */
function constraintOf(wish: Wish): MediaTrackConstraints {
  if (typeof wish === "string") return { facingMode: { ideal: wish } };
  return "deviceId" in wish ? { deviceId: { exact: wish.deviceId } } : { facingMode: { exact: wish.facing } };
}

/**
 * A phone's cameras say how they face. Those of a desk mostly do not, or only one of them does: there a flip goes from
 * one to the next.
 */
function placeOf(
  { facingMode: mode, deviceId }: MediaTrackSettings,
  wish: Wish,
  cameras: readonly MediaDeviceInfo[],
): Pick<Shot, "facing" | "camera" | "other"> {
  const isSaid = mode === "user" || mode === "environment";
  const facing = isSaid ? mode : facingOf(wish);
  const opposite = facing === "user" ? "environment" : "user";
  const at = deviceId ? cameras.findIndex((camera) => camera.deviceId === deviceId) : -1;
  if (at < 0) return { facing, camera: facing, other: cameras.length > 1 ? opposite : null };
  const isNamed = !isSaid || (typeof wish === "object" && "deviceId" in wish);
  const next = { deviceId: cameras[(at + 1) % cameras.length]!.deviceId };
  const other = isSaid ? { facing: opposite as Facing, otherwise: next } : next;
  return {
    facing,
    camera: isNamed ? { deviceId: deviceId! } : facing,
    other: cameras.length > 1 ? other : null,
  };
}

function facingOf(wish: Wish): Facing {
  if (typeof wish === "string") return wish;
  return "facing" in wish ? wish.facing : "user";
}

export function closeShot(shot: Shot) {
  shot.video.stop();
  shot.sound?.stop();
}
