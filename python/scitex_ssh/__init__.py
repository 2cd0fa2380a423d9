"""Another name of scitex_tunnel. Programs that import this need no change."""

from scitex_tunnel import AVAILABLE, __version__, get_version, remove, setup, status

__all__ = ["AVAILABLE", "__version__", "get_version", "remove", "setup", "status"]
