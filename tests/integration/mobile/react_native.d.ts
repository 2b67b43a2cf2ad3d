// What the guide's TypeScript may use: as much of React Native and of its packages as it does use, as they declare it.
// React Native has no DOM, no TextEncoder in its types and no Buffer of its own.

interface Headers {
  get(name: string): string | null;
}
interface Response {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  arrayBuffer(): Promise<ArrayBuffer>;
  json(): Promise<any>;
  text(): Promise<string>;
}
interface RequestInit {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | ArrayBuffer | string | null;
}
declare function fetch(input: string, init?: RequestInit): Promise<Response>;
declare function setTimeout(handler: () => void, timeout: number): number;

declare class WebSocket {
  constructor(uri: string, protocols?: string | string[] | null);
  onmessage: ((event: { data?: any }) => void) | null;
  close(code?: number, reason?: string): void;
}

declare module "buffer" {
  export class Buffer extends Uint8Array {
    static from(data: ArrayBuffer): Buffer;
    static from(data: Uint8Array): Buffer;
    static from(text: string, encoding?: string): Buffer;
    toString(encoding?: string): string;
  }
}

// 2.x: the paths end in “.js”, and there is no “@noble/hashes/sha256” any more.
declare module "@noble/hashes/sha2.js" {
  export function sha256(message: Uint8Array): Uint8Array<ArrayBuffer>;
  export function sha512(message: Uint8Array): Uint8Array<ArrayBuffer>;
}
declare module "@noble/hashes/utils.js" {
  export function bytesToHex(bytes: Uint8Array): string;
}

// Its file is CommonJS, so that a default import of it is all of these.
declare module "react-native-fs" {
  export function exists(path: string): Promise<boolean>;
  export function mkdir(path: string): Promise<void>;
  export function readdir(path: string): Promise<string[]>;
  export function stat(path: string): Promise<{ size: string }>;
  export function readFile(path: string, encoding?: any): Promise<string>;
  export function writeFile(path: string, contents: string, encoding?: any): Promise<void>;
  export function appendFile(path: string, contents: string, encoding?: string): Promise<void>;
  export function moveFile(path: string, to: string): Promise<void>;
  export function unlink(path: string): Promise<void>;
}

declare module "onnxruntime-react-native" {
  export * from "onnxruntime-common";
}

// 4.x. What it hands to a ref of <Camera>, as far as a film goes.
declare module "react-native-vision-camera" {
  export interface Camera {
    startRecording(options: {
      fileType?: "mov" | "mp4";
      onRecordingFinished: (video: { path: string; duration: number }) => void;
      onRecordingError: (error: Error) => void;
    }): void;
    stopRecording(): Promise<void>;
  }
}
