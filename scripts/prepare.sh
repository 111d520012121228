#!/bin/sh
# Makes .venv what a lock file says: `sh scripts/prepare.sh run|dev`. Quick when nothing has changed.
#
# The stamp holds the sum of the lock, of pyproject.toml and of this folder's place (an editable install
# holds absolute paths), so a changed pin, a moved clone and a first call all lead to the same install.
set -eu
cd "$(dirname "$0")/.."
stamp=.venv/.ready-$1
now=$({ cat "requirements/$1.lock" pyproject.toml; pwd; } | cksum)
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
  exit 0
fi
python=$(sh scripts/prerequisites.sh)
"$python" scripts/environment.py "$1"
printf '%s\n' "$now" >"$stamp"
