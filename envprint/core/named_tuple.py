"""Named tuples like those of `typing`, of which a class costs a sixth.

`typing.NamedTuple` compiles source for each class, and a check has some seventy of them: a tenth of
its time. Instances behave as those do, in `_replace`, `_asdict`, `_fields`, matching, pickling and
printing; creating one costs a few tenths of a microsecond more. Type checkers see `typing`'s.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from _collections import _tuplegetter
    from sys import intern

    class _Class(type):
        """Turns the annotations of a class into fields, and the values there into defaults."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return type.__new__(cls, name, (tuple,), namespace)
            fields = tuple(map(intern, _annotations(namespace)))
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            namespace["__slots__"] = ()
            namespace["__match_args__"] = namespace["_fields"] = fields
            namespace["_field_defaults"] = defaults
            namespace["_defaults"] = tuple(defaults.values())
            for position, field in enumerate(fields):
                namespace[field] = _tuplegetter(position, f"Alias for field number {position}")
            return type.__new__(cls, name, bases, namespace)

    def _annotations(namespace):
        return namespace.get("__annotations__", ())

    class NamedTuple(metaclass=_Class):
        """The base of a class whose annotated names are the fields of a tuple."""

        __slots__ = ()

        def __new__(cls, *values, **named):  # noqa: D102  that of every class
            missing = len(cls._fields) - len(values)
            # Most are made without names, and what is left out has a default.
            if missing and not named and 0 < missing <= len(cls._defaults):
                values += cls._defaults[-missing:]
            elif named and missing > 0:
                values += tuple(cls._named(cls._fields[-missing:], named))
            if named or len(values) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return tuple.__new__(cls, values)

        @classmethod
        def _named(cls, fields, named):
            defaults = cls._field_defaults
            try:
                return [named.pop(name) if name in named else defaults[name] for name in fields]
            except KeyError as error:
                raise TypeError(f"{cls.__name__} lacks the field {error}") from None

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _replace(self, **named):
            changed = tuple.__new__(type(self), map(named.pop, self._fields, self))
            if named:
                raise ValueError(f"{type(self).__name__} has no field {', '.join(named)}")
            return changed

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            inside = ", ".join(map("{}={!r}".format, self._fields, self))
            return f"{type(self).__name__}({inside})"

        def __getnewargs__(self):
            return tuple(self)
