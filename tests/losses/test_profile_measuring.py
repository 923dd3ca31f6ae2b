"""How a profile measures: clocks, what is timed, kernels' resources, peers. On a CPU, at toy sizes.

The numbers here are TEST DATA, never shown as results.
"""

import inspect
import json
from types import SimpleNamespace

import pytest
import torch

import losses
from losses.profile import clocks, measuring
from losses.profile.compiled import watched
from losses.profile.operations import operations
from losses.profile.peers import peers
from losses.profile.small_operations import small_operations
from losses.profile.summary import quantile, summary

STATISTICS = {"kernel": "test_data", "registers": 70, "spills": 3, "shared": 128, "warps": 8}


def test_runs_take_turns_and_what_prepares_them_is_not_timed():
    calls = []

    def prepare(name):
        calls.append(f"prepare {name}")
        return lambda: calls.append(name)

    class Counting:
        def milliseconds(self, run):
            before = len(calls)
            run()
            return len(calls) - before

    prepared = {name: (lambda name=name: prepare(name)) for name in ("a", "b")}
    times = clocks.interleaved(prepared, Counting(), repetitions=4, warm_up=1)
    assert calls == ["prepare a", "a", "prepare b", "b"] * 5
    assert {value for own in times.values() for value in own} == {1}
    assert {name: len(own) for name, own in times.items()} == {"a": 4, "b": 4}
    assert clocks.spread_of_equals([1.0, 1.0, 1.0, 1.0]) == 0
    assert clocks.spread_of_equals([1.0, 2.0, 1.0, 2.0]) == 1


def test_summary_by_hand():
    found = summary([4.0, 1.0, 3.0, 2.0, 5.0])
    assert found["p50"] == 3
    assert found["p10"] == pytest.approx(1.4)
    assert quantile([1.0, 3.0], 0.5) == 2
    assert found["interval"][0] <= 3 <= found["interval"][1]
    assert found["repetitions"] == 5
    with pytest.raises(ValueError, match="at least one repetition"):
        summary([])


def test_every_operation_runs_at_a_toy_size_and_is_right(tmp_path):
    """The whole way from an operation to a record, on the CPU: the numbers are TEST DATA."""
    results = []
    for operation in operations(tokens=6, vocabulary=1100, hidden=16):
        variants = {"ours": operation.ours, "eager": operation.eager}
        timers = {"time_ms": clocks.WallClock()}
        found = measuring.measure(operation, variants, "cpu", timers, repetitions=2)
        assert [entry for entry in found if "error" in entry] == []
        assert len(found) == 2 * len(measuring.MODES)
        own = next(entry for entry in found if "relative_error" in entry)
        assert own["relative_error"][0] < 2e-2
        assert max(own["relative_error"][1:]) < 5e-2
        results += found
    json.dumps(results)


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation", small_operations(large=False), ids=lambda operation: operation.name
)
def test_small_operations_run(operation):
    variants = {"ours": operation.ours}
    timers = {"time_ms": clocks.WallClock()}
    found = measuring.measure(operation, variants, "cpu", timers, repetitions=1)
    assert [entry for entry in found if "error" in entry] == []


def test_a_variant_that_fails_is_recorded_and_the_others_go_on():
    def broken(*inputs):
        raise RuntimeError("TEST DATA: a peer's bug")

    operation = operations(tokens=3, vocabulary=40, hidden=8)[0]
    variants = {"broken": broken, "ours": operation.ours}
    timers = {"time_ms": clocks.WallClock()}
    found = measuring.measure(operation, variants, "cpu", timers, repetitions=1)
    assert [entry["error"] for entry in found if entry["variant"] == "broken"] == [
        "RuntimeError: TEST DATA: a peer's bug"
    ] * len(measuring.MODES)
    assert all("time_ms" in entry for entry in found if entry["variant"] == "ours")


