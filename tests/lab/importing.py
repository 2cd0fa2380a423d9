#!/usr/bin/python3
"""`import`, as root: a unit of scitex-tunnel, lines of root's crontab and of /etc/cron.d. As a user: a line of the user's
crontab."""
from __future__ import annotations

import signal
from typing import Optional

from lab import Holdfast, LabTest, User, main, until

UNIT = "autossh-tunnel-2222.service"
FILE = f"/etc/systemd/system/{UNIT}"
TEXT = """[Unit]
Description=AutoSSH tunnel to gate@bastion
After=network.target

[Service]
User=ann
Environment="AUTOSSH_GATETIME=0"
ExecStart=/usr/bin/autossh -M 0 -N -o "PubkeyAuthentication=yes" -o "PasswordAuthentication=no" -i {key} -R {port}:localhost:22 gate@bastion
Restart=always
RestartSec=3

[Install]
WantedBy=multi-user.target
"""


class Import(LabTest):
    ann: Optional[User] = None

    def setUp(self) -> None:
        super().setUp()
        lab = self.lab
        if Import.ann is None:
            Import.ann = lab.workstation.add_user("ann")
            lab.bastion.admit(Import.ann)
        self.host, self.user = lab.workstation, Import.ann

    def answers(self, port: int) -> bool:
        return self.lab.bastion.banner(port) is not None

    def allow_localhost_alone(self, port: int) -> None:
        """Lets the key open only "localhost:PORT", as the old tunnel does; holdfast requests 127.0.0.1 and is refused."""
        gate = self.lab.bastion.gate
        keys = f"{gate.home}/.ssh/authorized_keys"
        before = self.lab.bastion.read_file(keys)
        self.addCleanup(self.lab.bastion.write_file, keys, before, "600", "gate")
        line = f'permitlisten="localhost:{port}" {self.user.public_key}'
        self.lab.bastion.write_file(keys, before.replace(self.user.public_key, line), "600", "gate")

    def unit_says(self, verb: str) -> str:
        return self.host.run(["systemctl", verb, UNIT], check=False).stdout.strip()

    def start_unit(self, port: int) -> None:
        self.host.write_file(FILE, TEXT.format(key=self.user.key, port=port))
        self.host.run(["systemctl", "daemon-reload"])
        self.host.run(["systemctl", "enable", "--now", UNIT])
        until("the old tunnel", lambda: self.answers(port))
        self.addCleanup(self.host.run, ["sh", "-c", f"systemctl disable --now {UNIT}; rm -f {FILE}"], check=False)

    def test_an_imported_unit_is_disabled_and_can_be_restored(self) -> None:
        self.start_unit(2222)
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        holdfast.run("import", "--dry-run")
        self.assertEqual((self.unit_says("is-active"), self.unit_says("is-enabled")), ("active", "enabled"))
        done = holdfast.run("import")
        self.assertIn(f"{UNIT} is now tunnel 2222", done.stdout)
        self.assertEqual((self.unit_says("is-active"), self.unit_says("is-enabled")), ("inactive", "disabled"))
        self.assertEqual(self.host.read_file(FILE), TEXT.format(key=self.user.key, port=2222))
        self.assertTrue(holdfast.status("2222")["verified"])
        self.assertTrue(self.host.pids("holdfast", user="ann"))
        self.host.reboot()
        holdfast.await_up("2222")
        self.assertEqual(self.unit_says("is-active"), "inactive")
        holdfast.run("remove", "2222")
        self.host.run(["systemctl", "enable", "--now", UNIT])
        until("the old tunnel again", lambda: self.answers(2222))

    def test_a_unit_keeps_running_if_its_import_fails(self) -> None:
        self.allow_localhost_alone(2223)
        self.start_unit(2223)
        holdfast = Holdfast(self.host)
        fresh = self.host.read_file(FILE)
        done = holdfast.run("import", check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("is restored", done.stderr)
        self.assertEqual((self.unit_says("is-active"), self.unit_says("is-enabled")), ("active", "enabled"))
        self.assertEqual(self.host.read_file(FILE), fresh)
        until("the old tunnel", lambda: self.answers(2223))
        self.assertEqual(holdfast.statuses(), [])

    def refused(self, holdfast: Holdfast, *arguments: str, **options: object) -> str:
        """What an import says that changes nothing."""
        done = holdfast.run("import", *arguments, check=False, **options)  # type: ignore[arg-type]
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("is unchanged", done.stderr)
        return done.stderr

    def test_a_stopped_tunnel_of_that_name_does_not_end_the_unit(self) -> None:
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        holdfast.run("setup", "-p", "2231", "-b", "gate@bastion", "-s", self.user.key, "--run-as", "ann")
        holdfast.run("stop", "2231")
        self.start_unit(2231)
        self.assertIn("tunnel 2231 exists already and is not up on this host (stopped)", self.refused(holdfast))
        self.assertIn("is not up on this host (stopped)", self.refused(holdfast, "--dry-run"))
        holdfast.run("start", "2231", check=False)  # the old tunnel has the port, so this one stays down
        self.assertIn("holdfast remove 2231, then import again", self.refused(holdfast))
        self.assertEqual((self.unit_says("is-active"), self.unit_says("is-enabled")), ("active", "enabled"))
        until("the old tunnel", lambda: self.answers(2231))
        holdfast.run("remove", "2231")
        holdfast.run("import")  # follows the hint
        self.assertTrue(holdfast.status("2231")["verified"])

    def test_a_unit_whose_successor_cannot_be_verified_runs_again(self) -> None:
        gate = self.lab.bastion.gate
        keys = f"{gate.home}/.ssh/authorized_keys"
        before = self.lab.bastion.read_file(keys)
        self.addCleanup(self.lab.bastion.write_file, keys, before, "600", "gate")
        line = f'permitopen="127.0.0.1:1" {self.user.public_key}'
        self.lab.bastion.write_file(keys, before.replace(self.user.public_key, line), "600", "gate")
        self.start_unit(2232)
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        done = holdfast.run("import", check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("up, but not verified end to end", done.stderr)
        self.assertIn("is restored", done.stderr)
        self.assertEqual((self.unit_says("is-active"), self.unit_says("is-enabled")), ("active", "enabled"))
        until("the old tunnel", lambda: self.answers(2232))
        self.assertEqual(holdfast.statuses(), [])

    def test_a_stopped_tunnel_of_the_users_own_is_no_successor_for_root(self) -> None:
        own = Holdfast(self.host, self.user)
        self.addCleanup(own.run, "remove", "--all", check=False)
        with self.host.login("ann") as session:
            own.run("setup", "-p", "2233", "-b", "gate@bastion", session=session)
            own.run("stop", "2233", session=session)
        self.start_unit(2233)
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        holdfast.run("import")
        self.assertTrue(holdfast.status("2233")["verified"])
        until("the new tunnel", lambda: self.answers(2233))

    def runs_on(self, port: int, table: str) -> None:
        self.assertEqual(self.host.run(["crontab", "-l"], user="ann").stdout, table)
        self.assertEqual(len(self.host.pids("autossh -M", user="ann")), 1)
        until("the old tunnel", lambda: self.answers(port))

    def test_a_tunnel_of_another_host_does_not_end_a_line(self) -> None:
        holdfast = Holdfast(self.host, self.user)
        self.addCleanup(self.end_old)
        file = f"{self.user.home}/.config/holdfast/tunnels/2234.conf"
        with self.host.login("ann") as session:
            holdfast.run("setup", "-p", "2234", "-b", "gate@bastion", session=session)
            mine = self.host.read_file(file)
            self.addCleanup(holdfast.run, "remove", "--all", check=False)
            self.addCleanup(self.host.write_file, file, mine, "600", "ann")
            holdfast.run("stop", "2234", session=session)
            theirs = "".join("host = elsewhere\n" if line.startswith("host =") else line
                             for line in mine.splitlines(True) if not line.startswith("machine ="))
            self.host.write_file(file, theirs, "600", "ann")
            _, table = self.start_line(2234)
            self.assertIn("tunnel 2234 exists already and belongs to host elsewhere",
                          self.refused(holdfast, session=session))
        self.runs_on(2234, table)

    def test_a_standby_does_not_end_the_line_that_has_the_port(self) -> None:
        holdfast = Holdfast(self.host, self.user)
        self.addCleanup(self.end_old)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        with self.host.login("ann") as session:
            holdfast.run("setup", "-p", "2235", "-b", "gate@bastion", "--host", "any", session=session)
            holdfast.run("stop", "2235", session=session)
            _, table = self.start_line(2235)
            holdfast.run("start", "2235", session=session, check=False)
            until("it to stand by", lambda: holdfast.state("2235") == "standby")
            self.assertIn("is not up on this host (standby)", self.refused(holdfast, session=session))
        self.runs_on(2235, table)

    def test_a_line_beside_a_verified_tunnel_becomes_a_comment(self) -> None:
        holdfast = Holdfast(self.host, self.user)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        command = "autossh -M 0 -f -N -R 2236:localhost:22 gate@bastion"
        with self.host.login("ann") as session:
            holdfast.run("setup", "-p", "2236", "-b", "gate@bastion", session=session)
            self.host.run(["crontab", "-"], user="ann", stdin=f"@reboot {command}\n")
            self.addCleanup(self.host.run, ["crontab", "-r"], user="ann", check=False)
            holdfast.run("import", session=session)
        self.assertEqual(self.host.run(["crontab", "-l"], user="ann").stdout,
                         f"# holdfast has it (tunnel 2236): @reboot {command}\n")
        self.assertTrue(holdfast.status("2236")["verified"])

    def start_line(self, port: int) -> tuple[str, str]:
        command = f"autossh -M 0 -f -N -R {port}:localhost:22 gate@bastion"
        table = f"# mine\nMAILTO=\"\"\n@reboot {command} >/dev/null 2>&1\n0 3 * * * true\n"
        self.host.run(["crontab", "-"], user="ann", stdin=table)
        self.addCleanup(self.host.run, ["crontab", "-r"], user="ann", check=False)
        with self.host.login("ann") as session:
            session.background(f"env AUTOSSH_GATETIME=0 {command}")
        until("the old tunnel", lambda: self.answers(port))
        return command, table

    def interrupted(self, port: int) -> str:
        """The crontab after a power cut while a periodic line was imported. Returns the line."""
        line = f"*/5 * * * * pgrep -f {port}:localhost || autossh -M 0 -f -N -R {port}:localhost:22 gate@bastion\n"
        self.host.run(["crontab", "-"], user="ann", stdin=f"# holdfast replaces it (tunnel {port}): {line}")
        self.addCleanup(self.host.run, ["crontab", "-r"], user="ann", check=False)
        return line

    def test_an_import_that_a_power_cut_ended_is_finished(self) -> None:
        line = self.interrupted(2237)
        holdfast = Holdfast(self.host, self.user)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        warning = "the import of tunnel 2237 from your crontab did not end: holdfast import finishes it"
        with self.host.login("ann") as session:
            self.assertIn(warning, holdfast.run("status", session=session).stderr)
            holdfast.run("import", session=session)
            self.assertNotIn(warning, holdfast.run("status", session=session).stderr)
        self.assertTrue(holdfast.await_up("2237")["verified"])
        self.assertIn(f"# holdfast has it (tunnel 2237): {line}", self.host.run(["crontab", "-l"], user="ann").stdout)

    def test_its_line_is_put_back_if_the_import_fails(self) -> None:
        line = self.interrupted(2238)
        self.allow_localhost_alone(2238)
        with self.host.login("ann") as session:
            done = Holdfast(self.host, self.user).run("import", session=session, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("is restored", done.stderr)
        self.assertEqual(self.host.run(["crontab", "-l"], user="ann").stdout, line)

    def test_a_failed_import_restores_the_crontab(self) -> None:
        self.allow_localhost_alone(2225)
        _, table = self.start_line(2225)
        self.addCleanup(lambda: [self.host.kill(pid, signal.SIGTERM) for pid in self.host.pids("autossh -M", user="ann")])
        holdfast = Holdfast(self.host, self.user)
        with self.host.login("ann") as session:
            # The backend cron adds its lines to the crontab that import must restore.
            done = holdfast.run("import", "--crontab", "--backend", "cron", session=session, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("is restored", done.stderr)
        self.assertEqual(self.host.run(["crontab", "-l"], user="ann").stdout, table)
        until("the old tunnel", lambda: self.answers(2225))

    def test_an_imported_crontab_line_becomes_a_comment(self) -> None:
        command, _ = self.start_line(2224)
        holdfast = Holdfast(self.host, self.user)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        with self.host.login("ann") as session:
            holdfast.run("import", session=session)
        self.assertEqual(self.host.pids("autossh -M", user="ann"), [])
        self.assertTrue(holdfast.await_up("2224")["verified"])
        now = self.host.run(["crontab", "-l"], user="ann").stdout
        self.assertIn(f"\n# holdfast has it (tunnel 2224): @reboot {command} >/dev/null 2>&1\n0 3 * * * true\n", now)

    def start_cron_file(self, port: int) -> tuple[str, str]:
        """Writes an @reboot line for ann to /etc/cron.d and starts its tunnel."""
        file, command = f"/etc/cron.d/tunnel-{port}", f"autossh -M 0 -f -N -i ~/.ssh/id_ed25519 -R {port}:localhost:22 gate@bastion"
        table = f"PATH=/usr/bin:/bin\n@reboot ann AUTOSSH_GATETIME=0 {command} >/dev/null 2>&1\n0 3 * * * root true\n"
        self.host.write_file(file, table)
        self.addCleanup(self.host.run, ["rm", "-f", file])
        with self.host.login("ann") as session:
            session.background(f"env AUTOSSH_GATETIME=0 {command}")
        until("the old tunnel", lambda: self.answers(port))
        self.addCleanup(self.end_old)
        return file, table

    def end_old(self) -> None:
        for pid in self.host.pids("autossh -M"):
            self.host.kill(pid, signal.SIGTERM)
        until("the old tunnel to end", lambda: not self.host.pids("autossh -M"))

    def test_a_cron_d_line_becomes_a_tunnel_of_its_user(self) -> None:
        file, table = self.start_cron_file(2226)
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        own = Holdfast(self.host, self.user).run("import").stderr  # an import without root names the owner
        self.assertIn(f"nothing to import was found; {file} belongs to root: sudo holdfast import", own)
        planned = holdfast.run("import", "--dry-run").stdout
        self.assertIn(f"{file} would become tunnel 2226", planned)
        self.assertIn("end autossh (process ", planned)
        self.assertEqual((self.host.read_file(file), len(self.host.pids("autossh -M", user="ann"))), (table, 1))
        done = holdfast.run("import")
        self.assertIn(f"{file} is now tunnel 2226", done.stdout)
        self.assertEqual(self.host.pids("autossh -M"), [])
        self.assertTrue(holdfast.status("2226")["verified"])
        self.assertTrue(self.host.pids("holdfast", user="ann"))
        self.assertEqual(self.host.read_file(file), table.replace("@reboot", "# holdfast has it (tunnel 2226): @reboot"))
        self.assertEqual(self.host.run(["stat", "-c", "%a %U", file]).stdout, "644 root\n")
        self.host.reboot()
        holdfast.await_up("2226")
        self.assertEqual(self.host.pids("autossh -M"), [])

    def test_a_cron_d_tunnel_keeps_running_if_its_import_fails(self) -> None:
        self.allow_localhost_alone(2227)
        file, table = self.start_cron_file(2227)
        holdfast = Holdfast(self.host)
        done = holdfast.run("import", file, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"{file} is restored", done.stderr)
        self.assertEqual(self.host.read_file(file), table)
        until("the old tunnel", lambda: self.answers(2227))
        self.assertEqual(len(self.host.pids("autossh -M", user="ann")), 1)
        self.assertEqual(holdfast.statuses(), [])

    def test_a_line_of_roots_crontab_needs_a_user(self) -> None:
        table = (f"@reboot autossh -M 0 -f -N -i {self.user.key} -o UserKnownHostsFile={self.user.home}/.ssh/known_hosts "
                 "-R 2228:localhost:22 gate@bastion\n@reboot ann autossh -R 2229:localhost:22 gate@bastion\n")
        self.host.run(["crontab", "-"], stdin=table)
        self.addCleanup(self.host.run, ["crontab", "-r"], check=False)
        self.host.write_file("/etc/cron.d/odd", "@reboot nobody-here autossh -R 2230:localhost:22 gate@bastion\n")
        self.addCleanup(self.host.run, ["rm", "/etc/cron.d/odd"])
        holdfast = Holdfast(self.host)
        self.addCleanup(holdfast.run, "remove", "--all", check=False)
        done = holdfast.run("import", "--crontab", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        for why in ("it runs as root, and a tunnel doesn't need root", "nobody-here", "your crontab is unchanged"):
            self.assertIn(why, done.stderr)
        self.assertEqual(self.host.run(["crontab", "-l"]).stdout, table)
        self.assertEqual(holdfast.statuses(), [])
        done = holdfast.run("import", "--crontab", "--run-as", "ann", check=False)
        self.assertEqual(done.returncode, 1, "import understands all but two lines")
        self.assertTrue(holdfast.status("2228")["verified"])
        self.assertTrue(self.host.pids("holdfast", user="ann"))
        self.assertEqual(self.host.run(["crontab", "-l"]).stdout, "# holdfast has it (tunnel 2228): " + table)


if __name__ == "__main__":
    main(needs=["autossh"])
