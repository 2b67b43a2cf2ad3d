"""The TypeScript of docs/mobile.md compiles, all blocks together as one file, against what React Native has."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "mobile.md"
PACKAGES = Path(__file__).with_name("react_native.d.ts")
NODE_MODULES = ROOT / "platform" / "webclient" / "node_modules"
BLOCK = re.compile(r"^```typescript\n(.*?)^```", re.MULTILINE | re.DOTALL)
FAULT = re.compile(r"^(?P<file>\w+)\.ts\((?P<line>\d+),\d+\): error TS(?P<code>\d+)", re.MULTILINE)
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


def code_of(guide: str) -> str:
    """All blocks as one file, each on the lines that it has in the guide."""
    code = ""
    for block in BLOCK.finditer(guide):
        code += "\n" * (guide.count("\n", 0, block.start(1)) - code.count("\n")) + block[1]
    return code


def faults_of(folder: Path, **files: str) -> tuple[set[str], str]:
    """Compile these files and return which of them are at fault, and what the compiler says."""
    for name, code in files.items():
        (folder / f"{name}.ts").write_text(code)
    sources = [*(f"{name}.ts" for name in files), str(PACKAGES)]
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": sources}))
    compiler = [str(NODE_MODULES / ".bin" / "tsc"), "--project", ".", "--pretty", "false"]
    done = subprocess.run(compiler, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    said = done.stdout + done.stderr
    found = {match["file"] for match in FAULT.finditer(said)}
    assert bool(found) == (done.returncode != 0), said
    return found, said


def test_the_guides_typescript_compiles(tmp_path: Path) -> None:
    code = code_of(GUIDE.read_text())

    faults, said = faults_of(tmp_path, guide=code)

    assert code.count("api.call(") >= 8
    assert not faults, f"lines of docs/mobile.md:\n{said}"


@pytest.mark.parametrize("lines", [0, 3])
def test_a_fault_is_named_by_its_line_in_the_guide(tmp_path: Path, lines: int) -> None:
    blocks = ["```typescript\nconst one = 1;\n```\n", "Words.\n", "```typescript\nconst two: string = one;\n```\n"]
    guide = "# Title\n" * lines + "\n".join(blocks)

    _, said = faults_of(tmp_path, guide=code_of(guide))

    assert [int(match["line"]) for match in FAULT.finditer(said)] == [lines + 8]


def test_what_is_wrong_would_be_noticed(tmp_path: Path) -> None:
    wrong = {
        "type": "export const count: number = 'one';",
        "undeclared": "export const error = new NeverDeclared();",
        "null_value": "export const length = async () => (await fetch('/')).headers.get('Location').length;",
        "browser": "export const title = document.title;",
        "global_buffer": "export const bytes = Buffer.from('', 'base64');",
        "module": "import { x } from 'react-native-nothing'; export const y = x;",
        "old_path": "import { sha256 } from '@noble/hashes/sha256'; export const digest = sha256;",
        "member": "import { Tensor } from 'onnxruntime-react-native'; export const x = Tensor.open;",
        "argument": "import { verifyAsync } from '@noble/ed25519'; export const x = verifyAsync(1, 2, 3);",
    }
    right = {"right": "import { Tensor } from 'onnxruntime-react-native'; export const x = new Tensor('float32', [1]);"}

    faults, said = faults_of(tmp_path, **wrong, **right)

    assert faults == set(wrong), said
