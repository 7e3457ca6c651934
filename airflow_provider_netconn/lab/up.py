"""A lab as a process: from its start to Ctrl-C, ``down`` or SIGTERM, with nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from airflow_provider_netconn.lab.local_azure import NAMES, LocalAzure
from airflow_provider_netconn.lab.packets.publishing import Publication, Publishing
from airflow_provider_netconn.lab.seed import DEFAULT, load_seed
from airflow_provider_netconn.lab.settings import Answers, Settings
from airflow_provider_netconn.lab.state import ca_path, dns_lines, held, state_of, write_state


def up(
    path: Path,
    seed: str | None,
    *,
    bind: str,
    host_name: str | None,
    ports: Mapping[str, int],
    speed: float,
    isolated: bool = False,
    answers: str | None = None,
    published: Iterable[Publication] = (),
) -> None:
    """Serve a lab until it is asked to end.

    :param path: the state file
    :param seed: a YAML file, or the name of a landscape that comes with the lab; None for the default one
    :param speed: how many times as fast as Azure's its operations are; infinite for instant
    :param isolated: whether it has a network of its own, with real addresses and packets that get through or do not
    :param answers: which addresses DNS answers carry; by default, where the lab is on loopback alone, those at which
        this machine reaches what is there
    :param published: ports of this machine that lead into that network
    :raises LabError: the seed or a setting is refused, an address is taken, a lab is up already, or the network cannot
        be isolated
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with held(path):
        settings = Settings(time_scale=1 / speed, answers=_carried(answers, isolated=isolated, bind=bind))
        lab = LocalAzure(load_seed(seed or DEFAULT), settings=settings, bind=bind, host_name=host_name, ports=ports)
        publishing = Publishing(published)
        if isolated:
            lab.isolate()
        asyncio.run(_serve(lab, path, publishing))


def _carried(answers: str | None, *, isolated: bool, bind: str) -> Answers:
    if answers is not None:
        return Answers(answers)
    # To other machines an address in 127/8 is one of their own.
    is_here = not isolated and (bind.startswith("127.") or bind == "::1")
    return Answers.LOCAL if is_here else Answers.LANDSCAPE


async def _serve(lab: LocalAzure, path: Path, publishing: Publishing) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, lab.stopping.set)
    async with lab:
        if lab.isolation is not None:
            await publishing.start(lab.isolation.reach)
        ca_file = lab.certificates.write_ca_file(ca_path(path))
        state = state_of(lab, ca_file)
        for name in NAMES:
            sys.stdout.write(f"{name:18} {lab.url(name)}\n")
        sys.stdout.write("".join(f"{name:18} {place}\n" for name, place in dns_lines(state["dns"])))
        sys.stdout.write(f'{"state file":18} {path}\nready; for clients: eval "$(netconn lab env)"\n')
        sys.stdout.flush()
        write_state(path, state)

        def rewrite() -> None:
            now = {"dns": lab.names.directory(), "endpoints": lab.services.endpoints()}
            write_state(path, {**state, **now})

        lab.names.on_change = lab.services.on_change = rewrite
        await lab.stopping.wait()
        publishing.close()
