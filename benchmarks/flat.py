"""Adam when nothing is asked of it but the step: a contestant, not a rung.

The parameters become views of one buffer, gradients are gathered into another, and one call of the kernel that torch
uses for `fused=True` steps them all: what is saved is what an optimizer pays per tensor.  Whoever has no gradient must
not move, so from the first step on which one is missing there is a call's worth of tensors again, as in native.
`tests/optim/test_flat.py` holds it to the laws of optim.adam.
"""

import torch


class FlatAdam:
    """One group, one dtype, real and dense; every option of Adam's that changes the numbers."""

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        amsgrad=False,
        *,
        maximize=False,
        decoupled_weight_decay=False,
    ):
        self.params, self.lr, self.together = list(params), lr, True
        self.kernel = torch._fused_adamw_ if decoupled_weight_decay else torch._fused_adam_
        self.options = dict(beta1=betas[0], beta2=betas[1], eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        self.options["maximize"] = maximize
        w = torch.cat([p.detach().reshape(-1) for p in self.params])
        averages = [torch.zeros_like(w) for _ in range(3 if amsgrad else 2)]
        self.flat = [w, torch.empty_like(w), *averages]
        self.pieces = [self._views(a) for a in self.flat]
        self.steps = [w.new_zeros((), dtype=torch.float32)]
        for p, view in zip(self.params, self.pieces[0], strict=True):
            p.data = view

    def _views(self, flat):
        pieces = flat.split([p.numel() for p in self.params])
        return [piece.view_as(p) for piece, p in zip(pieces, self.params, strict=True)]

    @torch.no_grad()
    def step(self):
        grads = [p.grad for p in self.params]
        if self.together and all(g is not None for g in grads):
            torch._foreach_copy_(self.pieces[1], grads)
            self._call([[a] for a in self.flat], self.steps)
        else:
            self._step_some([i for i, g in enumerate(grads) if g is not None])

    def _step_some(self, chosen):
        if self.together:
            self.together, self.steps = False, [self.steps[0].clone() for _ in self.params]
        w, _, *averages = ([pieces[i] for i in chosen] for pieces in self.pieces)
        if chosen:
            self._call(
                [w, [self.params[i].grad.contiguous() for i in chosen], *averages], [self.steps[i] for i in chosen]
            )

    def _call(self, lists, steps):
        torch._foreach_add_(steps, 1)
        w, g, m, v, *s = lists
        self.kernel(w, g, m, v, *(s or [[]]), steps, lr=self.lr, **self.options)
