#!/usr/bin/python3
"""The contents of the packages, and that they do not depend on the environment of the build."""
from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from made import TREE, Packages, run, skip

LINKS = TREE / "tests/unit/documentation/check.py"
PAGES = ("holdfast.1", "holdfast.conf.5", "holdfast-backends.7")


class Contents(unittest.TestCase):
    packages: Packages

    @classmethod
    def setUpClass(cls) -> None:
        cls.packages = Packages()

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="holdfast-packages-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def test_another_environment_gives_the_same_bytes(self) -> None:
        before = self.packages.sums
        again = Packages(umask=0o077, TZ="Asia/Tokyo", LC_ALL="C.UTF-8", HOME=str(self.scratch))
        self.assertEqual(before, again.sums)

    def test_lintian_finds_no_error(self) -> None:
        if shutil.which("lintian") is None:
            self.fail("lintian is missing: scripts/setup-dependencies test")
        found = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", self.packages.deb,
                                self.packages.development],
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)
        self.assertNotIn("unused-override", found.stdout)

    def test_the_deb_has_program_pages_documents_and_completions(self) -> None:
        run("dpkg-deb", "--extract", self.packages.deb, self.scratch)
        self.assertIn("holdfast", run(self.scratch / "usr/bin/holdfast", "version"))
        for page in PAGES:
            self.assertTrue((self.scratch / f"usr/share/man/man{page[-1]}/{page}.gz").is_file(), page)
        for completion in ("bash-completion/completions/holdfast", "zsh/site-functions/_holdfast",
                           "fish/vendor_completions.d/holdfast.fish"):
            self.assertTrue((self.scratch / "usr/share" / completion).is_file(), completion)
        run(sys.executable, LINKS, "links", self.scratch / "usr/share/doc/holdfast")

    def test_the_library_has_a_package_of_its_own(self) -> None:
        run("dpkg-deb", "--extract", self.packages.deb, self.scratch)
        self.assertEqual([path for path in self.scratch.rglob("*") if path.suffix in (".a", ".hpp", ".pc", ".cmake")], [])
        run("dpkg-deb", "--extract", self.packages.development, self.scratch)
        build = self.scratch / "build"
        run("cmake", "-S", TREE / "examples/cpp", "-B", build, f"-DCMAKE_PREFIX_PATH={self.scratch}/usr")
        run("cmake", "--build", build)
        nobody = {"HOME": str(self.scratch), "PATH": f"{self.scratch}/usr/bin:/usr/bin:/bin"}
        self.assertEqual(run(build / "tunnels", "--user", env=nobody), "")

    def test_the_archive_runs_where_it_is_unpacked(self) -> None:
        run("tar", "-xzf", self.packages.archive, "-C", self.scratch)
        [top] = self.scratch.iterdir()
        self.assertFalse((top / "include").exists(), "the library has a package of its own")
        self.assertIn("holdfast", run(top / "bin/holdfast", "version"))
        self.assertEqual((top / "INSTALL.md").read_text(), (TREE / "packaging/INSTALL.md").read_text())
        for page in PAGES:
            self.assertTrue((top / f"share/man/man{page[-1]}/{page}").is_file(), page)
        run(sys.executable, LINKS, "links", top / "share/doc/holdfast")


if __name__ == "__main__":
    if not (TREE / "build/static/holdfast").exists():
        skip("the static build is missing: cmake --preset static && cmake --build --preset static")
    unittest.main(verbosity=2)
