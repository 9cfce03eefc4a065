"""`python -m causalspec`."""

from causalspec.cli import main

raise SystemExit(main())
