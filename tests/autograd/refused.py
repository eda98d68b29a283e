"""What torch refuses, or warns of, as scripts of a library `t`."""

import numpy as np

from impls.ladder import Rung
from tests.autograd.trace import library


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


def and_its_dtype(t):
    _leaf(t).grad = _leaf(t).detach().double()


def a_hook_keeps_the_size(t):
    w = _leaf(t)
    w.register_hook(lambda g: g[0])
    w.sum().backward()


def and_the_dtype(t):
    y = _leaf(t) * 2.0
    y.register_hook(lambda g: g.double())
    y.sum().backward()


def and_returns_a_tensor(t):
    y = _leaf(t) * 2.0
    y.register_hook(lambda g: 2.0)
    y.sum().backward()


def what_is_spread_is_not_written_to(t):
    (_leaf(t)[0] * 1.0).expand(3, 2).add_(1.0)


def also_in_a_hook(t):
    y = _leaf(t) * 2.0
    y.register_hook(lambda g: g.mul_(2.0))
    y.sum().backward()


def a_number_of_what_is_differentiated_is_asked_for(t):
    float(_leaf(t).sum())


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


def what_is_named_needs_a_gradient(t):
    _leaf(t).sum().backward(inputs=[t.tensor([1.0])])


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


def also_where_no_gradient_of_the_base_reads_it(t):
    y = _leaf(t) ** t.tensor(2.0)
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


def a_view_is_of_what_lies_in_order(t):
    _leaf(t).t().view(4)


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


def nor_is_it_iterated(t):
    list(t.tensor(1.0))


def many_are_no_number(t):
    _leaf(t).detach().item()


def many_are_no_condition(t):
    bool(_leaf(t) <= 1.0)


def none_are_no_condition(t):
    bool(t.tensor(np.zeros(0)))


def an_array_is_not_differentiated(t):
    _leaf(t).numpy()


def nor_by_way_of_numpy(t):
    np.asarray(_leaf(t))


# ── functions ──


