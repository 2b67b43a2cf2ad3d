import { type Model, problemOf } from "../painter/protocol";
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

const SEEN = "/live/styles";
const STYLES = "/api/v1/styles/?kind=preset&page_size=100";
const VECTORS = "/api/v1/style-embeddings/";
const vectorsOf = (model: Model) => `${VECTORS}?model=${model.sha256}`;

/** The presets with their vectors, kept in this browser: what was seen once can be painted with on a train. */
export class StyleShelf {
  readonly #ports: ShelfPorts;
  readonly #pictures: string[] = [];
  #styles: readonly LiveStyle[] | null = null;
  #model: Model | null = null;
  #vectors: Vectors | null = null;

  constructor(ports: ShelfPorts) {
    this.#ports = ports;
  }

  /**
   * The newest presets, or without a connection the last ones.
   *
   * @throws Problem `offline` where there never were any
   */
  async presets(): Promise<readonly LiveStyle[]> {
    try {
      this.#styles = await this.#fetchStyles();
      return this.#styles;
    } catch {
      return await this.#keptStyles();
    }
  }

  /** Have the vectors of this model, and of no other. Where there are none they are read from the pictures, here. */
  async paintWith(model: Model): Promise<void> {
    this.#model = model;
    this.#vectors = (await this.#fetchVectors(model)) ?? (await this.#keptVectors(model));
  }

  /** Remember the shelf, its thumbnails and the vectors of this model for the next time. */
  async keep(): Promise<void> {
    const cache = await this.#cache();
    if (!cache) return;
    await this.#keepVectors(cache);
    if (!this.#styles) return;
    await cache.put(SEEN, Response.json(this.#styles));
    for (const { thumbnail } of this.#styles) {
      if (thumbnail.startsWith("blob:") || (await cache.match(thumbnail))) continue;
      await cache.put(thumbnail, await this.#get(thumbnail));
    }
  }

  /** The vector that the server has of a preset for the model that is painted with, if it has one. */
  vector(slug: string): Vector | null {
    const values = this.#vectors?.styles.find((style) => style.slug === slug)?.values;
    return values?.length === this.#model?.embeddingSize ? Float32Array.from(values!) : null;
  }

  /** @throws Problem `offline` */
  async picture(style: LiveStyle): Promise<Blob> {
    const kept = await (await this.#cache())?.match(style.image);
    return await (kept ?? (await this.#get(style.image))).blob();
  }

  close() {
    for (const url of this.#pictures) this.#ports.closePicture(url);
  }

  async #fetchStyles(): Promise<readonly LiveStyle[]> {
    const page = (await (await this.#get(STYLES)).json()) as Page<Style>;
    return page.results.map(({ slug, name, thumbnail_url: thumbnail, image_url: image, accent }) => ({
      slug,
      name,
      thumbnail,
      image,
      accent,
    }));
  }

  async #fetchVectors(model: Model): Promise<Vectors | null> {
    try {
      return readVectors(await (await this.#get(vectorsOf(model))).json(), model);
    } catch {
      return null; // no connection, or a server that has none of this model
    }
  }

  async #keptVectors(model: Model): Promise<Vectors | null> {
    const kept = await (await this.#cache())?.match(vectorsOf(model));
    return kept ? readVectors(await kept.json(), model) : null;
  }

  /** Those of another model are let go when there are some of this one. */
  async #keepVectors(cache: Cache) {
    if (!this.#model || !this.#vectors) return;
    const own = vectorsOf(this.#model);
    await cache.put(own, Response.json(this.#vectors));
    for (const { url } of await cache.keys()) {
      const { pathname, search } = new URL(url);
      if (pathname === VECTORS && pathname + search !== own) await cache.delete(url);
    }
  }

  async #keptStyles(): Promise<readonly LiveStyle[]> {
    const cache = await this.#cache();
    const answer = await cache?.match(SEEN);
    if (!answer) throw problemOf("offline", "");
    const styles = (await answer.json()) as readonly LiveStyle[];
    return await Promise.all(
      styles.map(async (style) => {
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

/** Null for what is of another model: the same numbers mean something else to this one. */
function readVectors(body: Vectors, model: Model): Vectors | null {
  return body.model_sha256 === model.sha256 && Array.isArray(body.styles) ? body : null;
}
