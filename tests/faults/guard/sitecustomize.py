"""With this file on PYTHONPATH, every Python process writes all requested addresses to a file, loopback included."""

import os
import sys


def note(event: str, arguments: tuple) -> None:
    """Write down a request, even if it fails."""
    if event == "socket.getaddrinfo":
        text = f"{arguments[0]}:{arguments[1]}"
    elif event in ("socket.connect", "socket.sendto") and arguments[0].family.name in ("AF_INET", "AF_INET6"):
        text = str(arguments[1])
    else:
        return
    with open(os.environ["NETWORK_LOG"], "a", encoding="utf-8") as file:
        file.write(f"{event} {text} {sys.argv[:3]}\n")


sys.addaudithook(note)
