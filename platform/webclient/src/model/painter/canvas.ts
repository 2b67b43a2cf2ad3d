import type { Size } from "./pixels";

/** A canvas that pixels are read from and written to, so it lives in the processor's memory. */
export class Canvas {
  #canvas = new OffscreenCanvas(1, 1);
  #ink = this.#canvas.getContext("2d", { willReadFrequently: true })!;

  /** Draw a part of a picture at a size and return its RGBA bytes. */
  draw(
    picture: CanvasImageSource,
    from: Size & { x: number; y: number },
    size: Size,
    mirror: boolean,
  ): Uint8ClampedArray {
    this.#fit(size);
    // Halving in one step with plain bilinear filtering would flicker on fine detail.
    this.#ink.imageSmoothingQuality = "medium";
    this.#ink.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? size.width : 0, 0);
    this.#ink.drawImage(picture, from.x, from.y, from.width, from.height, 0, 0, size.width, size.height);
    this.#ink.setTransform(1, 0, 0, 1, 0, 0);
    return this.#ink.getImageData(0, 0, size.width, size.height).data;
  }

  /** Put pixels on it and hand them out as a picture. */
  show(pixels: ImageData): ImageBitmap {
    this.#fit(pixels);
    this.#ink.putImageData(pixels, 0, 0);
    return this.#canvas.transferToImageBitmap();
  }

  #fit({ width, height }: Size) {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
  }
}
