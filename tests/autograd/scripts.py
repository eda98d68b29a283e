"""What people write with tensors, as scripts of a library `t`: what each tells is the same on tape and torch.

The numbers are small, so that nothing rounds.
"""

import operator

import numpy as np

from tests.autograd.trace import snapshot


def _leaf(t):
    return t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def _dtype(x):
    return str(x.dtype).removeprefix("torch.")


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
        grads.append(snapshot(w.grad))
    kept = w.grad
    w.sum().backward()
    grads += [kept is w.grad, snapshot(w.grad)]
    w.grad.zero_()
    w.sum().backward()
    grads.append(snapshot(w.grad))
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
    first = y.register_hook(lambda g: seen_by.append(snapshot(g)))
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
    return [y, row.requires_grad, row.is_leaf, turned.requires_grad, snapshot(turned), w.grad, v.grad]


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
    return [snapshot(z), y]


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
    return [[_dtype(x), x.tolist()] for x in results]


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
    return [[snapshot(part) for part in y[2:4]], w.grad, snapshot((w.relu() * 0.0).sum())]


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
    return [
        [list(x) if isinstance(x, tuple) else x for x in told],
        w.grad,
        w.sum([0, 1]),
        w.sum(()),
        w.mean([-1]),
        w.argmax(1),
    ]


# ── several results ──


def _stands(x):
    return [x, x.output_nr, x.grad_fn and x.grad_fn.name()]


def parts_come_from_one_node(t):
    w = _leaf(t)
    told = [w.unbind(), w.unbind(-1), t.unbind(w, 1), w.split(1), w.split([1, 1], 1), t.split(w, 2, -1), w.chunk(2, 1)]
    told += [tuple(w), w.chunk(5), w.split(9), w.flatten().chunk(3)]
    return [[_stands(part) for part in parts] + [len({id(part.grad_fn) for part in parts})] for parts in told]


def a_part_that_is_not_used_has_no_gradient(t):
    w, seen_by = _leaf(t), []
    first, second = w.unbind()
    first.retain_grad()
    second.retain_grad()
    second.register_hook(lambda g: seen_by.append(snapshot(g)))
    first.register_hook(lambda g: seen_by.append(g))
    (second * second).sum().backward(retain_graph=True)
    unused = t.grad(second.sum(), [first, second], allow_unused=True, retain_graph=True)
    return [w.grad, first.grad, second.grad, seen_by, unused, t.grad((first * second).sum(), [second, first])]


def parts_see_what_they_are_parts_of(t):
    w = _leaf(t)
    y = w * 2.0
    rows, columns = y.unbind(), y.split(1, 1)
    with t.no_grad():
        w.sub_(1.0)
    x = t.tensor([[0.0, 0.0], [0.0, 0.0]])
    a, b = x.unbind()
    b.add_(3.0)
    x[0, 0] = 1.0
    return [rows[1], columns[0], x, a, b, [part._version for part in (y, *rows, x, a, b)]]


def the_largest_gets_the_gradient(t):
    w = t.tensor([[2.0, 5.0, 5.0], [5.0, -1.0, 2.0]], requires_grad=True)
    told = [w.max(0), w.max(1), w.min(-1), w.max(dim=1, keepdim=True), w.max(), w.min(), w.amax(1), w.amin(0), w.max(w)]
    values = [x if hasattr(x, "dtype") else x[0] for x in told]
    grads = [t.grad(x.sum(), w)[0] for x in values]
    values, indices = t.max(w, 1)
    return [told, grads, values.output_nr, _dtype(indices), w.argmax(1, keepdim=True), w.argmin(), w[0, 0].max(0)]


def nothing_is_larger_than_nan(t):
    w = t.tensor([[1.0, float("nan"), 3.0], [float("inf"), 0.0, float("inf")]], requires_grad=True)
    told = [w.max(1), w.min(0), w.argmax(1), w.argmin(), w.amax(1), t.grad(w.max(), w), t.grad(w.amin(0).sum(), w)]
    return [told, t.grad(w.max(1).values.sum(), w), t.grad(w.min(0)[0].sum(), w), t.grad(w.maximum(w * 1.0).sum(), w)]


# ── written by index ──


