"""Is this interpreter one that Ocellus can use? Status 0, or the complaint and the Debian package, `complaint|package`.

Written so that any Python 3 can run it: it is what tells an old one that it is too old.
"""

import ctypes
import os
import sys
import sysconfig


def shared_libraries():
    """Places where this interpreter's shared library may lie."""
    names = {sysconfig.get_config_var(key) for key in ("INSTSONAME", "LDLIBRARY")}
    folders = [sysconfig.get_config_var(key) for key in ("LIBDIR", "LIBPL")]
    folders.append(os.path.join(sys.base_prefix, "lib"))
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if multiarch:
        folders.append(os.path.join(sysconfig.get_config_var("LIBDIR") or "", multiarch))
    for folder in folders:
        for name in sorted(filter(None, names)):
            if folder and ".so" in name:
                yield os.path.join(folder, name)


def belongs(path):
    """Whether the library at ``path`` is of this very interpreter: a stray one would crash the simulator."""
    try:
        version = ctypes.CDLL(path).Py_GetVersion
    except (OSError, AttributeError):
        return False
    version.restype = ctypes.c_char_p
    return version().decode() == sys.version


def complaint():
    """What is missing and the package that brings it, or nothing."""
    name = "{} ({}.{})".format(sys.executable, *sys.version_info)
    if sys.version_info < (3, 11):  # noqa: UP036  # this is where an older one is told
        return name + " is too old: Python 3.11 or newer is needed|python3"
    try:
        import ensurepip  # noqa: F401  # Debian's venv exists without it and then fails half way
        import venv  # noqa: F401  # only whether it is there
    except ImportError:
        return name + " cannot make virtual environments: venv with ensurepip is missing|python3-venv"
    if not any(os.path.exists(path) and belongs(path) for path in shared_libraries()):
        library = "libpython{}.{}".format(*sys.version_info)
        return f"{name} has no shared library {library}.so, which cocotb loads into the simulator|{library}"
    return ""


if __name__ == "__main__":
    found = complaint()
    print(found)
    sys.exit(2 if found else 0)
