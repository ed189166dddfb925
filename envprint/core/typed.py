"""What annotations name, and named tuples, without `typing`: a start takes a twentieth less time.

Type checkers see `typing` itself. At run time an annotation means nothing here, and a class of a
named tuple costs a sixth, as nothing is compiled for it; a check has some seventy of them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        Generic,
        NamedTuple,
        NoReturn,
        Protocol,
        TextIO,
        TypeVar,
        cast,
    )
else:
    from collections import _tuplegetter
    from sys import intern

    class Any:
        """Any type, or one that only a type checker needs."""

        def __class_getitem__(cls, _):
            return cls

    class Protocol:
        """The base of a class that says what others must have; no instance is one of it."""

        __slots__ = ()

    class Generic(Any):
        """The base of a class for which a type checker wants a parameter."""

    BinaryIO = NoReturn = TextIO = Any

    def TypeVar(_name):  # noqa: N802  as `typing` names it
        """A type that a call decides."""
        return Any

    def cast(_type, value):
        """`value` as it is."""
        return value

    def _annotations(namespace):
        """The annotations in the body of a class; from Python 3.14 they are evaluated on demand."""
        if "__annotations__" in namespace or "__annotate_func__" not in namespace:
            return namespace.get("__annotations__", ())
        from annotationlib import Format, call_annotate_function, get_annotate_from_class_namespace

        return call_annotate_function(get_annotate_from_class_namespace(namespace), Format.STRING)

    class _NamedTupleClass(type):
        """Turns the annotations of a class into fields, and the values there into defaults."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return type.__new__(cls, name, (tuple,), namespace)
            if bases != (NamedTuple,):  # a subclass of a class with fields adds members alone
                return type.__new__(cls, name, bases, namespace)
            fields = tuple(map(intern, _annotations(namespace)))
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            namespace["__slots__"] = ()
            namespace["__match_args__"] = namespace["_fields"] = fields
            namespace["_field_defaults"] = defaults
            namespace["_defaults"] = tuple(defaults.values())
            for position, field in enumerate(fields):
                namespace[field] = _tuplegetter(position, f"Alias for field number {position}")
            return type.__new__(cls, name, bases, namespace)

    class NamedTuple(metaclass=_NamedTupleClass):
        """The base of a class whose annotated names are the fields of a tuple."""

        __slots__ = ()

        def __new__(cls, *values, **named):  # noqa: D102  that of every class
            missing = len(cls._fields) - len(values)
            # Most are made without names, and what is left out has a default.
            if not missing and not named:
                return tuple.__new__(cls, values)
            if not named and 0 < missing <= len(cls._defaults):
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

        # As fast as a tuple is made, and as unchecked: for values that are complete.
        _make = classmethod(tuple.__new__)

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


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "Generic",
    "NamedTuple",
    "NoReturn",
    "Protocol",
    "TextIO",
    "TypeVar",
    "cast",
]
