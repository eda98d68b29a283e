"""The tape, and the laws that judge it."""

from tests.autograd import derivative_problems as drawn
from tests.autograd.derivative_problems import Product, Whole
from tests.autograd.door import DOORS
from tests.autograd.refused import DERIVATIVES
from tests.families import Family

NUMPY = "NumPy has no device"
LEFT_OUT = "the tape lacks some, which laws give: test_families.test_every_option_is_given_by_a_law"


def derivative(name, kind, draw):
    """The entry of a function of functions."""
    on_cpu, exempt = dict.fromkeys(("agreement", "bits"), NUMPY), {"options": LEFT_OUT}
    return kind(draw=draw, on_cpu=on_cpu, exempt=exempt, refused=DERIVATIVES[name], door=DOORS[name])


FAMILY = Family(
    name="autograd",
    entries={
        "autograd.vjp": derivative("vjp", Product, drawn.rows),
        "autograd.jvp": derivative("jvp", Product, drawn.columns),
        "autograd.jacobian": derivative("jacobian", Whole, drawn.firsts),
        "autograd.hessian": derivative("hessian", Whole, drawn.seconds),
    },
    judged_by={
        "autograd.backward": "test_autograd.test_what_was_saved_is_freed_by_backward",
        "autograd.cat": "test_autograd.test_tensors_are_joined_and_gradients_parted",
        "autograd.enable_grad": "test_autograd.test_the_tape_tells_what_torch_tells",
        "autograd.function": "test_autograd.test_what_an_operation_of_ones_own_saves_makes_no_cycle",
        "autograd.grad": "test_autograd.test_an_operation_has_torchs_value_and_gradient",
        "autograd.graph": "test_autograd.test_the_picture_of_the_tapes_graph_is_that_of_torchs",
        "autograd.index_put": "test_autograd.test_what_is_put_where_an_index_points_gets_its_gradient",
        "autograd.matmul": "test_autograd.test_a_derivative_by_hand_is_the_tapes",
        "autograd.max": "test_autograd.test_the_first_of_the_largest_is_found",
        "autograd.no_grad": "test_autograd.test_the_tape_tells_what_torch_tells",
        "autograd.node": "test_autograd.test_the_recorded_graph_is_torchs",
        "autograd.pow": "test_autograd.test_a_derivative_by_hand_is_the_tapes",
        "autograd.result_type": "test_autograd.test_two_operands_meet_in_natives_dtype",
        "autograd.split": "test_autograd.test_a_tensor_is_parted_and_gradients_joined",
        "autograd.stack": "test_autograd.test_tensors_are_joined_and_gradients_parted",
        "autograd.tensor": "test_autograd.test_the_tape_refuses_what_torch_refuses_in_its_words",
        "autograd.unbind": "test_autograd.test_a_tensor_is_parted_and_gradients_joined",
    },
)
