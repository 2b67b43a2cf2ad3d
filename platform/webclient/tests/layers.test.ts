import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../src");
const layers = ["model", "viewmodel", "view"] as const;

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name));
}

/** `type` imports vanish when built; what is left really ties two files together. */
function imports(file: string): { target: string; typeOnly: boolean }[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/import\s+(type\s+)?[^;]*?from\s+"([^"]+)"/g)].map((match) => ({
    target: match[2]!.startsWith(".") ? relative(root, resolve(file, "..", match[2]!)) : match[2]!,
    typeOnly: match[1] !== undefined,
  }));
}

const uses = (layer: string) =>
  sources(join(root, layer)).flatMap((file) =>
    imports(file).map((used) => ({ file: relative(root, file), ...used })),
  );

test("the guard reads every layer", () => {
  for (const layer of layers) expect(uses(layer).length).toBeGreaterThan(5);
});

test("the model knows no signals, no Preact and nothing above it", () => {
  const wrong = uses("model").filter(({ target }) => /preact|^viewmodel|^view\//.test(target));

  expect(wrong).toEqual([]);
});

test("a view-model knows signals, words and the model only", () => {
  const wrong = uses("viewmodel").filter(
    ({ target }) => !/^(model|viewmodel|i18n)\/|^@preact\/signals$/.test(target),
  );

  expect(wrong).toEqual([]);
});

test("a view-model gets its collaborators as arguments and never builds one", () => {
  const wrong = uses("viewmodel").filter(
    ({ target, typeOnly }) =>
      !typeOnly && /^model\/(http|auth|jobs-feed|uploads|keeper|preferences)$/.test(target),
  );

  expect(wrong).toEqual([]);
});

test("a view takes from the model its types and lists of choices only", () => {
  const wrong = uses("view").filter(
    ({ target, typeOnly }) => target.startsWith("model/") && !typeOnly && target !== "model/types",
  );

  expect(wrong).toEqual([]);
});
