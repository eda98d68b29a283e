"""What people write with tensors, as scripts of a library `t`: what each tells is the same on tape and torch.

The numbers are small, so that nothing rounds.
"""

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
