/** Signatures of the server (mlmodels/signing.py): Ed25519 over the one text that everybody makes of a JSON value. */

export interface Signed {
  signature?: { algorithm?: string; value?: string };
}

/** Says whether a signature of 64 bytes over a message is by a public key of 32 bytes. */
export type Verify = (
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  key: Uint8Array<ArrayBuffer>,
) => Promise<boolean>;

/** Members sorted by name, no white space, UTF-8. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`);
  return `{${members.join(",")}}`;
}

/** Whether the member `signature` covers all others and was made with the key, given in base64. */
export async function isSigned(content: Signed, key: string, verify: Verify): Promise<boolean> {
  const { signature, ...rest } = content;
  if (signature?.algorithm !== "Ed25519") return false;
  try {
    const message = new TextEncoder().encode(canonical(rest));
    return await verify(bytesOf(signature.value ?? ""), message, bytesOf(key));
  } catch {
    return false; // no base64, or of another length
  }
}

/** By the browser itself where it knows Ed25519, else by a library that is fetched for that. */
export const verifyEd25519: Verify = async (signature, message, key) => {
  const known = await browsersKey(key);
  if (known) return await crypto.subtle.verify("Ed25519", known, signature, message);
  const { verifyAsync } = await import("@noble/ed25519");
  return await verifyAsync(signature, message, key);
};

async function browsersKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch {
    return null; // an algorithm that this browser does not know; a key that is none is refused by the library too
  }
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
