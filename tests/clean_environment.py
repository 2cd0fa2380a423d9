"""Removes the caller's environment from a test program, so that it behaves the same by hand, in a container and in CI.

The base modules of the Python tests (lab, case, made) call clean_environment() when they are imported.
"""
from __future__ import annotations

import os

# What programs need to run at all, the settings of the tests, and the settings of compilers and package clients.
KEPT = {"PATH", "HOME", "TMPDIR", "CI",
        "HOLDFAST", "HOLDFAST_STATIC", "HOLDFAST_KILLS", "HOLDFAST_VERSION", "LAB_FILES", "CMAKE", "BUILD",
        "CXX_COMPILER", "MCP_SDK", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE",
        "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH", "CMAKE_PREFIX_PATH", "PKG_CONFIG_PATH",
        "CCACHE_DIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}
KEPT_PREFIXES = ("npm_config_", "NPM_CONFIG_")


def clean_environment() -> None:
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES):
            del os.environ[name]
    os.environ["LANG"] = "C.UTF-8"
