#!/usr/bin/env python
"""Django's command door. Every command opens the same operations as the pages do."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("COUNTERSIGN_ROLE", "command")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read this has enough
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
