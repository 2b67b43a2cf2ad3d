import { afterEach, describe, expect, test, vi } from "vitest";

import { canonical, isSigned, type Signed, verifyEd25519 } from "../src/model/painter/signature";

// Made by mlmodels/signing.py: signed(content, bytes(range(32))).
const CONTENT = {
  name: "impasto-v2",
  version: "2.0.0",
  norm_widths: [32, 64],
  platform: null,
  files: [
    {
      url: "/models/ab/ä.onnx",
      bytes: 1_234_567,
      metrics: { psnr_db: "42.875", a: '"\\\u2028\u0007' },
    },
  ],
  is: true,
};
const VALUE = "IJ4GXGrxle/yRvOY/LHo9eQTztMZ8zlCYSW0wLql2rgV/oA0q7j3fJ91RERpE2V6MxIz6Y0iNVZHjDOSJC8FAw==";
const KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const signature = { algorithm: "Ed25519", key_id: "56475aa75463474c", value: VALUE };
const signed = { ...CONTENT, signature };

test("everybody makes the same text of a value", () => {
  expect(canonical(CONTENT)).toBe(
    `{"files":[{"bytes":1234567,"metrics":{"a":"\\"\\\\\u2028\\u0007","psnr_db":"42.875"},"url":"/models/ab/ä.onnx"}],` +
      `"is":true,"name":"impasto-v2","norm_widths":[32,64],"platform":null,"version":"2.0.0"}`,
  );
});

describe.each(["the browser", "the library"])("checked by %s", (by) => {
  const importKey = vi.spyOn(crypto.subtle, "importKey");
  const check = (content: Signed, key: string = KEY) => {
    if (by === "the library") importKey.mockRejectedValue(new DOMException("", "NotSupportedError"));
    return isSigned(content, key, verifyEd25519);
  };
  afterEach(() => importKey.mockReset());

  test("what the server signed is signed, in whatever order it comes", async () => {
    const turned = Object.fromEntries(Object.entries(signed).toReversed());

    expect(await check(signed)).toBe(true);
    expect(await check(turned)).toBe(true);
  });

  test.each<[string, Signed]>([
    ["another version", { ...signed, version: "2.0.1" } as Signed],
    ["another file", { ...signed, files: [{ ...CONTENT.files[0], bytes: 1 }] } as Signed],
    ["one member more", { ...signed, more: 1 } as Signed],
    ["no signature", CONTENT as Signed],
    ["another algorithm", { ...signed, signature: { ...signature, algorithm: "none" } }],
    ["a changed signature", { ...signed, signature: { ...signature, value: VALUE.replace("I", "J") } }],
    ["a cut signature", { ...signed, signature: { ...signature, value: VALUE.slice(0, 40) } }],
    ["a signature that is no base64", { ...signed, signature: { ...signature, value: "?" } }],
  ])("%s is not", async (_name, content) => {
    expect(await check(content)).toBe(false);
  });

  test.each([
    ["another key", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    ["no key", ""],
    ["half a key", KEY.slice(0, 16)],
  ])("by %s it is not", async (_name, key) => {
    expect(await check(signed, key)).toBe(false);
  });
});
