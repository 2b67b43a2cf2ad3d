import { CustomVideoEncoder, EncodedPacket, type VideoSample } from "mediabunny";

/** Every picture of its films is a key frame and looks the same. */
export class Encoder extends CustomVideoEncoder {
  static override supports = (codec: string) => codec === "vp8";
  init() {}
  encode(sample: VideoSample) {
    const picture = Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0);
    const packet = new EncodedPacket(picture, "key", sample.timestamp, 1);
    this.onPacket(packet, { decoderConfig: { codec: "vp8", codedWidth: 64, codedHeight: 48 } });
  }
  flush() {}
  close() {}
}

/** A picture as a camera hands it out. */
export class Picture {
  format = "I420";
  codedWidth = 64;
  codedHeight = 48;
  displayWidth = 64;
  displayHeight = 48;
  visibleRect = { x: 0, y: 0, width: 64, height: 48 };
  timestamp = 0;
  duration = 0;
  colorSpace = { toJSON: () => ({}) };
  clone = () => new Picture();
  close() {}
}
