import stickers from "../../../../../editor/stickers.json";
import type { FontName } from "../../model/types";
import {
  BACKDROP_LIGHT,
  BASELINE,
  BLUR,
  breakLines,
  type ColourMatrix,
  CORNER,
  type FramePlan,
  LINE,
  OUTLINE,
  PADDING,
  type PicturePart,
  type Place,
  type StickerPart,
  type WordsPart,
} from "../../viewmodel/frame-plan";

/** Where something that can be dragged lies on the canvas. */
export interface Box {
  kind: "texts" | "stickers";
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
  rotation: number;
}

type Source = HTMLVideoElement;
type Brush = CanvasRenderingContext2D;

/** The backdrop is blurred at this part of its size: nobody sees the difference, and a phone keeps up. */
const SMALL = 0.25;
const FAMILIES: Record<FontName, string> = {
  sans: "Impasto Sans",
  serif: "Impasto Serif",
  hand: "Impasto Hand",
};
const CJK = "Impasto CJK";
/** Characters from here on come from the one font that has them, on both sides. */
const RANGES = { latin: "U+0-2E7F", cjk: "U+2E80-10FFFF" };
/** Safari's canvas has none. */
const CAN_FILTER = "filter" in CanvasRenderingContext2D.prototype;
const HAS_CJK = /[\u2E80-\u{10FFFF}]/u;

