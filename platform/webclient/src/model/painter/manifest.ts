import { version as VERSION } from "../../../package.json";
import { offline, Problem } from "../problem";
import { download, type Fetch } from "./download";
import { type Role, ROLES } from "./networks";
import { isSigned, type Signed, type Verify } from "./signature";

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
export interface Manifest extends Signed {
  /** It grows with whatever is published or withdrawn. */
  serial?: number;
  name: string;
  version: string;
  /** The oldest version of a client that may use it: three numbers. */
  minimum_client: string;
  /** What the vectors of styles are named after: those of another model mean something else to this one. */
  model_sha256: string;
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
    typeof manifest.model_sha256 === "string" &&
    typeof manifest.minimum_client === "string" &&
    Array.isArray(manifest.files) &&
    Array.isArray(manifest.norm_widths) &&
    typeof manifest.picture_size === "number" &&
    manifest.files.every((file) => /^[0-9a-f]{64}$/.test(file?.sha256 ?? "") && typeof file.url === "string");
  if (!whole) throw problem("no_model", "not a manifest");
  return manifest as Manifest;
}

const serialOf = ({ serial }: Manifest) => serial ?? 0;

/** 1.10.0 is newer than 1.9.0. */
export function isOlder(version: string, minimum: string): boolean {
  const [mine, least] = [version, minimum].map((text) => text.split(".").map(Number)) as [number[], number[]];
  const at = mine.findIndex((part, index) => part !== least[index]);
  return at >= 0 && mine[at]! < least[at]!;
}

export interface Release {
  manifest: Manifest;
  bytes: Record<Role, Uint8Array>;
}

export interface StorePorts {
  fetch: Fetch;
  /** Null where the browser keeps no caches (or the page is not secure). */
  open: (() => Promise<Cache>) | null;
  digest: (bytes: ArrayBuffer) => Promise<ArrayBuffer>;
  verify: Verify;
  /** The public key that the page came with, in base64. */
  key: string;
}

/** Releases: fetched once, checked against signature and checksums, and kept for when there is no network. */
export class ModelStore {
  readonly #ports: StorePorts;

  constructor(ports: StorePorts) {
    this.#ports = ports;
  }

  /**
   * The newest release with all its files. Without a connection, also one that is cut half-way or of which nothing more
   * comes, and where the server is away: the last whole one.
   *
   * A release is kept in place of the last one when all of it is there, so that two are never mixed. A manifest from
   * before that one is an old answer, sent again: it is refused, and the last one stays.
   *
   * @throws Problem `bad_signature`, `bad_model`, `no_model`, `client_too_old`, `offline`; nothing of what is refused is
   *   kept
   */
  async release(): Promise<Release> {
    const cache = await this.#cache();
    try {
      const answer = await this.#fetch(MANIFEST);
      const manifest = await this.#read(answer.clone());
      const last = await this.#last(cache);
      if (last && serialOf(manifest) < serialOf(last)) return await this.#whole(last, cache);
      if (isOlder(VERSION, manifest.minimum_client)) {
        throw problem("client_too_old", `${VERSION} < ${manifest.minimum_client}`);
      }
      const release = await this.#whole(manifest, cache);
      await this.#replace(release.manifest, answer, cache);
      return release;
    } catch (problem) {
      if (!(problem instanceof Problem && problem.offline)) throw problem;
      const kept = await cache?.match(MANIFEST);
      if (!kept) throw problem;
      return await this.#whole(await this.#read(kept), cache);
    }
  }

  /** @throws Problem `bad_signature` where this site has not signed it, `no_model` where it is no manifest */
  async #read(answer: Response): Promise<Manifest> {
    const body: unknown = await answer.json().catch(() => null);
    const manifest = readManifest(body);
    if (!(await isSigned(manifest, this.#ports.key, this.#ports.verify))) {
      throw problem("bad_signature", `${manifest.name} ${manifest.version}`);
    }
    return manifest;
  }

  /** What was kept, unless it cannot be trusted any more. */
  async #last(cache: Cache | null): Promise<Manifest | null> {
    const kept = await cache?.match(MANIFEST);
    return kept ? await this.#read(kept).catch(() => null) : null;
  }

  async #whole(manifest: Manifest, cache: Cache | null): Promise<Release> {
    const files = filesOf(manifest);
    const bytes = await Promise.all(ROLES.map(async (role) => [role, await this.#bytes(files[role], cache)]));
    return { manifest, bytes: Object.fromEntries(bytes) as Record<Role, Uint8Array> };
  }

  /** The bytes of a file, those and no others that the manifest names. */
  async #bytes(file: ModelFile, cache: Cache | null): Promise<Uint8Array> {
    const kept = await cache?.match(file.url);
    if (kept) {
      const bytes = await kept.arrayBuffer();
      if (await this.#matches(bytes, file)) return new Uint8Array(bytes);
      await cache?.delete(file.url);
    }
    const answer = await this.#fetch(file.url);
    const copy = answer.clone();
    const bytes = await answer.arrayBuffer();
    // Some browsers hand out what was cut off as if it were whole.
    if (bytes.byteLength < file.bytes) throw offline();
    if (!(await this.#matches(bytes, file))) throw problem("bad_model", file.url);
    await this.#keep(cache, file.url, copy);
    return new Uint8Array(bytes);
  }

  /** From here on this is the last whole release; files that it does not name are let go. */
  async #replace(manifest: Manifest, answer: Response, cache: Cache | null) {
    if (!cache) return;
    await this.#keep(cache, MANIFEST, answer);
    const wanted = new Set([MANIFEST, ...Object.values(filesOf(manifest)).map(({ url }) => url)]);
    for (const { url } of await cache.keys()) {
      const { pathname, search } = new URL(url);
      if (!wanted.has(url) && !wanted.has(pathname + search)) await cache.delete(url);
    }
  }

  async #fetch(url: string): Promise<Response> {
    const answer = await download(this.#ports.fetch, url);
    if (!answer.ok) throw problem("no_model", `${answer.status}`);
    return answer;
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
