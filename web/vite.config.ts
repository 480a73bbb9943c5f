// How the console is built and tested. `npm run dev` serves it with live reload and passes /api on
// to an engine (ENGINE=http://127.0.0.1:8080 by default).
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const engine = process.env.ENGINE ?? "http://127.0.0.1:8080";

/** Fonts that the first page needs: asked for with the scripts, not after the styles were read. */
const FIRST_FONTS = /(instrument-sans-latin-wght|ibm-plex-mono-latin-400)-normal-[^.]+\.woff2$/;

const preloadFonts: Plugin = {
  name: "preload-fonts",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((name) => FIRST_FONTS.test(name))
        .map((name) => ({
          tag: "link",
          attrs: {
            rel: "preload",
            href: `/${name}`,
            as: "font",
            type: "font/woff2",
            crossorigin: "",
          },
          injectTo: "head",
        })),
  },
};

export default defineConfig({
  plugins: [react(), preloadFonts],
  build: {
    target: "es2022",
    // Fonts stay files: inlined they would be decoded on every start.
    assetsInlineLimit: 0,
    // Names are kept apart by the hash; the gateway lets browsers keep them for ever.
    assetsDir: "assets",
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": {
        target: engine,
        changeOrigin: true,
        // The engine refuses pages of other origins; in development the page is of this server.
        configure: (proxy) =>
          proxy.on("proxyReq", (request) => {
            request.setHeader("origin", engine);
          }),
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}", "test/unit/**/*.test.{ts,tsx}"],
    setupFiles: ["test/unit/setup.ts"],
    restoreMocks: true,
  },
});
