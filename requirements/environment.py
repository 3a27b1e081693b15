"""Makes the environment of the project: `python3 requirements/environment.py .venv`.

It runs on whatever Python is there, so that an old one is told what is missing. An environment that was there before is
put back where the new one could not be made.
"""

import os
import shutil
import subprocess
import sys
import time

NEEDED = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))


def main(folder):
    """Make the environment in this folder, anew if there is one."""
    if sys.version_info < NEEDED:
        here = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"Python 3.11 or later is needed, and this is {here}. Name a later one, such as "
            "`make run PYTHON=python3.12`. Nothing was changed."
        )
    print(f"Making the environment in {folder}: a minute or two, once.", flush=True)
    began = time.monotonic()
    before = folder + ".before"
    shutil.rmtree(before, ignore_errors=True)
    if os.path.exists(folder):
        os.rename(folder, before)
    try:
        fill(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(before):
            os.rename(before, folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
    print(f"Made it in {time.monotonic() - began:.0f} seconds.", flush=True)


def fill(folder):
    """A virtual environment with all that is pinned, and the project itself as it stands here."""
    if subprocess.call([sys.executable, "-m", "venv", folder]):
        sys.exit("Python's `venv` did not work; on Debian and Ubuntu, `apt install python3-venv` brings it.")
    pip = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = os.path.join(HERE, "dev.txt")
    if subprocess.call([*pip, "--require-hashes", "--requirement", pinned]):
        sys.exit(
            "The packages could not be installed; what pip said stands above. It needs a network: is there one? A "
            "mirror is named by PIP_INDEX_URL, a proxy by HTTPS_PROXY. Then give the same command again."
        )
    if subprocess.call([*pip, "--no-deps", "--no-build-isolation", "--editable", os.path.dirname(HERE)]):
        sys.exit("The project itself could not be installed; what pip said stands above.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".venv")
