"""What people write with tensors, as scripts of a library `t`: what each tells is the same on tape and torch.

The numbers are small, so that nothing rounds.
"""

import numpy as np

from tests.observe.autograd import seen


def _leaf(t):
    return t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def of_a_leaf_the_copy_in_another_dtype_is_no__leaf(t):
    w = _leaf(t)
    return [w.float() is w, w.double(), w.double().float().is_leaf, w.detach().double()]


def a_parameter_that_is_reassigned_loses_its_gradient(t):
    w = _leaf(t)
    w.sum().backward()
    before, w = w.grad, w - 0.5 * w.grad
    w.retain_grad()
    return [before, w, w.grad]


def gradients_accumulate_until_they_are_cleared(t):
    w, grads = _leaf(t), []
    for _ in range(2):
        (w * w).sum().backward()
        grads.append(seen(w.grad))
    kept = w.grad
    w.sum().backward()
    grads += [kept is w.grad, seen(w.grad)]
    w.grad.zero_()
    w.sum().backward()
    grads.append(seen(w.grad))
    w.grad = None
    w.sum().backward()
    return [*grads, w.grad]


def an_update_in_place_is_not_recorded_without_grad(t):
    w = _leaf(t)
    w.sum().backward()
    with t.no_grad():
        w -= 0.5 * w.grad
        w.grad.zero_()
    return [w, w.grad]


def without_gradients_there_is_no_graph(t):
    x, w = t.tensor([1.0, 2.0]), _leaf(t)
    with t.no_grad():
        y = w * 2.0
        with t.enable_grad():
            z = w * y
        u = w * z
    decorated = [mode(lambda: w * 2.0)() for mode in (t.no_grad(), t.no_grad, t.enable_grad(), t.enable_grad)]
    return [x * 2.0 + 1.0, y, z, u, w.detach() * 2.0, decorated]


def the_mode_comes_back_after_an_exception(t):
    w, found = _leaf(t), []
    try:
        with t.no_grad():
            raise KeyError
    except KeyError:
        found.append((w * 2.0).requires_grad)
    with t.no_grad(), t.no_grad():
        pass
    return [*found, (w * 2.0).requires_grad]


def data_has_no_box(t):
    x, w = t.tensor([1.0, 2.0]), _leaf(t)
    y = w * x
    return [name and name.name() for name, _ in y.grad_fn.next_functions]


def intermediate_gradients_are_kept_on_request_only(t):
    w = _leaf(t)
    y = w * 2.0
    z = y * y
    y.retain_grad()
    w.retain_grad()
    z.sum().backward()
    return [y.grad, y.retains_grad, z.retains_grad, w.retains_grad, w.grad]


def what_is_kept_on_the_way_accumulates(t):
    w = _leaf(t)
    y = w * 2.0
    y.retain_grad()
    (y * y).sum().backward(retain_graph=True)
    (y * y).sum().backward()
    return [y.grad, w.grad]


def what_is_kept_on_the_way_is_its_own(t):
    w = _leaf(t)
    y = w + 1.0
    y.retain_grad()
    y.sum().backward()
    y.grad.zero_()
    return [y.grad, w.grad]


def backward_goes_to_what_was_computed_where_it_is_named(t):
    w = _leaf(t)
    y = w * 2.0
    z = (y * y).sum()
    z.backward(inputs=[y], retain_graph=True)
    z.backward(inputs=(y, w))
    return [y.grad, y.retains_grad, w.grad]


def a_hook_sees_a_gradient_and_may_change_it(t):
    w, seen_by = _leaf(t), []
    y = w * 2.0
    y.register_hook(lambda g: g * 3.0)
    first = y.register_hook(lambda g: seen_by.append(seen(g)))
    y.retain_grad()
    y.register_hook(lambda g: g + 1.0)
    removed = w.register_hook(lambda g: g * 100.0)
    w.register_hook(lambda g: -g)
    removed.remove()
    removed.remove()
    y.sum().backward(retain_graph=True)
    first.remove()
    y.sum().backward()
    return [seen_by, y.grad, w.grad, t.grad((w * 2.0).sum(), w)]


def gradients_may_be_asked_of_what_was_computed(t):
    w = _leaf(t)
    y = w * 2.0
    z = (y * y).sum()
    return [t.grad(z, [y, w], retain_graph=True), t.grad([z, y], [w], [t.tensor(0.5), w.detach()]), w.grad]