def test_bytes_are_those_of_the_scheme():
    sizes = {o.name: o.least_bytes(True) for o in operations(10, 100, 4)}
    one_pass = 10 * 100 * 2
    assert sizes["kl_divergence"] == 5 * one_pass  # two sweeps read both sides, one writes
    assert sizes["js_divergence"] == 7 * one_pass
    assert sizes["cross_entropy"] == 3 * one_pass
    linear = next(o for o in operations(10, 100, 4) if o.name == "linear_kl_divergence")
    assert linear.products == (2 * 2 * 10 * 4 * 100, 4 * 2 * 10 * 4 * 100)


def test_every_public_loss_of_a_class_of_inputs_is_timed():
    timed = {o.name for o in [*operations(3, 40, 8), *small_operations()]}
    distances = {"gaussian_gram", "median_distance", "squared_distances"}
    tilting = {"kl_dro_weights", "kl_dro_moving_weights"}  # a few numbers per batch
    assert timed == set(losses.__all__) - distances - tilting - {"TokenStatistics"}


def test_the_backward_pass_is_timed_without_the_forward_pass_before_it():
    calls = []

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            calls.append("forward")
            return x.sum()

        @staticmethod
        def backward(ctx, upstream):
            calls.append("backward")
            return upstream.expand(3)

    inputs = [torch.ones(3, requires_grad=True)]
    run = measuring.steps(Loss.apply, inputs, "gradient alone")()
    assert calls == ["forward"]
    run()
    assert calls == ["forward", "backward"]
    torch.testing.assert_close(inputs[0].grad, torch.ones(3))


def test_a_backward_pass_alone_is_no_part_of_any_rate():
    operation = operations(tokens=3, vocabulary=40, hidden=8)[0]
    timers = {"time_ms": clocks.ProcessorClock()}
    found = measuring.measure(operation, {"ours": operation.ours}, "cpu", timers, repetitions=1)
    assert [(entry["mode"], entry["least_bytes"] > 0) for entry in found] == [
        ("forward", True),
        ("forward + gradient", True),
        ("forward + scaled gradient", True),
        ("gradient alone", False),
    ]


def test_resources_are_those_of_the_kernels_that_are_launched():
    """By construction: Triton fills these fields when a GPU has loaded a kernel."""
    pytest.importorskip("triton")
    from losses.kernels import launch

    def kernel(registers):
        metadata = SimpleNamespace(shared=128, num_warps=8)
        compiled = SimpleNamespace(n_regs=registers, n_spills=3, metadata=metadata)
        function = SimpleNamespace(__name__="test_data")
        return type("Kernel", (), {"fn": function, "__getitem__": lambda *_: lambda *_: compiled})

    with watched() as found:
        for registers in (70, 70, 80):
            launch.run(kernel(registers)(), (1,), torch.ones(1))
    assert found == [STATISTICS, STATISTICS | {"registers": 80}]
    launch.run(kernel(90)(), (1,), torch.ones(1))
    assert len(found) == 2  # nothing listens any more


def test_what_triton_interprets_has_no_resources():
    pytest.importorskip("triton")
    if torch.cuda.is_available():
        pytest.skip("kernels are compiled here")
    with watched() as found:
        losses.kl_divergence(torch.randn(2, 9), torch.randn(2, 9), backend="triton")
    assert found == []


def test_triton_still_has_the_fields_that_resources_are_read_from():
    compiler = pytest.importorskip("triton.compiler.compiler")
    source = inspect.getsource(compiler.CompiledKernel)
    assert "self.n_regs" in source
    assert "self.n_spills" in source


def test_peers_are_those_that_are_installed(monkeypatch):
    monkeypatch.setattr("losses.profile.peers.find_spec", lambda name: None)
    assert peers("kl_divergence") == {}
    monkeypatch.setattr("losses.profile.peers.find_spec", lambda name: object())
    assert set(peers("kl_divergence")) == {"Liger-Kernel"}
    assert peers("renyi_divergence") == {}
