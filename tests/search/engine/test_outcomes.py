"""What ran out of memory, and what becomes of it; batch by batch, against the database."""

import pytest

from search.engine.outcomes import out_of_memory
from tests.search.engine.conftest import batch, steps

TORCH = (
    "Traceback\n  File x\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
)


@pytest.mark.parametrize(
    "error",
    [
        TORCH,
        "torch.cuda.OutOfMemoryError: CUDA out of memory.\nTried to allocate",
        "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be …",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 3 bytes",
    ],
)
def test_words_for_an_accelerator_whose_memory_is_used_up(error):
    assert out_of_memory(error) in error


@pytest.mark.parametrize(
    "error", [None, "", "MemoryError: no", "ValueError: bad OutOfMemoryError handling", "KeyError"]
)
def test_other_errors(error):
    assert out_of_memory(error) is None


def lack(token, *, alone, gpus):
    return batch(*steps(1, 2), token=token, end="raised", error=TORCH, alone=alone, gpus=gpus)


def test_a_trial_that_lacked_memory_beside_others_gets_a_gpu_to_itself(scene):
    trials = scene.open()
    assert trials.next_job().alone is False
    assert trials.observe(0, lack("one", alone=False, gpus=0.25)) == "stop"
    job = trials.next_job()
    assert (job.number, job.alone) == (0, True)
    assert trials.observe(0, batch(*steps(1, 9), token="two", end="complete")) == "stop"
    assert [trial.outcome for trial in scene.record.trials] == ["complete"]
    assert trials.next_job().alone is False


def test_a_trial_that_lacks_memory_alone_has_failed_at_once(scene):
    trials = scene.open()
    trials.next_job()
    assert trials.observe(0, lack("one", alone=True, gpus=1.0)) == "stop"
    (trial,) = scene.record.trials
    assert trial.outcome == "failed"
    assert trial.result.reason == f"out of memory: {TORCH.splitlines()[-1]}"
    assert len(trial.attempts) == 1


def test_the_repeat_is_the_last_one(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, lack("one", alone=False, gpus=0.25))
    trials.next_job()
    trials.observe(0, lack("two", alone=True, gpus=1.0))
    assert scene.record.trials[0].outcome == "failed"
    assert trials.next_job().number == 1


def test_the_next_command_knows_who_is_to_be_alone(scene):
    trials = scene.open()
    trials.next_job()
    trials.observe(0, lack("one", alone=False, gpus=0.25))
    again = scene.open()
    job = again.next_job()
    assert (job.number, job.alone) == (0, True)
    error = "ValueError: broken"  # which still may happen once
    assert again.observe(0, batch(token="two", end="raised", error=error, alone=True)) != "stop"
