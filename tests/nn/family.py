"""The layers: of each how its problems are drawn, and what is refused; and by which laws modules are judged."""

from tests.families import Family
from tests.nn import layer_problems as drawn
from tests.nn import problems
from tests.nn.layers import Layer, Sequence
from tests.nn.refused import LAYERS

ITS_OWN_GENERATOR = "CUDA's generator is another one, Philox"
OTHERS = "CUDA's kernels are others"
# A function is given the tensor of a bias, and a class whether there is one.
DEFAULTS = {"defaults": "test_nn has a law of its own for layers"}
OF_MODULES = "test_nn.test_custom_and_native_modules_live_through_the_same_lives"


def layer(name, draw, on_cpu=None, lacks=None, **asks):
    refused = LAYERS.get(f"nn.{name}", {})
    return Layer(
        draw=draw, refused=refused, on_cpu=on_cpu or {"bits": OTHERS}, exempt=DEFAULTS, lacks=lacks or {}, asks=asks
    )


IN_PLACE = {"inplace": True}
# An adjoint is asked without the places where a derivative is a convention, or where a step in a wider type has that
# type's epsilon.
ENTRIES = {
    "nn.linear": layer("linear", problems.linear),
    "nn.relu": layer("relu", problems.relu, bits=IN_PLACE, adjoint={"kinks": False}),
    "nn.dropout": layer(
        "dropout",
        problems.dropout,
        dict.fromkeys(("agreement", "bits", "needs"), ITS_OWN_GENERATOR),
        bits=IN_PLACE,
        # torch draws its mask in the order of memory, and the formula in that of the elements
        **{law: {"contiguous": True} for law in ("agreement", "adjoint", "needs")},
    ),
    "nn.sequential": Sequence(
        draw=problems.chains,
        refused=LAYERS["nn.sequential"],
        on_cpu={"agreement": ITS_OWN_GENERATOR, "bits": OTHERS},
        exempt=DEFAULTS | dict.fromkeys(("adjoint", "needs"), "a chain has no derivative of its own: its layers have"),
    ),
    "nn.identity": layer("identity", drawn.identity),
    "nn.flatten": layer("flatten", drawn.flatten),
    "nn.leaky_relu": layer("leaky_relu", drawn.leaky_relu, bits=IN_PLACE, adjoint={"kinks": False}),
    "nn.gelu": layer("gelu", drawn.gelu),
    "nn.silu": layer("silu", drawn.activation, bits=IN_PLACE),
    "nn.sigmoid": layer("sigmoid", drawn.activation),
    "nn.tanh": layer("tanh", drawn.activation),
    "nn.softplus": layer("softplus", drawn.softplus, adjoint={"kinks": False}),
    "nn.softmax": layer("softmax", drawn.softmax),
    "nn.log_softmax": layer("log_softmax", drawn.softmax),
    "nn.embedding": layer("embedding", drawn.embedding, adjoint={"padded": False}, bits={"table": True}),
    "nn.layer_norm": layer("layer_norm", drawn.layer_norm),
    "nn.rms_norm": layer("rms_norm", drawn.rms_norm, adjoint={"given": True}),
    "nn.batch_norm1d": layer("batch_norm1d", drawn.batch_norm1d),
    "nn.max_pool2d": layer("max_pool2d", drawn.max_pool2d, adjoint={"ties": False}),
    "nn.conv2d": layer("conv2d", drawn.conv2d),
    "nn.scaled_dot_product_attention": layer(
        "scaled_dot_product_attention",
        drawn.scaled_dot_product_attention,
        lacks={"an input without elements": "native returns None for the gradient of such a mask"},
        needs={"fused": False},  # the fused kernel has no gradient of a mask
    ),
}
CONTAINERS = "test_module.test_custom_and_native_containers_live_through_the_same_lives"
FAMILY = Family(
    name="nn",
    entries=ENTRIES,
    judged_by={
        "nn.module": "test_nn.test_every_rung_names_the_same_parameters",
        "nn.registration": "test_nn.test_custom_and_native_modules_register_the_same",
        "nn.traversal": "test_nn.test_every_rung_names_the_same_parameters",
        "nn.state": OF_MODULES,
        "nn.conversion": "test_module.test_custom_and_native_convert_alike",
        "nn.hooks": "test_module.test_custom_and_native_call_their_hooks_alike",
        "nn.parameter": "test_nn.test_a_parameter_shares_its_data_and_not_its_history",
        "nn.buffer": "test_module.test_a_buffer_is_a_plain_tensor_with_a_mark",
        **dict.fromkeys(("nn.module_list", "nn.module_dict", "nn.parameter_list", "nn.parameter_dict"), CONTAINERS),
    },
)
