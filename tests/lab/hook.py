#!/usr/bin/python3
"""The login hook in real logins: it restarts tunnels, and ssh, scp, sftp and rsync behave exactly as without it."""
from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

from lab import Holdfast, LabTest, User, main, until

FISH_HOOK = ".config/fish/conf.d/holdfast.fish"
# Per shell: its path, the files that `hook --install` edits, and the end of its prompt.
SHELLS = {"sh": ("/bin/sh", [".profile"], r"\$ "), "bash": ("/bin/bash", [".profile", ".bashrc"], r"\$ "),
          "zsh": ("/usr/bin/zsh", [".zshrc"], "workstation% "), "fish": ("/usr/bin/fish", [FISH_HOOK], "> ")}
FIRST_PORT = 2301
STARTED = "ensure started it, because it was not running"
PAYLOAD = bytes(range(256)) * 4096

# Uses ssh, scp, sftp and rsync in every way and writes stdout, stderr and exit status of each into one directory.
VISIT = r"""
set -u
who=$1 && rm -rf "$2" && mkdir "$2" && cd "$2" || exit
note() { name=$1; shift; "$@" >"$name.out" 2>"$name.err"; echo "$?" >"$name.status"; }
note nothing ssh "$who" true </dev/null
note words ssh "$who" 'printf "out\001\r\n"; printf err >&2; exit 7' </dev/null
note stream ssh "$who" cat <~/payload
printf 'echo said\nexit 3\n' | note commands ssh "$who"
note terminal ssh -tt "$who" exit </dev/null
note scp_there scp ~/payload "$who:by-scp" </dev/null
note scp_back scp "$who:by-scp" scp.bytes </dev/null
printf 'put %s by-sftp\nget by-sftp sftp.bytes\n' ~/payload >~/batch
note sftp sftp -b ~/batch "$who" </dev/null
note rsync_there rsync --checksum ~/payload "$who:by-rsync" </dev/null
note rsync_back rsync --checksum "$who:by-rsync" rsync.bytes </dev/null
for bytes in stream.out scp.bytes sftp.bytes rsync.bytes; do cmp "$bytes" ~/payload || exit; done
ssh "$who" rm by-scp by-sftp by-rsync
"""
LOGINS = 'for _ in 1 2 3 4; do echo exit | ssh -tt "$1" & done >/dev/null 2>&1; wait'


@dataclass
class Person:
    shell: str
    user: User
    port: int
    holdfast: Holdfast

    @property
    def name(self) -> str:
        return str(self.port)

    @property
    def address(self) -> str:
        return f"{self.user.name}@workstation"

    @property
    def start_up_files(self) -> list[str]:
        return [f"{self.user.home}/{file}" for file in SHELLS[self.shell][1]]


