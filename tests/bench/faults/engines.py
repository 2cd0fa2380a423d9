"""Five engines that keep a tunnel up, each with its own port; all are system units that run as one ordinary user."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from lab import Holdfast, Lab, until

KEEPALIVE = "-o ServerAliveInterval=30 -o ServerAliveCountMax=3 -o ExitOnForwardFailure=yes"
SAME = '-o "PubkeyAuthentication yes" -o "PasswordAuthentication no"'

UNIT = """[Unit]
Description={what}
After=network.target

[Service]
User={user}
Environment="AUTOSSH_GATETIME=0"
ExecStart={command} -N {same} {options} -i {key} -R {port}:localhost:22 gate@bastion
Restart=always
RestartSec=3

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Engine:
    key: str
    title: str
    port: int
    command: str = ""         # for a unit that is written here
    options: str = ""
    engine: str = ""          # for holdfast setup
    extra: tuple[str, ...] = ()  # more arguments for it
    only: str = ""            # runs only with this fault

    @property
    def unit(self) -> str:
        return f"holdfast-{self.port}.service" if self.engine else f"rival-{self.port}.service"

    def install(self, lab: Lab) -> Optional[str]:
        """Why this engine cannot run here, or None."""
        if self.engine:
            holdfast = Holdfast(lab.workstation)
            done = holdfast.run("setup", "-p", str(self.port), "-b", "gate@bastion", "--system", "--run-as", "ann",
                                "--backend", "systemd-system", "--engine", self.engine, *self.extra, check=False)
            return None if done.returncode == 0 else done.stderr.strip().splitlines()[0]
        text = UNIT.format(what=self.title, user="ann", command=self.command, same=SAME, options=self.options,
                           key="/home/ann/.ssh/id_ed25519", port=self.port)
        lab.workstation.write_file(f"/etc/systemd/system/{self.unit}", text)
        lab.workstation.run(["systemctl", "daemon-reload"])
        lab.workstation.run(["systemctl", "enable", "--now", self.unit])
        return None

    def supervisor(self, lab: Lab) -> int:
        said = lab.workstation.run(["systemctl", "show", "-p", "MainPID", "--value", self.unit]).stdout
        return int(said)

    def ssh(self, lab: Lab) -> int:
        """The ssh on the workstation that has the port, found from the bastion's end of its connection."""
        flow = lab.bastion.connection_of(self.port).client
        said = lab.workstation.run(["ss", "-Htnp", "state", "established", f"sport = :{flow.port}"]).stdout
        found = re.search(r'"ssh",pid=(\d+)', said)
        if not found:
            raise AssertionError(f"{self.title}: no ssh has port {flow.port}: {said.strip()!r}")
        return int(found.group(1))


# After a restart of the bastion's sshd, the port determines the retry slot of a tunnel. 2313 has one in the middle.
ENGINES = [
    Engine("native", "holdfast", 2313, engine="native"),
    Engine("autossh-engine", "holdfast, autossh engine", 2302, engine="autossh"),
    Engine("seed", "autossh, scitex-tunnel's unit", 2303, command="/usr/bin/autossh -M 0"),
    Engine("keepalive", "autossh, ServerAlive 30 × 3", 2304, command="/usr/bin/autossh -M 0", options=KEEPALIVE),
    Engine("takeover", "holdfast, takeover = yes", 2306, engine="native", extra=("--takeover",), only="address"),
    Engine("plain", "ssh, Restart=always", 2305, command="/usr/bin/ssh"),
]


def versions(lab: Lab) -> str:
    host = lab.workstation
    ssh = host.run(["ssh", "-V"]).stderr.split(",")[0].strip()
    autossh = host.run(["autossh", "-V"], check=False).stdout.strip() or "autossh"
    systemd = host.run(["systemctl", "--version"]).stdout.splitlines()[0]
    holdfast = until("holdfast's version", lambda: host.run(["/usr/local/bin/holdfast", "--version"]).stdout.strip())
    return f"{holdfast.splitlines()[0]}, {ssh}, {autossh}, {' '.join(systemd.split()[:2])}"
