"""What goes wrong for a reason the user can mend."""


class KefuError(Exception):
    """One sentence that names the file, column or option and what is wrong with it."""
