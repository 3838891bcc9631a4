"""Where others take part in training: told of each epoch, they may ask for its end."""


class Hooks:
    """Told of each epoch, or iteration of L-BFGS. This one does nothing; subclasses do."""

    def before_epoch(self):
        """Hear that an epoch begins; heard again before it has ended, it is the same epoch."""

    def after_epoch(self, finite):
        """Hear that the epoch has ended, and whether it is finite; returns whether training is to stop."""
        return False

    def interrupted(self):
        """Hear that a Ctrl-C has ended training; returns whether somebody else tells the user."""
        return False


NO_HOOKS = Hooks()
