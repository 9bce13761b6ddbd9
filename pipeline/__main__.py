"""`python -m pipeline` is the command `rushes`."""

from pipeline.cli.main import entry

if __name__ == "__main__":
    entry()
