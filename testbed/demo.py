"""``make demo``: a storage account's public path made private by a DAG, on the local Azure, in a real Airflow.

Run as ``python -m testbed.demo [--keep] [--loopback]``. Everything it starts ends with it. Its state, the reports
included, lies in ``.demo/`` until the next demo.

Where the machine allows it, the lab is isolated, and Airflow runs inside it, on a machine of the Astro cluster's
network: packets then take the private path, and Airflow's UI is forwarded to the outside. Elsewhere all is on loopback:
names resolve as in that network, and nothing answers at the addresses.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from testbed.private_path import PrivatePath
from testbed.processes import ProcessGroup, SupervisedProcess, free_port
from testbed.showing import DemoFailedError, Stage, cleaned_folder, ending_well

ROOT = Path(__file__).resolve().parent.parent
WORKERS = "astro-cluster"
"""The network of the seed's landscape in which tasks run."""
_LAB = (sys.executable, "-m", "airflow_provider_netconn.cli", "lab")
_LAB_LIMIT_S = 60.0
_END_LIMIT_S = 20.0
# What answers behind the account's name is not what the demo is about, and npm takes its time.
_LAB_ENVIRONMENT = {**os.environ, "NETCONN_LAB_AZURITE": "none"}


class Demo:
    """One demo, from the outside: starts the lab, and the story inside it.

    :param folder: where its state lies; wiped first
    :param keep: leave all up, in the foreground, until Ctrl-C
    :param loopback: have the lab on loopback though the machine could isolate it
    """

    def __init__(self, folder: Path, *, keep: bool, loopback: bool) -> None:
        self.folder = folder
        self.keep = keep
        self.loopback = loopback
        self._stage = Stage()
        self._group = ProcessGroup(environment=_LAB_ENVIRONMENT, folder=folder)

    def run(self) -> int:
        """Run it; everything is stopped on return, and on any exception too.

        :return: the exit status
        :raises DemoFailedError: the lab did not come up, or the story did not end as it must
        """
        with cleaned_folder(self.folder):
            try:
                isolated = not self.loopback and self._start_isolated()
                if not isolated:
                    self._start_lab("lab-on-loopback", "--answers", "landscape")
                    self._stage.say("A local Azure is up, on loopback: names are as in Azure, and no packet is sent")
                    story = PrivatePath(self.folder, self._stage, isolated=False, port=None)
                    story.run(keep=self.keep)
                    return 0
                self._stage.say("A local Azure is up, isolated: its networks have addresses and packets of their own")
                return self._run_inside()
            finally:
                orphans = self._group.stop()
                if orphans:
                    self._stage.say(f"Processes that got away and were killed: {', '.join(orphans)}")

    def _start_isolated(self) -> bool:
        try:
            self._start_lab("lab", "--isolated")
        except DemoFailedError as error:
            self._stage.say(f"This machine cannot isolate the lab ({error}); it runs on loopback")
            return False
        return True

    def _start_lab(self, name: str, *words: str) -> None:
        self._stage.say("Starting a local Azure")
        command = [*_LAB, "up", "--state", str(self.folder / "lab.json"), *words]
        lab = self._group.start(name, command)
        deadline = time.monotonic() + _LAB_LIMIT_S
        while not (self.folder / "lab.json").exists():
            if lab.poll() is not None or time.monotonic() > deadline:
                lab.stop()
                self._group.processes.remove(lab)
                raise DemoFailedError(_last_line(lab))
            time.sleep(0.1)

    def _run_inside(self) -> int:
        """Run the story on a machine of the workers' network, and wait for its end."""
        port = free_port()
        inside = [sys.executable, "-m", "testbed.private_path", str(self.folder), str(port), str(self._stage.started)]
        inside += ["--keep"] if self.keep else []
        state = ["--state", str(self.folder / "lab.json")]
        command = [*_LAB, "exec", *state, "--as", WORKERS, "--publish", f"{port}:{port}", "--", *inside]
        # A session of its own: Ctrl-C at the terminal reaches us alone, and we end it in order.
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True, env=_LAB_ENVIRONMENT) as story:
            try:
                return story.wait()
            except BaseException:
                story.terminate()
                try:
                    story.wait(_END_LIMIT_S)
                except subprocess.TimeoutExpired:
                    story.kill()
                raise


def _last_line(process: SupervisedProcess) -> str:
    return (process.log_tail(1) or "it was not ready in time").removeprefix("netconn lab: ")


def main() -> int:
    """Run the demo as the command line and ``KEEP`` ask for; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.demo", description=__doc__)
    keep = os.environ.get("KEEP", "") not in {"", "0"}
    parser.add_argument("--keep", action="store_true", default=keep, help="leave Airflow up until Ctrl-C (or KEEP=1)")
    parser.add_argument("--loopback", action="store_true", help="do not isolate the lab")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".demo", help="where its state lies (default: %(default)s)"
    )
    given = parser.parse_args()
    demo = Demo(given.folder.absolute(), keep=given.keep, loopback=given.loopback)
    return ending_well(demo.run)


if __name__ == "__main__":
    sys.exit(main())
