import { problemOf } from "../painter/protocol";
import type { Vector } from "../painter/style";
import type { Page, Style } from "../types";

/** A style to paint live with: its thumbnail can be shown and its vector found without a network. */
export interface LiveStyle {
  slug: string;
  name: string;
  thumbnail: string;
  image: string;
  accent: Style["accent"];
}

interface Shelf {
  model: string;
  styles: LiveStyle[];
  /** Vectors of the presets, by slug. */
  vectors: Record<string, number[]>;
}

interface Vectors {
  model_sha256: string;
  styles: { slug: string; values: number[] }[];
}

export interface ShelfPorts {
  fetch: (url: string) => Promise<Response>;
  open: (() => Promise<Cache>) | null;
  openPicture: (picture: Blob) => string;
  closePicture: (url: string) => void;
}

const SHELF = "/live/shelf";
const STYLES = "/api/v1/styles/?kind=preset&page_size=100";
const VECTORS = "/api/v1/style-embeddings/";

/** The presets with their vectors, kept in this browser: what was seen once can be painted with on a train. */
export class StyleShelf {
  readonly #ports: ShelfPorts;
  readonly #pictures: string[] = [];
  #shelf: Shelf | null = null;

  constructor(ports: ShelfPorts) {
    this.#ports = ports;
  }

  /**
   * The newest presets, or without a connection the last ones.
   *
   * @throws Problem `offline` where there never were any
   */
  async presets(): Promise<LiveStyle[]> {
    try {
      this.#shelf = await this.#fetch();
      return this.#shelf.styles;
    } catch {
      return await this.#kept();
    }
  }

  /** Remember the shelf and its thumbnails for the next time. */
  async keep(): Promise<void> {
    const cache = await this.#cache();
    if (!cache || !this.#shelf) return;
    await cache.put(SHELF, Response.json(this.#shelf));
    for (const { thumbnail } of this.#shelf.styles) {
      if (thumbnail.startsWith("blob:") || (await cache.match(thumbnail))) continue;
      await cache.put(thumbnail, await this.#get(thumbnail));
    }
  }

  /** The vector that the server has of a preset for this model, if it has one. */
  vector(slug: string, size: number): Vector | null {
    const values = this.#shelf?.vectors[slug];
    return values?.length === size ? Float32Array.from(values) : null;
  }

  /** @throws Problem `offline` */
  async picture(style: LiveStyle): Promise<Blob> {
    const kept = await (await this.#cache())?.match(style.image);
    return await (kept ?? (await this.#get(style.image))).blob();
  }

  close() {
    for (const url of this.#pictures) this.#ports.closePicture(url);
  }

  async #fetch(): Promise<Shelf> {
    const [page, vectors] = await Promise.all([
      this.#get(STYLES).then((answer) => answer.json() as Promise<Page<Style>>),
      // A server without vectors: they are worked out here, from the pictures.
      this.#get(VECTORS).then(
        (answer) => answer.json() as Promise<Vectors>,
        () => ({ model_sha256: "", styles: [] }),
      ),
    ]);
    return {
      model: vectors.model_sha256,
      styles: page.results.map(({ slug, name, thumbnail_url: thumbnail, image_url: image, accent }) => ({
        slug,
        name,
        thumbnail,
        image,
        accent,
      })),
      vectors: Object.fromEntries(vectors.styles.map(({ slug, values }) => [slug, values])),
    };
  }

  async #kept(): Promise<LiveStyle[]> {
    const cache = await this.#cache();
    const answer = await cache?.match(SHELF);
    if (!answer) throw problemOf("offline", "");
    this.#shelf = (await answer.json()) as Shelf;
    return await Promise.all(
      this.#shelf.styles.map(async (style) => {
        const thumbnail = await cache?.match(style.thumbnail);
        if (!thumbnail) return style;
        const url = this.#ports.openPicture(await thumbnail.blob());
        this.#pictures.push(url);
        return { ...style, thumbnail: url };
      }),
    );
  }

  async #get(url: string): Promise<Response> {
    const answer = await this.#ports.fetch(url).catch(() => null);
    if (!answer) throw problemOf("offline", "");
    if (!answer.ok) throw problemOf("no_style", `${answer.status}`);
    return answer;
  }

  async #cache(): Promise<Cache | null> {
    try {
      return (await this.#ports.open?.()) ?? null;
    } catch {
      return null;
    }
  }
}
