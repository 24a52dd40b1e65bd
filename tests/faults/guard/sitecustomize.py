"""On PYTHONPATH: every Python process notes in a file which addresses it asks the network for, loopback included."""

import os
import sys


def note(event: str, arguments: tuple) -> None:
    """Write down an attempt, whatever comes of it."""
    if event == "socket.getaddrinfo":
        text = f"{arguments[0]}:{arguments[1]}"
    elif event in ("socket.connect", "socket.sendto") and arguments[0].family.name in ("AF_INET", "AF_INET6"):
        text = str(arguments[1])
    else:
        return
    with open(os.environ["NETWORK_LOG"], "a", encoding="utf-8") as file:
        file.write(f"{event} {text} {sys.argv[:3]}\n")


sys.addaudithook(note)