def what_is_written_by_index_is_differentiated(t):
    w, v, one = _leaf(t), t.tensor([1.0, 2.0], requires_grad=True), t.tensor(3.0, requires_grad=True)
    keys = [t.tensor([1]), t.tensor([-1, 0]), [0, 1], w.detach() <= 2.0, t.tensor([True, False]), t.tensor(1), True]
    keys += [(slice(None), t.tensor([1])), (0, t.tensor([1, 0])), (t.tensor([0, 1]), [1, 0]), (None, t.tensor([0]))]
    told = []
    for key in keys:
        for value in (one, 7.0, v) if key is not keys[3] else (one, 7.0):
            y = w * 1.0
            y[key] = value.unsqueeze(1) if value is v and key is keys[7] else value
            grads = t.grad((y * y).sum(), [w, v, one], allow_unused=True)
            told.append([y, y._version, y.grad_fn.name(), grads])
    return told


def also_of_another_dtype_and_of_one_dimension_more(t):
    w, v = _leaf(t), t.tensor([1.0, 2.0], requires_grad=True)
    y, whole = w * 1.0, t.tensor([1, 2])
    y[0] = v.double()
    y[t.tensor([1])] = v.unsqueeze(0).unsqueeze(0)
    whole[0] = 2.75
    whole[t.tensor([1])] = 3.75
    (y * y).sum().backward()
    z = t.index_put(w, (t.tensor([0, 0]), t.tensor([1, 1])), v, accumulate=True)
    return [y, v.grad, w.grad, whole, z, t.grad(z[0, 1] * z[0, 0], [w, v])]


def everything_is_written_at_once(t):
    told = []
    for key in (slice(None), Ellipsis, (slice(None), slice(None)), 0, (0, 1), None):
        for value in (2.0, t.tensor(2.0, requires_grad=True), t.tensor([[1.0, 2.0]], requires_grad=True)):
            y = _leaf(t) * 1.0
            if key != (0, 1) or (not isinstance(value, float) and not value.ndim):
                y[key] = value
            told.append([y, y.grad_fn.name(), [node and node.name() for node, _ in y.grad_fn.next_functions]])
    return told


def what_is_kept_moves_to_what_was_written(t):
    told = []
    for write in (
        lambda y: y.mul_(3.0),
        lambda y: y[0].mul_(3.0),
        lambda y: y.zero_(),
        lambda y: y.__setitem__(t.tensor([0]), 2.0),
    ):
        w, seen_by = _leaf(t), []
        y = w * 2.0
        row = y[1]
        y.retain_grad()
        row.retain_grad()
        y.register_hook(lambda g, seen_by=seen_by: seen_by.append(snapshot(g)))
        write(y)
        y.register_hook(lambda g, seen_by=seen_by: seen_by.append(snapshot(g)))
        (y * y).sum().backward(retain_graph=True)
        told.append([y.grad, y.retains_grad, row.retains_grad, seen_by, w.grad])
        (row * 2.0).sum().backward()
        told.append([y.grad, row.grad, seen_by, w.grad])
    return told


def what_is_seen_without_grad_stays_without(t):
    w, x = _leaf(t), t.tensor([[1.0, 2.0]])
    with t.no_grad():
        row, bare, parts = w[0], x[0], w.unbind()
    y = row * 2.0
    (y.sum() + (w * 1.0).sum()).backward()
    bare.mul_(3.0)
    told = [(part.requires_grad, part.is_leaf) for part in (row, parts[1], y)]
    told += [y.grad_fn.next_functions, w.grad, row.grad]
    with t.no_grad():
        row.add_(1.0)
    return [told, x, w]


# ── powers, sizes of nothing ──


def powers_have_limits(t):
    base, exponent = [0.0, 0.0, 0.0, 2.0, -2.0, -2.0, 1.0], [0.0, 2.0, -1.0, 0.0, 2.0, 0.5, 3.0]
    a, n = t.tensor(base, requires_grad=True), t.tensor(exponent, requires_grad=True)
    whole = t.tensor([2, 3])
    told = [[a**n, t.grad((a**n).sum(), [a, n])], [a ** n.detach(), t.grad((a ** n.detach()).sum(), a)]]
    told += [[c**n, t.grad((c**n).sum(), n)] for c in (0.0, 1, 2)]
    told += [
        whole**2,
        whole ** t.tensor([1, 2]),
        2**whole,
        2.0**whole,
        whole**0.5,
        t.pow(whole, 3),
        abs(a),
        abs(-whole),
    ]
    return [*told, t.grad(abs(a).sum(), a), t.grad((a**0).sum(), a), _dtype(whole ** t.tensor(1.5))]


