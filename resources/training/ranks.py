"""One process or several (`torchrun finetune.py ...`): gradients go through PyTorch's DistributedDataParallel, what all
must agree on through a group on the CPU, so that no step waits for the accelerator."""
import datetime
import os

import torch
import torch.distributed as dist


class Ranks:
    def __init__(self):
        self.world, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        self.local = int(os.environ.get("LOCAL_RANK", 0))
        self.control = None

    def device(self):
        """This process's own; begins the groups. After the workers were forked."""
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", self.local) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(device)
        if self.world > 1:
            patience = datetime.timedelta(minutes=30)  # of the others, while the first validates
            dist.init_process_group("nccl" if cuda else "gloo", timeout=patience)
            self.control = dist.new_group(backend="gloo", timeout=patience) if cuda else dist.group.WORLD
        return device

    def leads(self):
        return self.rank == 0

    def agree(self, *values):
        """The first process's numbers, everywhere."""
        if self.world == 1:
            return values
        t = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(t, 0, group=self.control)
        return tuple(t.tolist())

    def sum(self, *values):
        if self.world == 1:
            return values
        t = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(t, group=self.control)
        return tuple(t.tolist())

    def wrap(self, objective):
        if self.world == 1:
            return objective
        return torch.nn.parallel.DistributedDataParallel(objective, gradient_as_bucket_view=True)

    def end(self):
        if self.world > 1:
            dist.destroy_process_group()
