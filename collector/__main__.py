"""`python -m collector` and the `roomwatch` command."""

from collector.cli import main

if __name__ == "__main__":
    main()
