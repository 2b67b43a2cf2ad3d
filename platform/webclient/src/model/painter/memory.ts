/** Whether threads may share memory. WebKit can be built without that, and calls a page isolated all the same. */
export function sharesMemory(scope: object): boolean {
  const { crossOriginIsolated: isolated = false } = scope as { crossOriginIsolated?: boolean };
  return isolated && "SharedArrayBuffer" in scope;
}
