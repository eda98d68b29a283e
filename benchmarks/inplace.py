"""What NumPy can do when nothing is allocated: contestants, not rungs.

The manual rung is pure, so every operation makes a new array.  Here the same operations are made in the same order, to
the same bits, in memory that is kept: all parameters are one flat array, and so are gradients and state, so that an
optimizer's pass is one call whatever the number of tensors.
"""

import numpy as np

CHUNK = 2**15  # elements of a pass, so that all operands of the next one are still in the cache


class Flat:
    """Arrays that are one, with their gradients."""

    def __init__(self, params, lr):
        self.shapes = [w.shape for w in params]
        self.params = np.concatenate([w.ravel() for w in params])
        self.grads, self.lr = np.empty_like(self.params), lr

    def views(self, flat):
        """The pieces of a flat array, in their shapes."""
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])
        return [piece.reshape(shape) for piece, shape in zip(np.split(flat, ends[:-1]), self.shapes, strict=True)]


class SGDInPlace(Flat):
    def step(self):
        """Overwrites the gradients."""
        self.grads *= self.lr
        self.params -= self.grads


class AdamInPlace(Flat):
    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr)
        self.betas, self.eps, self.t = betas, eps, 0
        self.m, self.v = np.zeros_like(self.params), np.zeros_like(self.params)
        self.scratch, self.other = np.empty_like(self.params[:CHUNK]), np.empty_like(self.params[:CHUNK])

    def step(self):
        self.t += 1
        for i in range(0, len(self.params), CHUNK):
            w, g, m, v = (a[i : i + CHUNK] for a in (self.params, self.grads, self.m, self.v))
            self.update(w, g, m, v, self.scratch[: len(w)], self.other[: len(w)])

    def update(self, w, g, m, v, s, d):
        beta1, beta2 = self.betas
        m *= beta1
        m += np.multiply(g, 1 - beta1, out=s)
        v *= beta2
        np.multiply(g, g, out=s)
        s *= 1 - beta2
        v += s
        np.sqrt(v, out=d)
        d /= (1 - beta2**self.t) ** 0.5
        d += self.eps
        np.multiply(m, self.lr / (1 - beta1**self.t), out=s)
        s /= d
        w -= s


class TrainingInPlace:
    """The training step of a chain of linear layers with rectifiers between them; the loss is the manual rung's."""

    def __init__(self, optimizer, loss, batch, dtype):
        """`optimizer` holds weight, bias, weight, bias, ... of the layers, bottom up."""
        self.optimizer, self.loss = optimizer, loss
        params, grads = optimizer.views(optimizer.params), optimizer.views(optimizer.grads)
        self.layers = list(zip(params[0::2], params[1::2], grads[0::2], grads[1::2], strict=True))
        self.outputs = [np.empty((batch, len(b)), dtype) for _, b, _, _ in self.layers]
        self.rectified, self.gradients, self.alive = (
            [np.empty_like(y, dtype=kind) for y in self.outputs[:-1]] for kind in (dtype, dtype, bool)
        )

    def step(self, x, target):
        for (w, b, _, _), y, a, below in zip(
            self.layers, self.outputs, [*self.rectified, None], [x, *self.rectified], strict=True
        ):
            np.matmul(below, w.T, out=y)
            y += b
            if a is not None:
                np.maximum(y, 0.0, out=a)
        value, saved = self.loss.forward(self.outputs[-1], target)
        self.backward(x, self.loss.backward(1.0, saved, (True, False))[0])
        self.optimizer.step()
        return value

    def backward(self, x, dy):
        inputs = [x, *self.rectified]
        for i in reversed(range(len(self.layers))):
            w, _, dw, db = self.layers[i]
            np.matmul(dy.T, inputs[i], out=dw)
            np.sum(dy, axis=0, out=db)
            if i:
                below, alive = self.gradients[i - 1], self.alive[i - 1]
                np.matmul(dy, w, out=below)
                np.greater(self.outputs[i - 1], 0.0, out=alive)
                below *= alive  # not where(...), which guesses at each element and is nine times slower
                dy = below