def sizes_may_be_zero(t):
    w, none = _leaf(t), t.tensor(np.zeros((0, 2), np.float32), requires_grad=True)
    told = [w[2:], w[w > 9.0], none + 1.0, none.sum(), none.sum(0), none @ w, w @ none.t(), none.unbind(), none.max(1)]
    told += [none.softmax(0), none.split(1), none.chunk(2), none.reshape(2, 0), none.expand(3, 0, 2), t.cat([w, none])]
    y = w * 1.0
    y[w > 9.0] = 3.0
    y[2:] = none
    total = sum(x.sum() for x in (w[2:], w[w > 9.0], none * w[:1], none @ w, t.cat([none, w]), y))
    return [told, t.grad(total, [w, none], create_graph=True), y]


def so_may_the_number_of_dimensions(t):
    w = t.tensor(3.0, requires_grad=True)
    told = [w.sum(0), w.mean(-1), w.max(0), w.amax(0), w.softmax(0), w.log_softmax(-1), w.argmax(0), w.unsqueeze(-1)]
    told += [w.flatten(), w.squeeze(), w.squeeze(0), w.reshape(()), w.expand(2), w[None], w[...], w[True], w[w > 5.0]]
    told += [t.stack([w, w]), w.t(), w.view(1, 1), w.permute(()), w.transpose(0, -1)]
    y = w * 1.0
    y[w > 2.0] = 5.0
    y[...] = w * 2.0
    parts = [x if hasattr(x, "dtype") else x[0] for x in told]
    return [told, t.grad(sum((x * x).sum() for x in parts if x.requires_grad), w, create_graph=True), y, t.grad(y, w)]


def joined_tensors_meet_in_one_dtype(t):
    w, whole, yes = t.tensor([1.0, 2.0], requires_grad=True), t.tensor([1, 2]), t.tensor([True, False])
    told = [t.cat([w, whole]), t.cat([yes, whole]), t.stack([whole, w, yes]), t.cat([w, w.double()])]
    return [[x, _dtype(x)] for x in told] + [t.grad(t.cat([whole, w.double(), w]).sum(), w)]


# ── operations of one's own ──


def _function(t, forward, backward, **more):
    more = {name: staticmethod(f) for name, f in more.items()}
    return type("Mine", (t.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward), **more})


def it_may_have_several_results(t):
    def forward(ctx, x, n):
        y, z = x * 2.0, x.exp() * 0.0 + 1.0
        ctx.save_for_backward(y, x, z)
        return y, x.long(), z, n

    def backward(ctx, *grads):
        y, x, z = ctx.saved_tensors
        told.append([ctx.needs_input_grad, [None if g is None else snapshot(g) for g in grads]])
        return grads[0] * y / x + grads[2] * z, None

    told, w = [], _leaf(t)
    mine = _function(t, forward, backward)
    y, whole, z, n = mine.apply(w, 3)
    told += [_stands(y), whole, _stands(z), n, y.grad_fn is z.grad_fn, len(y.grad_fn.next_functions)]
    (y * y).sum().backward(retain_graph=True)
    (y * z).sum().backward()
    told.append(w.grad)
    (g,) = t.grad((mine.apply(w, 1)[0] * mine.apply(w, 1)[2]).sum(), w, create_graph=True)
    return [told, g, t.grad(g.sum(), w), list(mine.apply(w.detach(), 3)), type(mine.apply(w, 3)).__name__]


def some_results_have_no_gradient(t):
    def forward(ctx, x):
        a, b, c = x * 2.0, x + 1.0, x * 3.0
        ctx.mark_non_differentiable(b)
        ctx.set_materialize_grads(False)
        return a, b, c

    def backward(_, *grads):
        told.append([None if g is None else snapshot(g) for g in grads])
        return grads[0], None, None

    told, w = [], _leaf(t)
    a, b, c = _function(t, forward, backward).apply(w)
    (g,) = t.grad((a + c).sum(), w, retain_graph=True)
    return [told, b, g, t.grad(c.sum(), w, allow_unused=True)]


