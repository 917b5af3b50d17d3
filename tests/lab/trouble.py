"""What the lab tells a person when something does not work."""


class Trouble(Exception):
    """One clear message; the command ends with it."""