class Hook(LabTest):
    visitor: User
    people: list[Person] = []

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host, bastion = cls.host, cls.bastion
        if cls.people:
            return
        Hook.visitor = bastion.add_user("visitor")
        cls.visitor.trust(host)
        bastion.write_file("/home/visitor/payload", PAYLOAD, user="visitor")
        for port, (shell, (path, _, _)) in enumerate(SHELLS.items(), FIRST_PORT):
            user = host.add_user(f"of-{shell}")
            host.run(["usermod", "-s", path, user.name])
            user.authorize(cls.visitor.public_key)
            bastion.admit(user)
            # Otherwise sshd prints the last login, zsh asks for its configuration, and fish reads every man page.
            host.run(["sh", "-ec", "cd; touch .hushlogin; mkdir -p .local/share/fish/generated_completions"],
                     user=user.name)
            if shell == "zsh":
                host.write_file(f"{user.home}/.zshrc", "alias ll='ls -l'\n", user=user.name)
            person = Person(shell, user, port, Holdfast(host, user))
            person.holdfast.setup("-p", person.name, "-b", "gate@bastion", "--backend", "nohup")
            cls.people.append(person)

    # -- steps ----------------------------------------------------------------------------

    def install(self, person: Person) -> None:
        self.host.run([person.holdfast.path, "hook", "--install", person.shell], user=person.user.name)
        self.addCleanup(self.remove, person)

    def remove(self, person: Person) -> None:
        self.host.run([person.holdfast.path, "hook", "--remove", person.shell], user=person.user.name)

    def ours(self, person: Person) -> list[int]:
        return self.host.pids("holdfast", person.user.name) + self.host.pids("ssh -N", person.user.name)

    def supervisors(self, person: Person) -> list[int]:
        return self.host.pids("holdfast run", person.user.name)

    def take_down(self, person: Person) -> None:
        """Kills supervisor and ssh, as a crash does: the tunnel is not marked as stopped."""
        for pid in self.supervisors(person) + self.host.pids("ssh -N", person.user.name):
            self.host.kill(pid)
        until(f"the tunnel of {person.user.name} to end", lambda: not self.ours(person))
        until("its port to be free", lambda: self.bastion.who_listens(person.port) is None)

    def log_in(self, person: Person) -> float:
        """Logs in on a terminal and leaves at once. Returns the seconds until ssh has ended."""
        begin = time.monotonic()
        self.bastion.run(["ssh", "-tt", person.address], user="visitor", stdin="exit\n", env={"TERM": "dumb"},
                             timeout=20)
        return time.monotonic() - begin

    def await_ensured(self, person: Person) -> None:
        """Waits for the `ensure` that the login shell started before its first command."""
        until(f"ensure of {person.user.name} to end", lambda: not self.host.pids("ensure --user", person.user.name))

    def starts(self, person: Person) -> int:
        return self.host.run(["sh", "-c", 'cat ~/.local/state/holdfast/*/"$1".log', "sh", person.name],
                             user=person.user.name).stdout.count(STARTED)

    def assert_carries(self, person: Person) -> None:
        until(f"port {person.port} to send a banner", lambda: self.bastion.banner(person.port), 20)
        self.assertEqual(self.bastion.ssh_through(person.port, person.user.name, "hostname"), "workstation\n")

    def visit(self, person: Person, into: str) -> None:
        self.bastion.run(["sh", "-c", VISIT, "sh", person.address, into], user="visitor")

    # -- the tests -----------------------------------------------------------------------------------------

    def test_commands_and_transfers_are_unchanged_and_start_nothing(self) -> None:
        bastion = self.bastion
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.take_down(person)
                without, with_hook = f"/home/visitor/{person.shell}.0", f"/home/visitor/{person.shell}.1"
                self.visit(person, without)
                self.install(person)
                self.visit(person, with_hook)
                said = bastion.run(["diff", "-r", without, with_hook], check=False)
                self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""))
                told = {name: bastion.read_file(f"{with_hook}/{name}")
                        for name in ("words.out", "words.err", "words.status", "commands.out", "commands.status",
                                     "nothing.out", "nothing.err", "rsync_back.status", "scp_back.status")}
                self.assertEqual(list(told.values()),
                                 ["out\1\r\n", "err", "7\n", "said\n", "3\n", "", "", "0\n", "0\n"])
                self.assertEqual(self.ours(person), [])
                self.remove(person)

    def test_a_login_after_a_reboot_starts_the_tunnel(self) -> None:
        for person in self.people:
            self.install(person)
        self.host.reboot()
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.assertEqual(self.ours(person), [])
                self.note(f"a login to {person.shell} that starts a tunnel", self.log_in(person))
                self.assert_carries(person)
                self.assertEqual(len(self.supervisors(person)), 1)

    def test_an_interactive_shell_on_pipes_ends_at_once(self) -> None:
        """sshd ends a session without a terminal only when no process holds its pipes."""
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.install(person)
                self.take_down(person)
                self.bastion.run(["ssh", person.address, f"{SHELLS[person.shell][0]} -lic 'exit 5'; exit 6"],
                                     user="visitor", check=False, timeout=20)
                until("a supervisor", lambda: self.supervisors(person))
                self.assert_carries(person)

    def test_a_login_starts_nothing_while_the_tunnel_is_up(self) -> None:
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.install(person)
                self.take_down(person)
                self.log_in(person)
                self.assert_carries(person)
                before, starts = sorted(self.ours(person)), self.starts(person)
                self.log_in(person)
                self.await_ensured(person)
                self.assertEqual((sorted(self.ours(person)), self.starts(person)), (before, starts))

    def test_four_logins_at_once_start_one_supervisor(self) -> None:
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.install(person)
                self.take_down(person)
                starts = self.starts(person)
                self.bastion.run(["sh", "-c", LOGINS, "sh", person.address], user="visitor", env={"TERM": "dumb"})
                self.await_ensured(person)
                self.assert_carries(person)
                self.assertEqual(len(self.supervisors(person)), 1)
                self.assertEqual(self.starts(person), starts + 1)

    def on_a_terminal(self, person: Person, hooked: bool) -> str:
        """The whole terminal output of a login that lists its jobs while the hook starts a tunnel, and logs out."""
        prompt, seen = SHELLS[person.shell][2], ""
        with self.host.login(person.user) as session:
            terminal = session.shell()

            def read_to(pattern: str) -> str:
                match = terminal.expect(pattern)
                return match.string[:match.end()]
            seen += read_to(prompt)
            if hooked:
                self.assert_carries(person)
                self.await_ensured(person)
            # A shell reports the end of a job before its next prompt.
            for line, answer in (("", prompt), ("jobs", prompt), ('echo re""ady', "ready"), ("", prompt)):
                terminal.send(line + "\n")
                seen += read_to(answer)
            terminal.send("exit\n")
            with self.assertRaisesRegex(AssertionError, "the terminal closed"):
                terminal.expect("what no shell says")
            terminal.close()
        return seen + terminal.seen

    def test_the_terminal_shows_nothing_of_the_hook(self) -> None:
        for person in self.people:
            with self.subTest(shell=person.shell):
                self.take_down(person)
                without = self.on_a_terminal(person, hooked=False)
                self.assertIn("ready", without)
                self.assertEqual(self.ours(person), [])
                self.install(person)
                # The terminal's echo of a line may come before or after the shell's own line break.
                self.assertEqual(re.sub(r"[\r\n]+", "\n", self.on_a_terminal(person, hooked=True)),
                                 re.sub(r"[\r\n]+", "\n", without))

    def test_remove_restores_the_start_up_files(self) -> None:
        odd = {
            "as they were": "true",
            "without a last newline": 'for f; do printf "# mine" >"$f"; done',
            "with carriage returns": 'for f; do printf "# mine\\r\\n\\r\\n# more\\r" >"$f"; done',
            "empty": 'for f; do : >"$f"; done',
            "missing": 'rm -f "$@"; rmdir -p --ignore-fail-on-non-empty "${1%/*}"',
            "links of a dotfile manager":
                'mkdir -p dotfiles; for f; do name=${f##*/}; printf "# mine" >"dotfiles/$name"; '
                'ln -sf ~/dotfiles/"$name" "$f"; done',
        }
        for person in self.people:  # a running tunnel writes its live state at any time
            person.holdfast.run("stop", person.name)
            self.addCleanup(person.holdfast.run, "start", person.name)
            self.install(person)  # fish leaves files of its own at its first start on a terminal
            self.remove(person)
        for case, arrange in odd.items():
            with self.subTest(files=case):
                for person in self.people:
                    self.host.run(["sh", "-ec", 'cd; mkdir -p "${1%/*}"; ' + arrange, "sh", *person.start_up_files],
                                  user=person.user.name)
                before = self.host.snapshot()
                for person in self.people:
                    self.install(person)
                changed = {re.sub(r"^. ([^:]*):.*", r"\1", line) for line in before.changes(self.host.snapshot())}
                files = {file for person in self.people for file in person.start_up_files}
                if case.startswith("links"):
                    files = {f"{person.user.home}/dotfiles/{os.path.basename(file)}"
                             for person in self.people for file in person.start_up_files}
                self.assertEqual(files - changed, set())
                self.assertEqual([path for path in changed - files if "/.config" not in path], [])
                for person in self.people:
                    self.remove(person)
                self.assert_unchanged(before)


if __name__ == "__main__":
    main(needs=["dash", "zsh", "fish", "rsync"])
