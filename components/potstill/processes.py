"""Several processes that train as one: who this one is, which rows it computes, and what they tell each other.

torchrun and Kubeflow Trainer start the processes and say by RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT
who each is. Without them there is one process, and nothing here does anything.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from potstill.errors import InputError, OptionError

NUMBERS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")
VARIABLES = (*NUMBERS, "MASTER_ADDR")


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Tell whether this is the process that writes."""
    return rank() == 0


@contextmanager
def joined() -> Iterator[None]:
    """Join the group that torchrun's variables tell of, until the block ends.

    Raises:
        OptionError: some of the variables are set and others are not, or are no numbers.
        InputError: the others cannot be reached.
    """
    alone = os.environ.get("WORLD_SIZE", "1") == "1" and os.environ.get("RANK", "0") == "0"
    if alone or dist.is_initialized():
        yield
        return
    _refuse_variables()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    try:
        _meet()
    except (RuntimeError, ValueError) as failed:
        raise _unreachable(failed) from failed
    try:
        yield
    finally:
        dist.destroy_process_group()


def _refuse_variables() -> None:
    missing = [name for name in VARIABLES if name not in os.environ]
    if missing:
        given = [name for name in VARIABLES if name in os.environ]
        raise OptionError(
            f"{', '.join(given)} set, {', '.join(missing)} not; start several processes with torchrun, or unset all"
        )
    wrong = [f"{name} {os.environ[name]!r}" for name in NUMBERS if not os.environ[name].isdecimal()]
    if wrong:
        raise OptionError(f"{', '.join(wrong)}: wanted are numbers; start several processes with torchrun")


def _meet() -> None:
    """Make the group.

    torchrun's store outlives the workers, and where it starts them again it still holds the addresses of those before
    (github.com/pytorch/pytorch/issues/135712): so every start on one machine has names of its own. Machines count
    their starts apart; there TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 gives each start a store of its own.
    """
    store, rank, size = next(rendezvous("env://"))
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        store = PrefixStore(f"start-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", store=store, rank=rank, world_size=size)


def own(rows: int) -> tuple[slice, bool]:
    """Cut rows into as many runs as there are processes, as equal as can be.

    Args:
        rows: how many there are, at least 1.

    Returns: this process's run, and whether it counts. A process that gets none computes the first row, too, so that
        all of them meet in the same exchanges, and its result does not count.
    """
    start, stop = (rows * each // count() for each in (rank(), rank() + 1))
    return (slice(start, stop), True) if stop > start else (slice(0, 1), False)


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, which is bit for bit the same in all of them.

    One buffer, cut alike in every step: DistributedDataParallel lays its buckets out anew after the first step, so
    that with three processes or more a training that was taken up again would add in another order.

    Args:
        tensors: of one dtype and device; as many, and of the same shapes, in each process.

    Raises:
        InputError: another process is gone.
    """
    if count() == 1:
        return
    flat = torch.cat([each.flatten() for each in tensors])
    _exchange(flat, dist.ReduceOp.SUM)
    for each, found in zip(tensors, torch.split(flat, [each.numel() for each in tensors]), strict=True):
        each.copy_(found.view_as(each))


def total(tensor: Tensor) -> Tensor:
    """Return the sum over all processes, on the CPU; zeros of the others leave a number as it is.

    Raises:
        InputError: another process is gone.
    """
    if count() == 1:
        return tensor
    found = tensor.to(_device(), copy=True)
    _exchange(found, dist.ReduceOp.SUM)
    return found.cpu()


def highest(tensor: Tensor) -> Tensor:
    """Return the elementwise maximum over all processes."""
    if count() == 1:
        return tensor
    found = tensor.clone()
    _exchange(found, dist.ReduceOp.MAX)
    return found


def from_first(data: bytes) -> bytes:
    """Return what the first process passes; what the others pass is not looked at."""
    if count() == 1:
        return data
    size = torch.tensor([len(data)], device=_device())
    _broadcast(size)
    own_bytes = bytearray(data if is_first() else int(size))
    if not own_bytes:
        return b""
    sent = torch.frombuffer(own_bytes, dtype=torch.uint8).to(_device())
    _broadcast(sent)
    return sent.cpu().numpy().tobytes()


@contextmanager
def folder_of_machine() -> Iterator[tuple[Path, bool]]:
    """Give one temporary folder to all processes of a machine, and tell whether it is for this one to fill.

    Call `wait` when it is filled, before the others read it.
    """
    if count() == 1:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary), True
        return
    made = Path(tempfile.mkdtemp(prefix="potstill-")).name if is_first() else ""
    name = from_first(made.encode()).decode()
    folder, fills = Path(tempfile.gettempdir()) / name, os.environ["LOCAL_RANK"] == "0"
    if fills:
        folder.mkdir(mode=0o700, exist_ok=is_first())
    wait()
    try:
        yield folder, fills
        wait()
    finally:
        if fills:
            shutil.rmtree(folder, ignore_errors=True)


def wait() -> None:
    """Go on when every process has come here."""
    add_up([torch.zeros(1, device=_device())])


def _exchange(tensor: Tensor, how: dist.ReduceOp.RedOpType) -> None:
    try:
        dist.all_reduce(tensor, op=how)
    except RuntimeError as failed:
        raise _unreachable(failed) from failed


def _broadcast(tensor: Tensor) -> None:
    try:
        dist.broadcast(tensor, src=0)
    except RuntimeError as failed:
        raise _unreachable(failed) from failed


def _unreachable(failed: Exception) -> InputError:
    why = str(failed).strip().splitlines()[0] if str(failed).strip() else type(failed).__name__
    return InputError(f"another process of the group ended or cannot be reached ({why}); start all of them again")


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
