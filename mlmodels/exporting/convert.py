"""
The exporters' Python starts here: python -m mlmodels.exporting.convert RELEASE FORMAT FOLDER PRECISION,… ROWS SHAPE…

What was written goes to ROWS as JSON; converters print a lot. `export` has checked all arguments before.
"""

import json
import sys
from pathlib import Path

from mlmodels.exported import rows_of
from mlmodels.release import Release

from .formats import FORMATS


def main() -> None:
    release, format, folder, precisions, rows, *shapes = sys.argv[1:]
    files = FORMATS[format].write(Release(Path(release)), Path(folder), shapes, precisions.split(","))
    Path(rows).write_text(json.dumps(rows_of(files, Path(folder))))


if __name__ == "__main__":
    main()
