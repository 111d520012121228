#!/bin/sh
# Prints the Python to use when this machine has all that Ocellus cannot install by itself;
# otherwise one sentence on standard error naming what is missing and the Debian package that brings it, status 2.
set -eu
here=$(dirname "$0")
missing() { echo "ocellus: $1 (Debian, Ubuntu: apt-get install $2)." >&2; exit 2; }

command -v git >/dev/null || missing "git is missing: a run's report names the commit it ran" git
command -v make >/dev/null || missing "make is missing: Verilator's models are built with it" make
command -v g++ >/dev/null || missing "g++ is missing: Verilator's models are C++" g++
echo '#include <vector>' | g++ -std=c++17 -fsyntax-only -x c++ - 2>/dev/null ||
  missing "g++ at $(command -v g++) compiles no C++17 with the standard library" g++
command -v perl >/dev/null || missing "perl is missing: Verilator's driver is written in it" perl
perl -MPod::Usage -MFindBin -MGetopt::Long -e 1 2>/dev/null ||
  missing "perl at $(command -v perl) lacks its standard modules (Pod::Usage), which Verilator's driver uses" perl

# The first suitable interpreter wins; when none is, the first one's own complaint is what the user can act on.
complaint=
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 /usr/bin/python3}; do
  path=$(command -v "$candidate") || continue
  if reason=$("$path" "$here/interpreter.py" 2>/dev/null); then
    echo "$path"
    exit 0
  fi
  complaint=${complaint:-${reason:-$path does not run|python3}}
done
[ -n "$complaint" ] ||
  missing "${PYTHON:-Python 3.11 or newer} is missing" "python3 python3-venv libpython3.11"
missing "${complaint%|*}" "${complaint#*|}"