def it_may_write_to_what_it_was_given(t):
    def forward(ctx, x, y):
        ctx.mark_dirty(x)
        return x.mul_(2.0).add_(y)

    told, add = [], _function(t, forward, lambda _, g: (g * 2.0, g))
    for start in (lambda w: w * 1.0, lambda w: w.detach().clone()):
        for part in (lambda x: x, lambda x: x[0]):
            w, v = _leaf(t), t.tensor([1.0, 2.0], requires_grad=True)
            x = start(w)
            given = part(x)
            y = add.apply(given, v)
            grads = t.grad((x * x).sum(), [w, v], allow_unused=True)
            told.append([y is given, x, _stands(y), x._version, x.grad_fn.name(), grads])
    return told


def what_it_reads_may_be_set_up_apart(t):
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output, inputs[0])
        ctx.n = inputs[1]

    def backward(ctx, g):
        y, x = ctx.saved_tensors
        return g * y / x * ctx.n, None, None, None

    w = _leaf(t)
    power = _function(t, lambda x, n=2: x**n, backward, setup_context=setup_context)
    told = [t.grad(power.apply(w, *args).sum(), w, create_graph=True) for args in ((), (3,), (1,))]
    try:
        return [*told, t.grad(power.apply(w, n=3).sum(), w, create_graph=True)]
    except TypeError as refused:  # up to torch 2.12
        return [*told, str(refused)]


def it_returns_one_view_or_the_same_twice(t):
    w = _leaf(t)
    row = _function(t, lambda _, x: x[0], lambda _, g: t.stack([g * 5.0, g * 0.0])).apply(w)
    twice = _function(t, lambda _, x: (x, x), lambda _, g, h: g + h * 2.0).apply(w)
    alone = _function(t, lambda _, x: (x * 2.0,), lambda _, g: g).apply(w)
    nothing = _function(t, lambda _, x: x * 2.0, lambda _, g: None).apply(w)
    told = [_stands(x) for x in (row, *twice, *alone, nothing)] + [twice[0] is w, twice[0] is twice[1]]
    grads = [t.grad(x.sum(), w, allow_unused=True, retain_graph=True) for x in (row, *twice, *alone, nothing)]
    return [told, grads, [g.shape == w.shape for (g,) in grads[:3]]]


def other_arguments_have_no_edge(t):
    w, x = _leaf(t), t.tensor([1.0, 2.0])
    mine = _function(t, lambda ctx, n, a, b, s: a * n, lambda ctx, g: (None, g, g, None, None, None))
    y = mine.apply(2.0, w, x, "s")
    return [[node and node.name() for node, _ in y.grad_fn.next_functions], t.grad(y.sum(), w)]


def numbers_are_compared_one_by_one(t):
    x, ways = t.tensor([1.0, 2.0, 3.0]), (operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt)
    return [[way(x, t.tensor([2.0, 2.0, 1.0])), way(x, 2.0)] for way in ways]


def a_source_may_be_larger_than_its_index(t):
    w, source, index = _leaf(t), _leaf(t).detach(), t.tensor([[1], [0]])
    results = [w.scatter(1, index, source), w.scatter_add(1, index, source)]
    return [[y, t.grad((y * y).sum(), w)] for y in results]


def gradients_may_be_asked_of_many_at_once(t):
    w, v = _leaf(t), t.tensor([1.0, 2.0], requires_grad=True)
    y, seeds = w * w * v, t.tensor(np.arange(12, dtype=np.float32).reshape(3, 2, 2))
    told = [t.grad(y, [w, v], seeds, retain_graph=True, is_grads_batched=True)]
    told += [t.grad([y, v * 2.0], [w, v], [seeds, seeds[:, 0]], is_grads_batched=True, create_graph=True)]
    told += [t.grad(w * 2.0, [w, v], seeds, is_grads_batched=True, allow_unused=True)]
    return [
        told,
        t.jacobian(lambda a: a * a, v, vectorize=True),
        t.hessian(lambda a: (a * a * a).sum(), v, vectorize=True),
    ]
