"""What torch refuses, or warns of, as scripts of a library `t`."""

import numpy as np


def _leaf(t):
    return t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


# ── leaves ──


def a_leaf_is_not_updated_in_place(t):
    _leaf(t).sub_(0.5)


def nor_by_an_operator(t):
    w = _leaf(t)
    w -= 0.5


def nor_by_an_index(t):
    _leaf(t)[0, 1] = 0.5


def nor_through_a_view(t):
    _leaf(t).t()[0].zero_()


def what_never_saw_a_gradient_has_none_to_clear(t):
    w = _leaf(t)
    w = w - 0.5
    w.detach().grad.zero_()


def what_was_computed_has_no_gradient_to_read(t):
    y = _leaf(t) * 2.0
    y.sum().backward()
    return y.grad


def what_was_computed_stays_differentiable(t):
    (_leaf(t) * 2.0).requires_grad_(False)


def nor_by_its_flag(t):
    y = _leaf(t) * 2.0
    y.requires_grad = False


def integers_have_no_gradient(t):
    t.tensor([1, 2]).requires_grad_()


def nor_have_comparisons(t):
    (_leaf(t) <= 2.0).requires_grad_()


def a_gradient_has_its_tensors_size(t):
    _leaf(t).grad = t.tensor([1.0])


def a_gradient_is_a_tensor(t):
    _leaf(t).grad = 0.0


def nothing_is_kept_where_nothing_arrives(t):
    t.tensor([1.0]).retain_grad()


def nor_hooked(t):
    t.tensor([1.0]).register_hook(lambda g: g)


# ── backward ──


def backward_starts_from_a_number(t):
    (_leaf(t) * 2.0).backward()


def or_from_a_gradient_of_its_shape(t):
    (_leaf(t) * 2.0).backward(t.tensor([1.0, 2.0, 3.0]))


def backward_needs_a_graph(t):
    t.tensor(1.0).backward()


def data_that_is_detached_has_none(t):
    (_leaf(t).detach() * 2.0).sum().backward()


def nor_has_what_was_computed_without(t):
    w = _leaf(t)
    with t.no_grad():
        y = w.sum()
    y.backward()


def nor_have_integers(t):
    _leaf(t).long().sum().backward()


def a_graph_is_run_once(t):
    y = (_leaf(t) * _leaf(t)).sum()
    y.backward()
    y.backward()


def also_where_a_number_was_saved(t):
    y = (_leaf(t) * 2.0).sum()
    y.backward()
    y.backward()


def also_a_part_of_it(t):
    y = _leaf(t) ** 2
    y.sum().backward()
    (y * 2.0).sum().backward()


def a_recorded_gradient_makes_a_cycle(t):
    _leaf(t).sum().backward(create_graph=True)


def nobody_is_no_input(t):
    t.backward([_leaf(t).sum()], inputs=[])


def an_input_is_in_the_graph(t):
    t.grad(_leaf(t).sum(), _leaf(t))


def also_the_second_one(t):
    w = _leaf(t)
    t.grad((w * w).sum(), [w, _leaf(t)])


def an_input_needs_a_gradient(t):
    t.grad(_leaf(t).sum(), t.tensor([1.0]))


def every_output_does(t):
    t.grad([_leaf(t).sum(), t.tensor(1.0)], _leaf(t))


# ── what is saved ──


def an_operand_was_overwritten(t):
    y = _leaf(t) * 1.0
    z = y * y
    y.add_(1.0)
    z.sum().backward()


def a_result_was_overwritten(t):
    y = _leaf(t).exp()
    y.add_(1.0)
    y.sum().backward()


def a_leaf_was_overwritten(t):
    w = _leaf(t)
    y = (w * w).sum()
    with t.no_grad():
        w.add_(1.0)
    y.backward()


def data_were_overwritten(t):
    x = t.tensor([1.0, 2.0])
    y = (_leaf(t) * x).sum()
    x.add_(1.0)
    y.backward()


def doubles_were_overwritten(t):
    y = _leaf(t).double().tanh()
    y.mul_(2.0)
    y.sum().backward()


def a_row_was_overwritten(t):
    y = _leaf(t) * 1.0
    z = y * y
    y[0] = 3.0
    z.sum().backward()


def a_view_was_overwritten_by_way_of_the_whole(t):
    y = _leaf(t) * 1.0
    z = y.t()[1].exp()
    u = y[0].sigmoid() * y[0]
    y.zero_()
    (z.sum() + u.sum()).backward()


def it_was_overwritten_by_way_of_a_detached_copy(t):
    y = _leaf(t).sqrt()
    y.detach().zero_()
    y.sum().backward()


def a_condition_was_overwritten(t):
    condition = t.tensor([[1.0, 2.0], [3.0, 4.0]]) <= 2.0
    y = _leaf(t).where(condition, t.tensor(0.0))
    condition.zero_()
    y.sum().backward()


def an_index_was_overwritten(t):
    index = t.tensor([1, 0])
    y = _leaf(t)[index]
    index.zero_()
    y.sum().backward()


def also_along_a_dimension(t):
    index = t.tensor([[1, 0]])
    y = _leaf(t).gather(0, index)
    index.zero_()
    y.sum().backward()


# ── shapes, dtypes, indices ──


def shapes_fit(t):
    t.tensor([1.0, 2.0]) + t.tensor([1.0, 2.0, 3.0])


def also_further_in(t):
    _leaf(t).unsqueeze(-1) * t.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]])


def matrices_fit(t):
    _leaf(t) @ t.tensor([[1.0, 2.0]])


def elements_are_as_many(t):
    _leaf(t).reshape(3)


def a_matrix_is_turned(t):
    _leaf(t).unsqueeze(0).t()


def what_is_written_is_not_larger(t):
    t.tensor([1.0, 2.0]).add_(_leaf(t).detach())


def nor_of_a_higher_kind(t):
    t.tensor([1, 2]).mul_(t.tensor([1.0, 2.0]))


def integers_have_no_mean(t):
    t.tensor([1, 2]).mean()


def an_index_is_within(t):
    _leaf(t)[0, -3]


def there_are_as_many_dimensions(t):
    _leaf(t)[0, 1, 0]


def a_step_goes_forward(t):
    _leaf(t)[::-1]


def a_number_has_no_length(t):
    len(t.tensor(1.0))


def many_are_no_number(t):
    _leaf(t).detach().item()


def many_are_no_condition(t):
    bool(_leaf(t) <= 1.0)


def none_are_no_condition(t):
    bool(t.tensor(np.zeros(0)))


def an_array_is_not_differentiated(t):
    _leaf(t).numpy()
