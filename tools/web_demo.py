"""Try a cascade on photos in the browser: see phr_mmpose/commands/web.py.

Example:
    python tools/web_demo.py
"""

from phr_mmpose.utils.cli import run

from phr_mmpose.commands.web import main

if __name__ == '__main__':
    run(main)
