"""Many readers at once, as a process of its own: each asks, waits for the whole answer, and asks again.

`python -m tests.benchmarks.readers_load PORT PATH READERS SECONDS [TOKEN]` prints the milliseconds of every answer
after the first fifth of the time, and how many were not 200, as JSON.
"""

import asyncio
import json
import sys
import time


async def reader(port: int, request: bytes, until: float, warm: float, took: list[float], wrong: list[int]) -> None:
    """Ask over one kept connection until the time is over."""
    stream, sink = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        began = time.monotonic()
        sink.write(request)
        head = await stream.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await stream.readexactly(length)
        if began > warm:
            took.append(time.monotonic() - began)
            if not head.startswith(b"HTTP/1.1 200"):
                wrong.append(int(head[9:12]))
    sink.close()


async def load(port: int, path: str, readers: int, seconds: float, token: str) -> dict[str, object]:
    """Run the readers and return what they saw."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{authorization}\r\n".encode()
    now = time.monotonic()
    took: list[float] = []
    wrong: list[int] = []
    await asyncio.gather(
        *(reader(port, request, now + seconds, now + seconds / 5, took, wrong) for _ in range(readers))
    )
    return {"milliseconds": sorted(round(second * 1000, 2) for second in took), "wrong": len(wrong)}


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(json.dumps(asyncio.run(load(int(arguments[0]), arguments[1], int(arguments[2]), float(arguments[3]),
                                      arguments[4] if len(arguments) > 4 else ""))))  # fmt: skip
