"""What the package offers to its users."""

import inspect


def classes(module):
    """Classes by their full names."""
    for name in module.__all__:
        if inspect.isclass(getattr(module, name)):
            yield f"{module.__name__}.{name}", getattr(module, name)


def functions(module):
    """Functions, and methods, constructors and properties of classes, by their full names, if they are our own."""
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield f"{module.__name__}.{name}", thing
        for member, raw in inspect.getmembers_static(thing) if inspect.isclass(thing) else ():
            method = raw.fget if isinstance(raw, property) else getattr(thing, member)
            ours = str(getattr(method, "__module__", "")).startswith("skmlp.")
            if callable(method) and ours and (not member.startswith("_") or member == "__init__"):
                yield f"{module.__name__}.{name}.{member}", method