def backward_goes_to_the_inputs_that_are_named(t):
    w, v = _leaf(t), _leaf(t)
    y = w * v
    t.backward([y.sum(), y], [None, v.detach()], inputs=[w])
    return [w.grad, v.grad]


def unused_inputs_are_allowed_or_are_zeros(t):
    w, v = _leaf(t), _leaf(t)
    return [t.grad(w.sum(), [v, w], allow_unused=True), t.grad(w.sum(), [v, w], materialize_grads=True)]


def a_graph_may_be_run_twice_where_it_is_retained(t):
    w = _leaf(t)
    y = (w * w * w).sum()
    y.backward(retain_graph=True)
    y.backward()
    s = (w + w).sum()
    s.backward()
    s.backward()
    return w.grad


def a_gradient_of_a_gradient(t):
    w = _leaf(t)
    (g,) = t.grad((w * w * w).sum(), w, create_graph=True)
    (h,) = t.grad(g.sum(), w, create_graph=True)
    return [g, h, t.grad(h.sum(), w)]


def versions_count_writes(t):
    w = _leaf(t)
    y = w * 1.0
    view, copy, bare = y[0], y.clone(), y.detach()
    versions = [y._version]
    y.add_(1.0)
    view.mul_(2.0)
    bare.sub_(1.0)
    copy.zero_()
    versions += [x._version for x in (w, y, view, copy, bare)]
    return [versions, y, view, copy, bare]


def what_is_written_in_place_is_differentiated(t):
    w, v = _leaf(t), _leaf(t)
    y = w * 2.0
    y += v
    y *= 3.0
    y -= w
    y /= 2.0
    y[0] = v[1]
    y[1, 0] = 7.0
    (y * y).sum().backward()
    return [y, w.grad, v.grad]


def who_writes_to_a_view_changes_what_it_is_a_view_of(t):
    w, v = _leaf(t), _leaf(t)
    y = w * 2.0
    row, column, turned = y[0], y[:, 0], y.t()
    row.mul_(v[1])
    column.add_(1.0)
    (y * y).sum().backward(retain_graph=True)
    (turned[0] * row).sum().backward()
    return [y, row.requires_grad, row.is_leaf, turned.requires_grad, seen(turned), w.grad, v.grad]


def data_that_is_written_to_needs_gradients(t):
    x, w = t.tensor([[0.0, 0.0], [0.0, 0.0]]), _leaf(t)
    other = x[1]
    x[0] = w[1]
    x.t()[1].mul_(3.0)
    (x * x).sum().backward()
    return [x, other.requires_grad, w.grad]


def what_is_filled_forgets(t):
    w, v = _leaf(t), _leaf(t)
    y, z, u = w * 1.0, w * 1.0, w * 1.0
    y.zero_()
    z.fill_(3.0)
    u.copy_(v)
    ((y + z + u) * w).sum().backward()
    return [y, z, u, w.grad, v.grad]


def a_write_that_nobody_saved_is_no_harm(t):
    w = _leaf(t)
    y, c = w * 2.0, t.tensor([1.0, 2.0])
    z = y + c
    y.add_(1.0)
    c.zero_()
    z.sum().backward()
    return w.grad


def only_what_a_derivative_reads_is_saved(t):
    w, c = _leaf(t), t.tensor([1.0, 2.0])
    y = w.detach()
    z = w * c + y * c
    y.add_(1.0)
    return [seen(z), y]


def dtypes_are_promoted_by_kind_and_then_by_dimensions(t):
    whole, single, double = t.tensor([1, 2]), t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0]).double()
    yes, scalar = whole <= 1, t.tensor(2.0).double()
    pairs = [(whole, single), (single, double), (single, scalar), (whole, scalar), (yes, whole), (yes, single)]
    results = [a * b for a, b in pairs] + [b + a for a, b in pairs]
    results += [
        whole * 2.5,
        whole * 2,
        yes + 1,
        yes * 2.5,
        single * 2,
        whole / whole,
        whole / 2,
        yes.sum(),
        whole.sum(),
    ]
    results += [single.maximum(scalar), whole.exp() * 0, whole.sigmoid() * 0]
    return [[str(x.dtype).removeprefix("torch."), x.tolist()] for x in results]


def a_gradient_has_its_operands_dtype(t):
    w, v, s = _leaf(t), _leaf(t).detach().double().requires_grad_(), t.tensor(2.0).double().requires_grad_()
    ((w * v) * (w.float() * s)).sum().backward()
    return [w.grad, v.grad, s.grad]


