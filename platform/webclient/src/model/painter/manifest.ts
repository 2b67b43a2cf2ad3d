import { offline, Problem } from "../problem";
import { type Role, ROLES } from "./networks";

export interface ModelFile {
  role: string;
  shape: string;
  layout: string;
  precision: string;
  url: string;
  sha256: string;
  bytes: number;
}

/** What the server publishes of a release, as docs/api.md says. */
export interface Manifest {
  name: string;
  version: string;
  embedding_size: number;
  norm_widths: number[];
  picture_size: number;
  files: ModelFile[];
}

export const MANIFEST = "/api/v1/model-releases/?format=onnx&platform=web";

// Smallest first: a page would rather begin than be exact.
const PRECISIONS = ["int8", "fp16", "fp32"];

const problem = (code: string, detail: string) => new Problem({ status: -2, code, detail });

/**
 * Choose one file for each role: those that take frames of any size.
 *
 * @throws Problem `no_model` where the release lacks one
 */
export function filesOf(manifest: Manifest): Record<Role, ModelFile> {
  const chosen = ROLES.map((role) => {
    const fitting = manifest.files
      .filter((file) => file.role === role && file.layout !== "NHWC")
      .filter((file) => !role.startsWith("transform") || file.shape === "dynamic")
      .toSorted((a, b) => PRECISIONS.indexOf(a.precision) - PRECISIONS.indexOf(b.precision));
    if (!fitting[0]) throw problem("no_model", `${manifest.name} ${manifest.version}: ${role}`);
    return [role, fitting[0]] as const;
  });
  return Object.fromEntries(chosen) as Record<Role, ModelFile>;
}

/** @throws Problem `no_model` for anything that is no manifest */
export function readManifest(body: unknown): Manifest {
  const manifest = body as Partial<Manifest> | null;
  const whole =
    typeof manifest?.name === "string" &&
    Array.isArray(manifest.files) &&
    Array.isArray(manifest.norm_widths) &&
    typeof manifest.picture_size === "number" &&
    manifest.files.every((file) => /^[0-9a-f]{64}$/.test(file?.sha256 ?? "") && typeof file.url === "string");
  if (!whole) throw problem("no_model", "not a manifest");
  return manifest as Manifest;
}

export interface StorePorts {
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Null where the browser keeps no caches (or the page is not secure). */
  open: (() => Promise<Cache>) | null;
  digest: (bytes: ArrayBuffer) => Promise<ArrayBuffer>;
}

/** The release's files: fetched once, checked against the manifest, and kept for when there is no network. */
export class ModelStore {
  readonly #ports: StorePorts;

  constructor(ports: StorePorts) {
    this.#ports = ports;
  }

  /** The newest manifest, or without a connection the last one. */
  async manifest(): Promise<Manifest> {
    const cache = await this.#cache();
    let response: Response | undefined;
    try {
      response = await this.#ports.fetch(MANIFEST, { headers: { Accept: "application/json" } });
    } catch {
      response = await cache?.match(MANIFEST);
      if (!response) throw offline();
    }
    if (!response.ok) throw problem("no_model", `${response.status}`);
    const copy = response.clone();
    const manifest = readManifest(await response.json());
    await this.#keep(cache, MANIFEST, copy);
    return manifest;
  }

  /**
   * The bytes of a file, those and no others that the manifest names.
   *
   * @throws Problem `bad_model` where what came is something else
   */
  async bytes(file: ModelFile): Promise<Uint8Array> {
    const cache = await this.#cache();
    const kept = await cache?.match(file.url);
    if (kept) {
      const bytes = await kept.arrayBuffer();
      if (await this.#matches(bytes, file)) return new Uint8Array(bytes);
      await cache?.delete(file.url);
    }
    let response: Response;
    try {
      response = await this.#ports.fetch(file.url);
    } catch {
      throw offline();
    }
    if (!response.ok) throw problem("no_model", `${response.status}`);
    const copy = response.clone();
    const bytes = await response.arrayBuffer();
    if (!(await this.#matches(bytes, file))) throw problem("bad_model", file.url);
    await this.#keep(cache, file.url, copy);
    return new Uint8Array(bytes);
  }

  /** Let go of files that no current manifest names. */
  async tidy(manifest: Manifest) {
    const cache = await this.#cache();
    if (!cache) return;
    const wanted = new Set([MANIFEST, ...Object.values(filesOf(manifest)).map(({ url }) => url)]);
    for (const { url } of await cache.keys()) {
      const { pathname, search } = new URL(url);
      if (!wanted.has(url) && !wanted.has(pathname + search)) await cache.delete(url);
    }
  }

  async #matches(bytes: ArrayBuffer, file: ModelFile): Promise<boolean> {
    const digest = new Uint8Array(await this.#ports.digest(bytes));
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === file.sha256;
  }

  async #cache(): Promise<Cache | null> {
    try {
      return (await this.#ports.open?.()) ?? null;
    } catch {
      return null; // private browsing
    }
  }

  async #keep(cache: Cache | null, url: string, response: Response) {
    // A full disk costs the offline start and nothing else.
    await cache?.put(url, response).catch(() => undefined);
  }
}
