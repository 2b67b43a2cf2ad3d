import { defineConfig } from "vitest/config";

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
  },
});
