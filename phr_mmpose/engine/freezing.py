"""Which sub-modules of a model train, and which are frozen."""

from collections.abc import Sequence

from torch import nn

from phr_mmpose.utils.errors import UserError


class Freezing:
    """Trains some sub-modules of a model and freezes all the others.

    A frozen parameter has no gradient, so no optimizer touches it (neither weight decay
    nor momentum). A frozen module is in evaluation mode, so its batch statistics do not
    change. Parameters that the user froze before (``frozen_stages``,
    ``requires_grad=False``) stay frozen throughout.

    Args:
        model (nn.Module): The model, not wrapped for distributed training.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._trainable = {
            id(parameter) for parameter in model.parameters() if parameter.requires_grad
        }
        self._frozen: list[nn.Module] = []

    def subnetworks(self) -> dict[str, list[nn.Module]]:
        """Return the modules of a cascade's subnetworks; none for another model."""
        subnetworks = getattr(self._model, 'subnetworks', None)
        return subnetworks() if callable(subnetworks) else {}

    def named(self, name: str) -> list[nn.Module]:
        """Find the modules that a name stands for.

        Args:
            name (str): ``'detector'`` or ``'refiner'`` where the model has
                ``subnetworks()``, else a sub-module's name, such as
                ``'backbone.layer4'``.

        Returns:
            list[nn.Module]: At least one module.

        Raises:
            UserError: If the model has no such sub-module.
        """
        subnetworks = self.subnetworks()
        if name in subnetworks:
            return subnetworks[name]
        module = dict(self._model.named_modules()).get(name)
        if module is None or module is self._model:
            known = [*subnetworks, *(each for each, _ in self._model.named_children())]
            raise UserError(
                f'config: the model has no sub-module {name!r} to train; it has '
                f'{", ".join(dict.fromkeys(known))} and what lies in them'
            )
        return [module]

    def parameters(self, names: Sequence[str]) -> list[nn.Parameter]:
        """List the parameters that train with these names.

        Args:
            names (Sequence[str]): As for :meth:`named`.

        Returns:
            list[nn.Parameter]: Without those that the user froze.
        """
        return [
            parameter
            for name in names
            for module in self.named(name)
            for parameter in module.parameters()
            if id(parameter) in self._trainable
        ]

    def train_only(self, names: Sequence[str]) -> None:
        """Train these sub-modules and freeze all others.

        Args:
            names (Sequence[str]): As for :meth:`named`.
        """
        chosen = {id(parameter) for parameter in self.parameters(names)}
        for parameter in self._model.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
            if not parameter.requires_grad:
                parameter.grad = None
        trained = {id(module) for name in names for module in self.named(name)}
        self._frozen = _outside(self._model, trained)[0]
        self.keep_still()

    def keep_still(self) -> None:
        """Put what is frozen back into evaluation mode, after ``model.train()``."""
        for module in self._frozen:
            if module.training:
                module.eval()


def _outside(module: nn.Module, trained: set[int]) -> tuple[list[nn.Module], bool]:
    """List the topmost modules that neither train nor hold one that does.

    Returns:
        tuple[list[nn.Module], bool]: These modules, and whether any module below
        ``module`` (or itself) trains.
    """
    if id(module) in trained:
        return [], True
    found = [_outside(child, trained) for child in module.children()]
    if not any(trains for _, trains in found):
        return [module], False
    return [each for frozen, _ in found for each in frozen], True
