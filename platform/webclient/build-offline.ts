import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import type { Plugin } from "vite";

/** What the pages that paint on the device need of the built files. The runtime for WebGPU is kept once it was used. */
export function isKept(name: string): boolean {
  if (/asyncify|vietnamese|cyrillic|greek|latin-ext/.test(name)) return false;
  return /\.(m?js|css|wasm|woff2|svg)$/.test(name);
}

/** Write the service worker with its list of files, and the runtimes' compressed twins that WhiteNoise looks for. */
export function offline(): Plugin {
  return {
    name: "impasto-offline",
    apply: "build",
    writeBundle({ dir }) {
      const assets = readdirSync(join(dir!, "assets"));
      for (const name of assets.filter((one) => /\.(wasm|m?js)$/.test(one))) {
        const path = join(dir!, "assets", name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
      const files = [
        ...assets.filter(isKept).map((name) => `/static/client/assets/${name}`),
        "/static/client/icon.svg",
        "/static/client/theme.js",
      ];
      const source = readFileSync(join(import.meta.dirname, "src/service-worker.js"), "utf8");
      const version = createHash("sha256")
        .update(source)
        .update(JSON.stringify(files))
        .digest("hex")
        .slice(0, 16);
      const filled = source
        .replace("/* files */ []", JSON.stringify(files))
        .replace("/* version */", version);
      writeFileSync(join(dir!, "service-worker.js"), filled);
    },
  };
}
