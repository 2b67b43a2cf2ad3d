export interface Size {
  width: number;
  height: number;
}

const MULTIPLE = 8;

/** The size at which the network works: about `short` pixels on the short side, multiples of 8, the shape kept. */
export function workingSize(picture: Size, short: number): Size {
  const scale = short / Math.min(picture.width, picture.height);
  const side = (length: number) => Math.max(32, Math.round((length * scale) / MULTIPLE) * MULTIPLE);
  return { width: side(picture.width), height: side(picture.height) };
}

/** The size of a film: at most `short` pixels on the short side, even numbers (4:2:0 has half the colours). */
export function filmSize(picture: Size, short: number): Size {
  const scale = Math.min(1, short / Math.min(picture.width, picture.height));
  const side = (length: number) => Math.max(2, 2 * Math.round((length * scale) / 2));
  return { width: side(picture.width), height: side(picture.height) };
}

/** The middle of a picture that has the shape of a frame, in shares of the picture: what is left where it covers that. */
export function middleOf(picture: Size, frame: Size): Size {
  const scale = Math.max(frame.width / picture.width, frame.height / picture.height);
  return { width: frame.width / scale / picture.width, height: frame.height / scale / picture.height };
}

/** RGBA bytes to three planes of 0..1. */
export function toPlanes(
  rgba: Uint8ClampedArray,
  planes: Float32Array = new Float32Array((rgba.length / 4) * 3),
) {
  const count = rgba.length / 4;
  const green = count;
  const blue = 2 * count;
  for (let at = 0, from = 0; at < count; at++, from += 4) {
    planes[at] = rgba[from]! / 255;
    planes[green + at] = rgba[from + 1]! / 255;
    planes[blue + at] = rgba[from + 2]! / 255;
  }
  return planes;
}

/** Three planes of 0..1 to opaque RGBA bytes; a clamped array rounds and bounds by itself. */
export function toRgba(
  planes: Float32Array,
  rgba: Uint8ClampedArray = new Uint8ClampedArray((planes.length / 3) * 4),
) {
  const count = planes.length / 3;
  const green = count;
  const blue = 2 * count;
  for (let at = 0, to = 0; at < count; at++, to += 4) {
    rgba[to] = planes[at]! * 255;
    rgba[to + 1] = planes[green + at]! * 255;
    rgba[to + 2] = planes[blue + at]! * 255;
    rgba[to + 3] = 255;
  }
  return rgba;
}
