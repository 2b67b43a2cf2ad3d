"""The TypeScript of docs/mobile.md as one module that node runs, with stand-ins for what only a phone has."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "mobile.md"
PACKAGES = Path(__file__).with_name("react_native.d.ts")
NODE_MODULES = ROOT / "platform" / "webclient" / "node_modules"
BLOCK = re.compile(r"^```typescript\n(.*?)^```", re.MULTILINE | re.DOTALL)
# React Native's own options, as far as they are about types.
OPTIONS = {
    "strict": True,
    "noEmit": True,
    "target": "ESNext",
    "module": "ESNext",
    "moduleResolution": "bundler",
    "lib": ["ES2023"],
    "types": [],
    "skipLibCheck": True,
    # Packages that the client has as well are held against their real types.
    "paths": {name: [str(NODE_MODULES / name)] for name in ("@noble/ed25519", "onnxruntime-common")},
}
STAND_INS = {
    "@noble/hashes/sha2.js": """
import { createHash } from "node:crypto";
const hashed = (name) => (message) => new Uint8Array(createHash(name).update(message).digest());
export const sha256 = hashed("sha256"), sha512 = hashed("sha512");
""",
    "@noble/hashes/utils.js": 'export const bytesToHex = (bytes) => Buffer.from(bytes).toString("hex");',
    "react-native-fs/index.js": """
import { promises as files, existsSync } from "node:fs";
export default {
  exists: async (path) => existsSync(path),
  mkdir: (path) => files.mkdir(path, { recursive: true }),
  readdir: (path) => files.readdir(path),
  stat: async (path) => ({ size: String((await files.stat(path)).size) }),
  readFile: (path, encoding = "utf8") => files.readFile(path, encoding),
  writeFile: (path, text, encoding = "utf8") => files.writeFile(path, text, encoding),
  appendFile: (path, text, encoding = "utf8") => files.appendFile(path, text, encoding),
  moveFile: async (path, to) => {
    if (existsSync(to)) throw new Error("There is such a file."); // as on iOS
    await files.rename(path, to);
  },
  unlink: (path) => files.rm(path, { recursive: true }),
};
""",
    # The same API on WebAssembly; on a phone a session opens the file itself.
    "onnxruntime-react-native/index.js": f"""
import {{ readFileSync }} from "node:fs";
import * as ort from {json.dumps(str(NODE_MODULES / "onnxruntime-web/dist/ort.node.min.mjs"))};
ort.env.wasm.numThreads = 1;
export const Tensor = ort.Tensor;
export const InferenceSession = {{ create: (path) => ort.InferenceSession.create(new Uint8Array(readFileSync(path))) }};
""",
}


def code_of(guide: str) -> str:
    """All blocks as one file, each on the lines that it has in the guide."""
    code = ""
    for block in BLOCK.finditer(guide):
        code += "\n" * (guide.count("\n", 0, block.start(1)) - code.count("\n")) + block[1]
    return code


def compiled(folder: Path, *sources: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run the compiler over these files of a folder."""
    project = {"compilerOptions": {**OPTIONS, **options}, "files": [*sources, str(PACKAGES)]}
    (folder / "tsconfig.json").write_text(json.dumps(project))
    compiler = [str(NODE_MODULES / ".bin" / "tsc"), "--project", ".", "--pretty", "false"]
    return subprocess.run(compiler, cwd=folder, capture_output=True, text=True, check=False, timeout=240)


def build(folder: Path) -> None:
    """Write the guide into a folder as guide.js, which exports what the guide does, and stand-ins beside it."""
    (folder / "guide.ts").write_text(code_of(GUIDE.read_text()))
    done = compiled(folder, "guide.ts", noEmit=False)
    assert done.returncode == 0, done.stdout
    modules = folder / "node_modules"
    for name, code in STAND_INS.items():
        path = modules / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    for package in ("@noble/hashes", "react-native-fs", "onnxruntime-react-native"):
        (modules / package / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (modules / "@noble" / "ed25519").symlink_to(NODE_MODULES / "@noble" / "ed25519")
    (folder / "package.json").write_text('{"type": "module"}')


def run(folder: Path, script: str, /, **given: Any) -> Any:
    """Run a script after the guide in node and return what it leaves in `said`, by way of JSON."""
    head = f'import * as guide from "./guide.js";\nconst given = {json.dumps(given)};\nlet said;\n'
    (folder / "script.js").write_text(f"{head}{script}\nconsole.log(JSON.stringify(said));\n")
    done = subprocess.run(["node", "script.js"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
