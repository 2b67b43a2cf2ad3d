import type { Http } from "./http";

/** A clip that comes with the client, to try it without one's own. */
export interface DemoFile {
  name: string;
  title: string;
  credit: string;
  video_url: string;
  poster_url: string;
}

export class DemoFiles {
  readonly #http: Http;
  readonly #base: string;

  constructor(http: Http, base: string) {
    this.#http = http;
    this.#base = base;
  }

  async list(): Promise<DemoFile[]> {
    const demos = await this.#http.json<Omit<DemoFile, "video_url" | "poster_url">[]>(
      "GET",
      `${this.#base}demo/demos.json`,
    );
    return demos.map((demo) => ({
      ...demo,
      video_url: `${this.#base}demo/${demo.name}.mp4`,
      poster_url: `${this.#base}demo/${demo.name}.jpg`,
    }));
  }

  async fetch(demo: DemoFile): Promise<File> {
    const bytes = await this.#http.blob("GET", demo.video_url);
    // A fixed date: the same demo taken twice is the same file to a resumed upload.
    return new File([bytes], `${demo.title}.mp4`, { type: "video/mp4", lastModified: 0 });
  }
}
