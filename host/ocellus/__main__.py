"""``python -m ocellus``."""

from .cli import main

raise SystemExit(main())
