"""A mail server for tests: real sockets, and as much SMTP as it takes to take messages."""

from __future__ import annotations

import socketserver


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that speaks enough SMTP to take messages."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.mails: list[tuple[list[str], bytes]] = []


class Conversation(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        to: list[str] = []
        while line := self.rfile.readline().strip():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                content = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    content += part
                self.server.mails.append((to, content))
            elif word == b"RCPT":
                to.append(line.decode().split("<")[1].split(">")[0])
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return
