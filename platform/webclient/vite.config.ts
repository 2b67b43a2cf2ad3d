import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";

import { offline } from "./build-offline.ts";
import { modelKey } from "./dev/model-key.ts";

const server = process.env.IMPASTO_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  // Django serves the built files under this path; every client route answers with index.html.
  base: "/static/client/",
  build: {
    outDir: "dist",
    manifest: true,
    target: "es2022",
    // The Content-Security-Policy has no data: for fonts and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The runtime's WebAssembly and its glue are files of their own, named in model/painter/runtime.ts.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: {
    format: "es",
    // The server knows by this name which scripts may compile WebAssembly (SecurityHeadersMiddleware).
    rollupOptions: { output: { entryFileNames: "assets/painter-[hash].js" } },
  },
  plugins: [offline(), modelKey(server)],
  server: {
    port: 5173,
    // The stickers' outlines are shared with the renderer and lie in editor/.
    fs: { allow: ["../.."] },
    proxy: {
      "/api": server,
      "/_allauth": server,
      "/media": server,
      "/models": server,
      "/static/demo": server,
      "/static/editor": server,
      "/ws": { target: server, ws: true },
    },
  },
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "node",
    // The longest, of random edits, takes a second; a machine with other work may take many.
    testTimeout: 60_000,
  },
});
