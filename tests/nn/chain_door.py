"""The door for chains of layers: a module of modules, built and called as torch's Sequential is."""

from tests.door import Call, tensors

LAYERS = {
    "linear": lambda w, _: f"torch.nn.Linear(*{w['weight'].T.shape}, {'bias' in w}, dtype=torch.{w['weight'].dtype})",
    "relu": lambda _, __: "torch.nn.ReLU()",
    "dropout": lambda _, settings: f"torch.nn.Dropout({settings['p']})",
}


def lines(problem, options, dtype):
    """What comes out, and the gradients: of the input only where it needs one."""
    yield f"layers = [{', '.join(LAYERS[kind](*about) for kind, *about in problem.layers)}]"
    yield f"for layer, state in zip(layers, {tensors([params for _, params, _ in problem.layers])}):"
    yield "    layer.load_state_dict(state)"
    yield f"x = {tensors(problem.x)}.requires_grad_({problem.needs_x})"
    yield f"torch.manual_seed({problem.seed})"
    yield f"y = f(*layers).train({problem.training})(x)"
    yield "if y.requires_grad:"
    yield f"    y.backward({tensors(problem.dy)})"
    yield "named = {f'{i}.{k}': p for i, layer in enumerate(layers) for k, p in layer.named_parameters()}"
    yield "seen = {'output': y} | {k: p.grad for k, p in ({'x': x} | named).items() if p.grad is not None}"
    yield "seen |= {'drawn next': torch.rand(1)}"


class Chains(Call):
    def searched(self, entry, dtype):
        """In what lets no zero in, so that the output shows what a layer does, and then in everything."""
        every = entry.problems(dtype)
        return [every.filter(lambda chain: chain.x.all()), every]


DOOR = Chains(
    needs="a Module NAME(*modules) that hands its input from one to the next, and has them as children 0, 1 and so on",
    lines=lines,
)