/** Draws a frame plan. It has no opinion on what is where. */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #brush: Brush;
  readonly #layer = brushOf(1, 1);
  readonly #small = brushOf(1, 1);
  readonly #blurred = brushOf(1, 1);
  readonly #filters: SVGSVGElement;
  readonly #faces = new Map<string, FontFace>();

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#brush = canvas.getContext("2d", { alpha: false })!;
    this.#filters = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.#filters.setAttribute("class", "unseen");
    this.#filters.setAttribute("aria-hidden", "true");
    document.body.append(this.#filters);
  }

  dispose() {
    this.#filters.remove();
  }

  /** The fonts of these words, loaded; a font that does not come is replaced by the system's. */
  async fontsFor(words: readonly Pick<WordsPart, "font" | "text">[]): Promise<void> {
    const wanted = new Set(words.map(({ font }) => font as string));
    if (words.some(({ text }) => HAS_CJK.test(text))) wanted.add("cjk");
    await Promise.allSettled([...wanted].map((name) => this.#face(name).load()));
  }

  #face(name: string): FontFace {
    const known = this.#faces.get(name);
    if (known) return known;
    const family = name === "cjk" ? CJK : FAMILIES[name as FontName];
    const face = new FontFace(family, `url(/static/editor/fonts/${name}.woff2)`, {
      unicodeRange: name === "cjk" ? RANGES.cjk : RANGES.latin,
    });
    document.fonts.add(face);
    this.#faces.set(name, face);
    return face;
  }

  /** Draw it all at once; a picture whose source is not there yet stays black. */
  draw(plan: FramePlan, sourceOf: (part: PicturePart) => Source | null): Box[] {
    const { width, height } = plan;
    const brush = this.#brush;
    resize(this.#canvas, width, height);
    brush.fillStyle = "#000";
    brush.fillRect(0, 0, width, height);
    for (const part of plan.pictures) {
      if (part.weight === 1) this.#drawPicture(brush, plan, part, sourceOf(part));
      else {
        resize(this.#layer.canvas, width, height);
        this.#drawPicture(this.#layer, plan, part, sourceOf(part));
        brush.globalAlpha = part.weight;
        brush.drawImage(this.#layer.canvas, 0, 0);
        brush.globalAlpha = 1;
      }
    }
    return [
      ...plan.stickers.map((sticker) => drawSticker(brush, sticker)),
      ...plan.words.map((words) => drawWords(brush, words)),
    ];
  }

  #drawPicture(brush: Brush, { width, height }: FramePlan, part: PicturePart, source: Source | null) {
    brush.fillStyle = "#000";
    brush.fillRect(0, 0, width, height);
    if (!source || source.readyState < 2) return;
    if (part.backdrop) this.#drawBackdrop(brush, width, height, part, source);
    this.#place(brush, part.place, source, part.colour);
    if (part.light < 1) veil(brush, width, height, 1 - part.light);
  }

  #place(brush: Brush, place: Place, source: Source, colour: ColourMatrix | null) {
    const { crop } = place;
    const w = source.videoWidth;
    const h = source.videoHeight;
    brush.save();
    brush.imageSmoothingQuality = "high";
    brush.translate(place.x, place.y);
    brush.rotate(place.rotation);
    const to = [-place.width / 2, -place.height / 2, place.width, place.height] as const;
    const from = [crop.left * w, crop.top * h, crop.width * w, crop.height * h] as const;
    if (colour && CAN_FILTER) {
      brush.filter = `url(#${this.#filterFor(colour)})`;
      brush.drawImage(source, ...from, ...to);
    } else brush.drawImage(colour ? recoloured(source, colour) : source, ...from, ...to);
    brush.restore();
  }

  /** One SVG filter for each matrix that was needed lately. */
  #filterFor(colour: ColourMatrix): string {
    const values = [0, 4, 8].map((row) => {
      const [red, green, blue, lift] = colour.slice(row, row + 4);
      return `${red} ${green} ${blue} 0 ${lift}`;
    });
    const text = `${values.join(" ")} 0 0 0 1 0`;
    const id = `colour-${[...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)}`;
    if (this.#filters.querySelector(`#${id}`)) return id;
    const filter = document.createElementNS("http://www.w3.org/2000/svg", "filter");
    filter.id = id;
    filter.setAttribute("color-interpolation-filters", "sRGB");
    const matrix = document.createElementNS("http://www.w3.org/2000/svg", "feColorMatrix");
    matrix.setAttribute("type", "matrix");
    matrix.setAttribute("values", text);
    filter.append(matrix);
    this.#filters.append(filter);
    if (this.#filters.childElementCount > 24) this.#filters.firstElementChild?.remove();
    return id;
  }

  #drawBackdrop(brush: Brush, width: number, height: number, part: PicturePart, source: Source) {
    const sigma = BLUR * Math.min(width, height) * SMALL;
    const edge = Math.ceil(3 * sigma);
    const [w, h] = [Math.round(width * SMALL), Math.round(height * SMALL)];
    const small = this.#small;
    resize(small.canvas, w + 2 * edge, h + 2 * edge);
    const scale = w / width;
    small.save();
    small.beginPath();
    small.rect(edge, edge, w, h);
    small.clip();
    small.translate(edge, edge);
    small.scale(scale, scale);
    this.#place(small, part.backdrop!, source, part.colour);
    small.restore();
    mirrorEdges(small, edge, w, h);
    brush.save();
    brush.imageSmoothingQuality = "high";
    const from = [edge, edge, w, h] as const;
    if (CAN_FILTER) {
      const blurred = this.#blurred;
      resize(blurred.canvas, w + 2 * edge, h + 2 * edge);
      blurred.filter = `blur(${sigma}px)`;
      blurred.globalCompositeOperation = "copy";
      blurred.drawImage(small.canvas, 0, 0);
      brush.drawImage(blurred.canvas, ...from, 0, 0, width, height);
    } else {
      // Without filters: made tiny and large again, which looks much the same.
      const [tw, th] = [Math.max(2, Math.round(w / sigma / 2)), Math.max(2, Math.round(h / sigma / 2))];
      const tiny = brushOf(tw, th);
      tiny.drawImage(small.canvas, ...from, 0, 0, tw, th);
      brush.drawImage(tiny.canvas, 0, 0, width, height);
    }
    brush.restore();
    veil(brush, width, height, 1 - BACKDROP_LIGHT);
  }
}

function brushOf(width: number, height: number): Brush {
  const canvas = document.createElement("canvas");
  resize(canvas, width, height);
  return canvas.getContext("2d")!;
}

function resize(canvas: HTMLCanvasElement, width: number, height: number) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** Multiply the light by 1 - `darkness`. */
function veil(brush: Brush, width: number, height: number, darkness: number) {
  brush.fillStyle = `rgb(0 0 0 / ${darkness})`;
  brush.fillRect(0, 0, width, height);
}

/** Continue a picture beyond its edges, so that a blur does not draw darkness in. */
function mirrorEdges(brush: Brush, edge: number, w: number, h: number) {
  const { canvas } = brush;
  const flip = (x: number, y: number, across: number, down: number, draw: () => void) => {
    brush.save();
    brush.translate(x, y);
    brush.scale(across, down);
    draw();
    brush.restore();
  };
  flip(edge, 0, -1, 1, () => brush.drawImage(canvas, edge, edge, edge, h, 0, edge, edge, h));
  flip(edge + w, 0, -1, 1, () => brush.drawImage(canvas, w, edge, edge, h, -edge, edge, edge, h));
  const all = w + 2 * edge;
  flip(0, edge, 1, -1, () => brush.drawImage(canvas, 0, edge, all, edge, 0, 0, all, edge));
  flip(0, edge + h, 1, -1, () => brush.drawImage(canvas, 0, h, all, edge, 0, -edge, all, edge));
}

/** Where a canvas has no filters (Safari), pixel by pixel. */
function recoloured(source: Source, colour: ColourMatrix): HTMLCanvasElement {
  const brush = brushOf(source.videoWidth, source.videoHeight);
  brush.drawImage(source, 0, 0);
  const picture = brush.getImageData(0, 0, source.videoWidth, source.videoHeight);
  const { data } = picture;
  const [a = 1, b = 0, c = 0, d = 0, e = 0, f = 1, g = 0, h = 0, i = 0, j = 0, k = 1, l = 0] = colour;
  for (let at = 0; at < data.length; at += 4) {
    const red = data[at]!;
    const green = data[at + 1]!;
    const blue = data[at + 2]!;
    data[at] = a * red + b * green + c * blue + d * 255;
    data[at + 1] = e * red + f * green + g * blue + h * 255;
    data[at + 2] = i * red + j * green + k * blue + l * 255;
  }
  brush.putImageData(picture, 0, 0);
  return brush.canvas;
}

const outlines = new Map<string, Path2D>();

function drawSticker(brush: Brush, sticker: StickerPart): Box {
  const { path, viewBox } = stickers[sticker.name];
  const side = viewBox[2] ?? 100;
  let outline = outlines.get(sticker.name);
  if (!outline) outlines.set(sticker.name, (outline = new Path2D(path)));
  brush.save();
  brush.translate(sticker.x, sticker.y);
  brush.rotate(sticker.rotation);
  brush.scale(sticker.size / side, sticker.size / side);
  brush.translate(-side / 2, -side / 2);
  brush.fillStyle = sticker.colour;
  brush.fill(outline, "evenodd");
  brush.restore();
  const { id, x, y, size, rotation } = sticker;
  return { kind: "stickers", id, x, y, width: size, height: size, rotation };
}

function drawWords(brush: Brush, words: WordsPart): Box {
  const { size, x, y } = words;
  brush.save();
  brush.font = `${size}px "${FAMILIES[words.font]}", "${CJK}", ${words.font === "serif" ? "serif" : "sans-serif"}`;
  // Shaped as a whole line, as the server does: otherwise a script font joins its letters otherwise after a space.
  brush.textRendering = "geometricPrecision";
  brush.textAlign = "center";
  brush.textBaseline = "alphabetic";
  const measure = (line: string) => brush.measureText(line).width;
  const lines = breakLines(words.text, words.width, measure);
  const width = Math.max(...lines.map(measure));
  const height = lines.length * LINE * size;
  if (words.background) {
    const pad = PADDING * size;
    brush.fillStyle = words.background;
    brush.beginPath();
    brush.roundRect(
      x - width / 2 - pad,
      y - height / 2 - pad,
      width + 2 * pad,
      height + 2 * pad,
      CORNER * size,
    );
    brush.fill();
  }
  const baseline = (index: number) => y - height / 2 + ((index + 0.5) * LINE + BASELINE) * size;
  // The server's letters have whole pixels around them.
  const outline = Math.round(OUTLINE * size);
  if (words.outline && outline > 0) {
    brush.strokeStyle = "#000";
    brush.lineWidth = 2 * outline;
    brush.lineJoin = "round";
    lines.forEach((line, index) => brush.strokeText(line, x, baseline(index)));
  }
  brush.fillStyle = words.colour;
  lines.forEach((line, index) => brush.fillText(line, x, baseline(index)));
  brush.restore();
  return { kind: "texts", id: words.id, x, y, width: Math.max(width, size), height, rotation: 0 };
}
