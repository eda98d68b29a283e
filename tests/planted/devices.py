"""What is made in the wrong place, which no run on the CPU notices."""

import functools

from tests.planted import planter

STANDS = "test_devices.test_a_state_stands_where_natives_stands"
LOADED = "test_devices.test_a_state_that_was_saved_elsewhere_moves_to_its_parameter"
REMEMBERS = "test_devices.test_lbfgs_remembers_on_the_device"
RATE = "test_devices.test_a_rate_on_the_device_is_set_there"
AVERAGES = "test_devices.test_averages_are_kept_on_the_device_that_is_asked_for"
BROUGHT = "test_devices.test_statistics_are_taken_of_batches_that_are_brought_to_the_device"
MOVES = "test_devices.test_a_module_moves_with_all_that_it_has"
BORN = "test_devices.test_a_layer_is_born_on_the_device"
MASKS = "test_devices.test_masks_on_the_device_are_natives"
DRAWN = "test_devices.test_a_parameter_on_the_device_is_drawn_there"
FILLS = "test_devices.test_a_generator_fills_on_its_own_device"
PINNED_FROM_AFAR = "test_devices.test_a_pinned_batch_is_pinned_wherever_it_was_made"
PINNED = "test_data.test_pinned_batches_are_natives"

optimizer = functools.partial(planter("optim.optimizer"), of="optim.adam")
asgd, lbfgs = planter("optim.asgd"), planter("optim.lbfgs")
schedule = functools.partial(planter("schedules.lr_scheduler"), of="schedules.exponential_lr")
averaged_model, update_bn = planter("training.averaged_model"), planter("training.update_bn")
conversion = functools.partial(planter("nn.conversion"), of="nn.module")
linear, batch_norm, dropout = planter("nn.linear"), planter("nn.batch_norm1d"), planter("nn.dropout")
uniform, normal, eye, loader = planter("init.uniform"), planter("init.normal"), planter("init.eye"), planter("data.loader")

BUGS = [
    # ── optimizers and schedules
    optimizer("state_made_on_the_cpu", "torch.zeros_like(p) for name in names", "torch.zeros(p.shape, dtype=p.dtype) for name in names", STANDS, "clause: zeros without device="),
    optimizer("count_beside_the_parameter", "state[\"step\"] = scalar(0.0)", "state[\"step\"] = scalar(0.0).to(p.device)", STANDS, "pytorch-lightning#19955: at every step it is waited for"),
    optimizer("loaded_state_left_behind", "p.is_floating_point() else None, device=p.device)", "p.is_floating_point() else None)", LOADED, "pytorch#2830"),
    optimizer("loaded_count_moved", "value if key == \"step\" else _cast(value, p)", "_cast(value, p)", LOADED, "pytorch#80809"),
    asgd("numbers_on_the_cpu", "scalar(value).to(p.device)", "scalar(value)", STANDS, "found by this law"),
    lbfgs("memory_on_the_cpu", "state[name].append(new)", "state[name].append(new.cpu())", REMEMBERS, "clause"),
    schedule("rate_made_anew", "group[key].fill_(value.squeeze() if isinstance(value, torch.Tensor) else value)", "group[key] = torch.tensor(float(value))", RATE, "clause: a new tensor is the CPU's"),
    # ── averages
    averaged_model("device_forgotten", "            self.module = self.module.to(device)\n", "            pass\n", AVERAGES, "clause"),
    averaged_model("count_on_the_cpu", "torch.tensor(0, dtype=torch.long, device=device)", "torch.tensor(0, dtype=torch.long)", AVERAGES, "clause"),
    averaged_model("weights_not_brought", "(a.detach(), w.detach().to(a.device))", "(a.detach(), w.detach())", AVERAGES, "clause"),
    update_bn("batches_not_brought", "model(x if device is None else x.to(device))", "model(x)", BROUGHT, "clause"),
    # ── modules and what they are filled with
    conversion("buffers_left_behind", "self._buffers[name] = fn(buffer)", "self._buffers[name] = fn(buffer) if buffer.is_floating_point() else buffer", MOVES, "clause: a count is a tensor, too"),
    conversion("gradient_left_behind", "        grad.data = fn(grad)\n", "        pass\n", MOVES, "clause"),
    linear("device_forgotten", "torch.empty((out_features, in_features), device=device, dtype=dtype)", "torch.empty((out_features, in_features), dtype=dtype)", BORN, "clause"),
    batch_norm("count_on_the_cpu", "torch.tensor(0, device=device)", "torch.tensor(0)", BORN, "clause"),
    dropout("draws_as_on_the_cpu", "if input.is_cuda and not", "if False and not", MASKS, "found by the walkthrough of the classifier"),
    dropout("mask_of_the_cpus_generator", "torch.empty_like(input).bernoulli_(keep)", "torch.empty(input.shape, dtype=input.dtype).bernoulli_(keep).to(input.device)", MASKS, "clause"),
    uniform("drawn_on_the_cpu", "tensor.uniform_(a, b, generator=generator)", "tensor.copy_(torch.empty(tensor.shape, dtype=tensor.dtype).uniform_(a, b))", DRAWN, "clause"),
    normal("generator_forgotten", "tensor.normal_(mean, std, generator=generator)", "tensor.normal_(mean, std)", DRAWN, "clause"),
    eye("device_forgotten", "dtype=dtype, device=generator.device)", "dtype=dtype)", FILLS, "clause"),
    loader("nothing_pinned", "pinned if pinning else None", "None", PINNED, "clause"),
    loader("a_workers_batch_not_pinned", "pinned if pinning else None", "pinned if pinning and not loader.num_workers else None", PINNED_FROM_AFAR, "clause"),
]