def _an_operation_of_ones_own(t, gradient):
    class Double(t.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return gradient(g * x)

    return Double.apply


def it_returns_as_many_gradients_as_it_has_arguments(t):
    _an_operation_of_ones_own(t, lambda g: (g, g))(_leaf(t)).sum().backward()


def of_the_shape_of_its_argument(t):
    _an_operation_of_ones_own(t, lambda g: t.tensor([1.0, 2.0, 3.0]))(_leaf(t)).sum().backward()


def what_it_saved_is_freed(t):
    y = _an_operation_of_ones_own(t, lambda g: g)(_leaf(t)).sum()
    y.backward()
    y.backward()


def and_was_not_overwritten(t):
    w = _leaf(t) * 1.0
    y = _an_operation_of_ones_own(t, lambda g: g)(w).sum()
    w.add_(1.0)
    y.backward()


def it_is_not_instantiated(t):
    class Mine(t.Function):
        pass

    Mine()


def it_has_a_forward(t):
    t.Function.apply(_leaf(t))


# ── several results ──


def _parts(t):
    y = _leaf(t) * 1.0
    return y, y.unbind()


def one_of_several_views_is_not_written_to(t):
    _parts(t)[1][1].mul_(2.0)


def nor_is_a_view_of_it(t):
    _parts(t)[1][1][:1].mul_(2.0)


def nor_is_it_read_after_the_whole_was(t):
    y, (first, _) = _parts(t)
    y.add_(1.0)
    return first * 2.0


def nor_looked_at(t):
    y, (_, second) = _parts(t)
    with t.no_grad():
        y.add_(1.0)
    return second.grad_fn


def data_in_parts_do_not_come_to_need_gradients(t):
    x = t.tensor([[0.0, 0.0]])
    x.split(1)[0].add_(_leaf(t)[:1])


def a_view_without_grad_is_not_written_to(t):
    y = _leaf(t) * 1.0
    with t.no_grad():
        view = y[0]
    view.add_(1.0)


def nor_is_its_view(t):
    y = _leaf(t) * 1.0
    with t.no_grad():
        view = y.t()
    view[0].add_(1.0)


def nor_are_parts_without_grad(t):
    with t.no_grad():
        parts = _leaf(t).unbind()
    parts[0].add_(1.0)


def nor_used_after_the_whole_was_written_to(t):
    y = _leaf(t) * 1.0
    with t.no_grad():
        view = y[0]
    y.add_(1.0)
    return view * 2.0


def a_hook_makes_no_gradient_where_there_is_none(t):
    _, (first, second) = _parts(t)
    first.register_hook(lambda g: t.tensor([1.0, 1.0]) if g is None else g)
    second.sum().backward()


def sizes_add_up(t):
    _leaf(t).split([1, 2], 1)


def a_part_has_a_size(t):
    _leaf(t).split(0)


def not_a_negative_one(t):
    _leaf(t).split(-1)


def there_are_some_chunks(t):
    _leaf(t).chunk(0)


def a_number_has_no_parts(t):
    t.tensor(1.0).unbind()


def nor_any_of_a_size(t):
    t.tensor(1.0).split(1)


def a_leafs_rows_stay_as_they_are(t):
    for row in _leaf(t):
        row.mul_(2.0)


# ── written by index ──


def a_leaf_is_not_written_by_index(t):
    _leaf(t)[t.tensor([0])] = 1.0


def what_is_written_by_index_fits(t):
    y = _leaf(t) * 1.0
    y[t.tensor([0, 1])] = t.tensor([1.0, 2.0, 3.0])


def where_a_mask_is_true(t):
    y = _leaf(t) * 1.0
    y[y > 1.0] = t.tensor([1.0, 2.0])


def and_is_of_the_same_dtype(t):
    y = _leaf(t) * 1.0
    y[t.tensor([0])] = t.tensor([1.0, 2.0]).double()


def and_a_tensor(t):
    y = _leaf(t) * 1.0
    y[0] = [1.0, 2.0]


def and_not_larger(t):
    y = _leaf(t) * 1.0
    y[0] = t.tensor([1.0, 2.0, 3.0])


def nor_of_more_dimensions(t):
    y = _leaf(t) * 1.0
    y[0] = _leaf(t)


def what_was_saved_is_not_written_by_index(t):
    y = _leaf(t) * 1.0
    z = y * y
    y[t.tensor([0])] = 1.0
    z.sum().backward()


def nor_is_the_index_itself(t):
    index, y = t.tensor([0]), _leaf(t) * 1.0
    y[index] = 1.0
    index.zero_()
    y.sum().backward()


def nor_that_of_the_largest(t):
    values, indices = _leaf(t).max(0)
    indices.zero_()
    values.sum().backward()


def an_index_points_to_something(t):
    _leaf(t)[t.tensor([0, 2])]


def in_either_direction(t):
    _leaf(t)[:, [0, -3]]


def it_has_no_fractions(t):
    _leaf(t)[t.tensor([0.5])]


def a_mask_has_the_size_of_what_it_masks(t):
    _leaf(t)[t.tensor([True, False, True])]


def in_each_dimension(t):
    y = _leaf(t) * 1.0
    y[0, t.tensor([True, False, True])] = 1.0


# ── dimensions, dtypes ──


def a_dimension_is_there(t):
    _leaf(t).sum(2)


def to_be_normalised(t):
    _leaf(t).log_softmax(-3)


def to_be_exchanged(t):
    _leaf(t).transpose(0, 2)


def to_be_put_in(t):
    _leaf(t).unsqueeze(4)


def to_be_taken_out(t):
    _leaf(t).squeeze(2)


def to_be_joined(t):
    t.cat([_leaf(t)], 2)


def to_be_parted(t):
    _leaf(t).unbind(-3)


def it_is_reduced_once(t):
    _leaf(t).sum((0, -2))


def it_has_a_largest(t):
    t.tensor(np.zeros((0, 2))).max(0)


def and_nothing_has_none(t):
    t.tensor(np.zeros((0, 2))).max()


def nor_has_it_under_another_name(t):
    t.tensor(np.zeros((0, 2))).amin()


def what_has_a_size_keeps_it(t):
    _leaf(t).expand(3, 2)


def what_has_a_dimension_keeps_it(t):
    _leaf(t).expand(2)


def copies_fit(t):
    (_leaf(t) * 1.0).copy_(t.tensor([1.0, 2.0, 3.0]))


def nothing_is_joined_to_nothing(t):
    t.cat([])


def nor_numbers(t):
    t.cat([t.tensor(1.0)])


def nor_a_row_to_a_matrix(t):
    t.cat([_leaf(t), t.tensor([1.0, 2.0])])


def nor_rows_of_other_lengths(t):
    t.cat([_leaf(t), t.tensor([[1.0]])])


def nor_stacked_on_nothing(t):
    t.stack([])


def nor_on_what_is_larger(t):
    t.stack([t.tensor([1.0]), t.tensor([1.0, 2.0])])


def vectors_are_as_long(t):
    t.tensor([1.0, 2.0]) @ t.tensor([1.0])


def as_a_matrix_has_columns(t):
    _leaf(t) @ t.tensor([1.0])


def or_rows(t):
    t.tensor([1.0]) @ _leaf(t)


def numbers_are_no_matrix(t):
    t.tensor(1.0) @ _leaf(t)


def factors_have_one_dtype(t):
    _leaf(t) @ _leaf(t).double()


def also_vectors(t):
    t.tensor([1.0, 2.0]) @ t.tensor([1, 2])


def also_a_matrix_and_a_vector(t):
    _leaf(t) @ t.tensor([1, 2])


def a_row_added_to_a_product_is_as_long(t):
    t.tensor([1.0, 2.0, 3.0]).addmm(_leaf(t), _leaf(t))


def and_has_no_more_dimensions(t):
    t.tensor([[[1.0, 2.0]]]).addmm(_leaf(t), _leaf(t))


def nor_another_dtype(t):
    t.tensor([1, 2]).addmm(_leaf(t), _leaf(t))


def than_both_factors(t):
    t.tensor([1.0, 2.0]).addmm(_leaf(t).double(), _leaf(t))


def which_are_matrices(t):
    t.tensor([1.0, 2.0]).addmm(t.tensor([1.0, 2.0]), _leaf(t))


def both_of_them(t):
    t.tensor([1.0, 2.0]).addmm(_leaf(t), t.tensor([1.0, 2.0]))


def that_fit(t):
    t.tensor([1.0, 2.0]).addmm(_leaf(t), t.tensor([[1.0, 2.0]]))


def masks_are_not_subtracted(t):
    (_leaf(t) > 1.0) - (_leaf(t) > 2.0)


def nor_from_a_number(t):
    1.0 - (_leaf(t) > 1.0)


def nor_negated(t):
    -(_leaf(t) > 1.0)


def whole_numbers_have_no_inverse(t):
    t.tensor([1, 2]) ** -1


def powers_fit(t):
    t.tensor([1.0, 2.0]) ** t.tensor([1.0, 2.0, 3.0])


# ── operations of one's own ──


def _mine(t, forward, backward):
    return type("Mine", (t.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}).apply


def a_view_it_returns_is_not_written_to(t):
    _mine(t, lambda _, x: x.t(), lambda _, g: g.t())(_leaf(t) * 1.0).mul_(2.0)


def nor_what_it_was_given(t):
    _mine(t, lambda _, x: x, lambda _, g: g)(_leaf(t) * 1.0).mul_(2.0)


def nor_one_of_several(t):
    _mine(t, lambda _, x: (x[0], x * 2.0), lambda _, g, h: h)(_leaf(t) * 1.0)[0].mul_(2.0)


def it_does_not_write_to_a_leaf(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2.0)

    _mine(t, forward, lambda _, g: g)(_leaf(t))


def nor_to_one_of_several_views(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2.0)

    _mine(t, forward, lambda _, g: g)((_leaf(t) * 1.0).unbind()[1])


def nor_keep_what_it_wrote_to_from_its_results(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.clone()

    _mine(t, forward, lambda _, g: g)(_leaf(t) * 1.0)


def nor_return_more_than_a_view_it_wrote_to(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2.0), x * 2.0

    _mine(t, forward, lambda _, g, h: g)((_leaf(t) * 1.0)[0])


def it_saves_tensors_only(t):
    _mine(t, lambda ctx, x: ctx.save_for_backward(x, 3), lambda _, g: g)(_leaf(t))


def it_returns_no_gradient_for_what_is_no_tensor(t):
    _mine(t, lambda _, x, n: x * n, lambda _, g: (g, g))(_leaf(t), 2.0).sum().backward()


def a_gradient_it_returns_is_a_tensor(t):
    _mine(t, lambda _, x: x * 2.0, lambda _, g: 2.0)(_leaf(t)).sum().backward()


def for_every_argument(t):
    _mine(t, lambda _, x, n: x * n, lambda _, g: g)(_leaf(t), 2.0).sum().backward()


def and_no_more(t):
    _mine(t, lambda _, x: (x * 2.0, x), lambda _, g, h: (g, h))(_leaf(t))[0].sum().backward()


# ── by functions of functions, as attempts with one of them ──


def _beside(f):
    """The library that a function is part of."""
    return library(Rung.NATIVE if f.__module__.startswith("torch.") else Rung.CUSTOM)


def _square(a):
    return a * a


DERIVATIVES = {
    "vjp": {
        "no vector for several numbers": lambda f: f(_square, _leaf(_beside(f))),
        "a vector of another size": lambda f: f(_square, _leaf(_beside(f)), _beside(f).tensor([1.0, 2.0])),
    },
    "jvp": {
        "no vector for several numbers": lambda f: f(_square, _leaf(_beside(f))),
        "the second of two vectors of another size": lambda f: f(
            lambda a, b: a * b, (_leaf(_beside(f)),) * 2, (_leaf(_beside(f)), _beside(f).tensor([1.0]))
        ),
    },
    "jacobian": {},
    "hessian": {
        "a function of several numbers": lambda f: f(_square, _leaf(_beside(f))),
        "a function with two results": lambda f: f(lambda a: (a.sum(), a.sum()), _leaf(_beside(f))),
    },
}
