"""`python -m wren_async.cli`: the command line where the script is not on the path."""

import sys

from wren_async.cli import main

sys.exit(main())
