"""Runs something right after a module has been imported, before whoever imported it goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}


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
        if name not in _waiting:
            return None
        actions = _waiting.pop(name)  # gone before the real finders are asked, or they would ask here again
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            _waiting[name] = actions
            return None
        spec.loader = _Loader(spec.loader, actions)
        return spec


class _Loader(Loader):
    def __init__(self, real: Loader, actions: list[Callable[[ModuleType], None]]) -> None:
        self.real = real
        self.actions = actions

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.real
        module.__loader__ = self.real
        self.real.exec_module(module)
        for action in self.actions:
            action(module)