def the_flag_of_a_leaf_may_be_changed(t):
    x = t.tensor([1.0])
    x.requires_grad = True
    y = x * 2.0
    x.requires_grad_(False)
    return [x, y, x * 2.0, (y * 1.0).requires_grad_()]


def values_that_are_not_finite_flow_as_in_torch(t):
    w = t.tensor([0.0, -1.0, float("inf"), float("nan")], requires_grad=True)
    y = [w.log(), w.sqrt(), 1.0 / w, w.relu(), w.exp(), w.sigmoid(), w * w, w / w, w.maximum(w.detach()), w.tanh()]
    sum(part.sum() for part in y).backward()
    return [[seen(part) for part in y[2:4]], w.grad, seen((w.relu() * 0.0).sum())]


def a_zero_gradient_stops_infinity_where_a_mask_does(t):
    w = t.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    t.backward([w.relu()], [t.tensor([float("inf"), float("nan"), 1.0])])
    v = t.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    t.backward([v.where(v <= 0.0, w.detach())], [t.tensor([float("inf"), float("nan"), float("inf")])])
    return [w.grad, v.grad]


def an_operation_of_ones_own_is_differentiated(t):
    class Cube(t.Function):
        @staticmethod
        def forward(ctx, x, factor):
            y = x * x
            ctx.save_for_backward(x, y, None)
            ctx.factor, ctx.flag = factor, x.requires_grad
            told.append([ctx.needs_input_grad, ctx.flag, y.requires_grad])
            return y * x * factor

        @staticmethod
        def backward(ctx, g):
            _, y, nothing = ctx.saved_tensors
            told.append([ctx.needs_input_grad, nothing, y.requires_grad])
            return g * y * 3.0 * ctx.factor, None

    told, w = [], _leaf(t)
    y = Cube.apply(w, 2.0)
    y.sum().backward()
    (g,) = t.grad(Cube.apply(w, 2.0).sum(), w, create_graph=True)
    with t.no_grad():
        z = Cube.apply(w, 1.0)
    return [told, y, w.grad, g, z, Cube.apply(w.detach(), 1.0)]


def its_gradient_is_recorded_and_fitted(t):
    class Product(t.Function):
        @staticmethod
        def forward(ctx, a, b):
            y = a * b
            ctx.save_for_backward(a, b, y)
            return y

        @staticmethod
        def backward(ctx, g):
            a, _, y = ctx.saved_tensors
            return g * y / a, g * a

    w, v = _leaf(t), t.tensor([1.0, 2.0], requires_grad=True)
    grads = t.grad(Product.apply(w, v).sum(), [w, v], create_graph=True)
    return [grads, t.grad((grads[0] * w).sum() + grads[1].sum(), [w, v])]


def it_may_return_what_it_was_given(t):
    class Same(t.Function):
        @staticmethod
        def forward(_, x):
            return x

        @staticmethod
        def backward(_, g):
            return -g

    w = _leaf(t)
    y = Same.apply(w)
    y.sum().backward()
    return [y is w, y, w.grad, w]


def functions_of_functions_take_one_or_several(t):
    w, v = _leaf(t), t.tensor([1.0, 2.0])
    both, square = lambda a, b: (a * b, b.sum()), lambda a: a * a
    total = lambda a, b: (a * a * b).sum()
    return [
        t.vjp(square, w, w.detach()),
        t.vjp(lambda a: a.sum(), v),
        t.vjp(both, (w, v), (w.detach(), t.tensor(1.0))),
        t.jvp(both, (w, v), (w.detach(), v)),
        t.jvp(lambda a: a + v, w, w.detach()),
        t.jacobian(square, v),
        t.jacobian(both, (w, v)),
        t.hessian(total, (w, v)),
        t.hessian(lambda a: a.sum(), v),
        t.vjp(square, w, w.detach(), create_graph=True)[1],
    ]


def data_are_written_to_behind_the_back_of_derivatives(t):
    w = _leaf(t)
    y = (w * w).sum()
    w.data.sub_(0.5)
    y.backward()
    return [w._version, w.data, w.grad]


def tensors_are_iterated_and_converted(t):
    w = _leaf(t)
    first, second = w
    number = w.detach().sum()
    told = [
        int(number),
        float(number),
        np.asarray(number),
        np.asarray(w.detach()),
        len(w),
        w.size(),
        w.size(1),
        w.dim(),
    ]
    (first * second).sum().backward()
    return [[list(x) if isinstance(x, tuple) else x for x in told], w.grad, w.sum([0, 1]), w.mean([-1]), w.argmax(1)]
