# SPDX-License-Identifier: MIT
"""Ranks that other launchers start: torchrun, mpirun and Slurm's srun; two hosts of which one is cut off; a rank that hangs.

What is not there (mpirun, the right to make network namespaces) is skipped by name. srun is a stand-in that sets what Slurm
sets for each task: Slurm itself wants daemons."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import unittest

from common import SMALL_RUN, SOCO, newest_checkpoint, run
from test_launch import PretrainingTest, free_port, rank_pids, wait_for_lines

STEPS = 3
TIMEOUT_S = 15
KEYS = SMALL_RUN + ["train.epochs=4", f"train.max_steps={STEPS}", f"train.rank_timeout_s={TIMEOUT_S}", "train.num_threads=1"]
FAKE_SRUN = """
    #!/bin/sh
    # srun -n TASKS COMMAND...: TASKS processes on this host, each told its place as Slurm does; fails when one of them does.
    tasks=$2; shift 2
    pids=
    for task in $(seq 0 $((tasks - 1))); do
      SLURM_PROCID=$task SLURM_NTASKS=$tasks SLURM_LOCALID=$task SLURM_NTASKS_PER_NODE=$tasks SLURM_JOB_NODELIST=localhost "$@" &
      pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || exit 1; done
"""


def torchrun():
    """The launcher of the wheel that the tests' Python sees, or the system's; None: there is none."""
    python = os.environ.get("SOCO_ORACLE_PYTHON_TORCH2")
    if python and subprocess.run([python, "-c", "import torch.distributed.run"], capture_output=True).returncode == 0:
        return [python, "-m", "torch.distributed.run"]
    return ["torchrun"] if shutil.which("torchrun") else None


class Hosts:
    """Two network namespaces joined by a cable, 10.213.0.1 and .2; None from make() where that is not allowed."""

    def __init__(self):
        self.names = [f"soco{os.getpid()}{side}" for side in "ab"]

    @classmethod
    def make(cls):
        if shutil.which("ip") is None:
            return None
        hosts = cls()
        a, b = hosts.names
        steps = [f"netns add {a}", f"netns add {b}", f"link add va netns {a} type veth peer name vb netns {b}"]
        for name, device, number in ((a, "va", 1), (b, "vb", 2)):
            steps += [f"netns exec {name} true", f"-n {name} addr add 10.213.0.{number}/24 dev {device}", f"-n {name} link set {device} up", f"-n {name} link set lo up"]
        for step in steps:
            if subprocess.run(["ip", *step.split()], capture_output=True).returncode != 0:
                hosts.remove()
                return None
        return hosts

    def popen(self, number, words, environment):
        return subprocess.Popen(["ip", "netns", "exec", self.names[number], *map(str, words)], env={**os.environ, **environment},
                                stderr=subprocess.PIPE, text=True)

    def cut(self):
        subprocess.run(["ip", "-n", self.names[1], "link", "set", "vb", "down"], check=True)

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class LaunchersTest(PretrainingTest):
    def words(self, name, *keys):
        return [SOCO, *map(str, [*self.pretrain, "--out", self.scratch / name, *KEYS, *keys])]

    def outcome(self, name):
        return newest_checkpoint(self.scratch / name).read_bytes()

    def start(self, command, environment):
        done = subprocess.run(list(map(str, command)), env={**os.environ, **environment}, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_other_launchers_end_as_our_own(self):
        run("launch", "--ranks", 2, "--", *self.words("own")[1:])
        srun = self.scratch / "bin" / "srun"
        srun.parent.mkdir()
        srun.write_text(textwrap.dedent(FAKE_SRUN).lstrip())
        srun.chmod(0o755)
        port = {"MASTER_PORT": str(free_port())}
        commands = {"srun": ([srun, "-n", 2], port)}
        if torchrun():
            commands["torchrun"] = ([*torchrun(), "--no-python", "--nproc-per-node", 2, "--master-port", free_port()], {})
        if shutil.which("mpirun"):
            # As root in a container, and on this host alone, so without ssh.
            allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_plm": "isolated"}
            commands["mpirun"] = (["mpirun", "--oversubscribe", "-n", 2], {**port, **allowed})
        for name in ("torchrun", "mpirun"):
            if name not in commands:
                print(f"SKIPPED {name}: it is not installed", file=sys.stderr)
        for name, (command, environment) in commands.items():
            with self.subTest(name):
                self.start([*command, *self.words(name)], environment)
                self.assertTrue(self.outcome(name) == self.outcome("own"), f"{name}: the end differs")

    def test_a_host_that_is_cut_off_is_named_in_time(self):
        hosts = Hosts.make()
        if hosts is None:
            self.skipTest("network namespaces cannot be made here")
        self.addCleanup(hosts.remove)
        folder = self.scratch / "cut"
        place = {"MASTER_ADDR": "10.213.0.1", "MASTER_PORT": "29500", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
        ranks = [hosts.popen(number, self.words("cut", "train.max_steps=100000", "train.epochs=100000"), {**place, "RANK": str(number)})
                 for number in range(2)]
        self.addCleanup(lambda: [rank.kill() for rank in ranks if rank.poll() is None])
        wait_for_lines(self, ranks[0], folder, 2)
        hosts.cut()
        for number, rank in enumerate(ranks):
            _, errors = rank.communicate(timeout=TIMEOUT_S + 60)
            self.assertEqual(rank.returncode, 1, errors)
            self.assertRegex(errors, f"rank {number} of 2 on .*another rank ended or hangs, or the network is cut")
        run("verify", folder)  # what was saved is whole

    def test_a_rank_that_hangs_ends_the_job(self):
        folder = self.scratch / "hung"
        process = subprocess.Popen([SOCO, "launch", "--ranks", "2", "--", *self.words("hung", "train.max_steps=100000", "train.epochs=100000")[1:]],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        wait_for_lines(self, process, folder, 2)
        ranks = rank_pids(process.pid)
        os.kill(ranks[1], signal.SIGSTOP)
        _, errors = process.communicate(timeout=TIMEOUT_S + 60)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("rank 0 of 2", errors)
        self.assertIn("hangs", errors)
        for rank in ranks:
            self.assertFalse(pathlib.Path(f"/proc/{rank}").exists(), "an orphan is left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
