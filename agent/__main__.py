"""`python -m agent` is `wr-agent`."""

import sys

from agent.cli import main

sys.exit(main())
