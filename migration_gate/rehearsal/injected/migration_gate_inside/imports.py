"""Runs something right after a module has been imported, before whoever imported it goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
_asking: set[str] = set()


def after(name: str, action: Callable[[ModuleType], None]) -> None:
    """Call ``action(module)`` as soon as the module is there: now, or when it is imported."""
    if name in sys.modules:
        action(sys.modules[name])
        return
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _waiting.setdefault(name, []).append(action)


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _waiting or name in _asking:
            return None
        _asking.add(name)  # the real finders are asked by way of this one
        try:
            spec = find_spec(name)
        finally:
            _asking.discard(name)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader, name)
        return spec


class _Loader(Loader):
    def __init__(self, real: Loader, name: str) -> None:
        self.real = real
        self.name = name

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.real
        module.__loader__ = self.real
        self.real.exec_module(module)
        # Now, and not when the module was looked for: who asks whether it is there may not go on to import it.
        for action in _waiting.pop(self.name, ()):
            action(module)
