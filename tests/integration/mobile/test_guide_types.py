"""The TypeScript of docs/mobile.md compiles, all blocks together as one file, against what React Native has."""

import re
from pathlib import Path

import pytest

from tests.integration.mobile.guide_typescript import GUIDE, code_of, compiled

FAULT = re.compile(r"^(?P<file>\w+)\.ts\((?P<line>\d+),\d+\): error TS(?P<code>\d+)", re.MULTILINE)


def faults_of(folder: Path, **files: str) -> tuple[set[str], str]:
    """Compile these files and return which of them are at fault, and what the compiler says."""
    for name, code in files.items():
        (folder / f"{name}.ts").write_text(code)
    done = compiled(folder, *(f"{name}.ts" for name in files))
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
