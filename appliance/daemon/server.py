"""The daemon's one socket: a thread of its own, one loop over all clients, no wait that a client decides.

Whatever clients do costs at most a bounded share of this thread: so many acts a second for all of them
together, and what is over waits unread in the kernel. Never touches the box (desk.py). DAEMON.md 2 and 3.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.daemon import desk as desks
from appliance.daemon.budget import Budget
from appliance.daemon.desk import Desk
from appliance.daemon.line import Line, LineBroken
from appliance.domain import request as words
from appliance.domain.request import Answer, AnyAnswer, AnyRequest, AskWatch, Refusal
from appliance.errors import IwatoError, PeerForeign

CLIENTS_MAX = 16  # lines at once; a screen, a watcher and some commands
ACTS_PER_S = 100  # requests, connections and writes per second, all clients together
BURST = 50  # acts at once
HALF_MS = 10_000  # ms in which a request has to be whole
NEWS_MS = 1000  # ms between two lines of a stream
TICK_S = 0.2  # s between looks while nothing happens
PAUSE_S = 0.05  # s of rest where the budget is spent
SLOW_MAX = 4  # answers that read the ledger and wait their turn; more are answered with a refusal
READ_BYTES = 4096  # bytes read of one client in one act


@dataclass(eq=False)
class Client:
    """One connection."""

    socket: socket.socket
    line: Line = field(default_factory=Line)
    watches: bool = False
    news_at_ms: int = 0


class Server:
    """See the module. `now_ms` is a monotonic clock."""

    def __init__(self, path: Path, desk: Desk, now_ms: Callable[[], int]) -> None:
        self._path, self._desk, self._now_ms = path, desk, now_ms
        self._clients: list[Client] = []
        self._selector = selectors.DefaultSelector()
        self._budget = Budget(ACTS_PER_S, BURST)
        self._slow: queue.Queue[tuple[Client, AnyRequest]] = queue.Queue(SLOW_MAX)
        self._made: queue.SimpleQueue[tuple[Client, bytes]] = queue.SimpleQueue()
        self._ending = threading.Event()
        self.acts = 0
        self._listener = _listen(path)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._threads = [
            threading.Thread(target=self._serve, name="socket", daemon=True),
            threading.Thread(target=self._read_slowly, name="ledger", daemon=True),
        ]

    def start(self) -> None:
        """Serve from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Hang up on everybody; the socket is gone."""
        self._ending.set()
        if self._threads[0].ident is not None:  # else the box never came to rest, and nobody was served
            self._threads[0].join()
        self._path.unlink(missing_ok=True)

    # -- the loop ------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._ending.is_set():
            ready = self._selector.select(TICK_S)
            self._take_made()
            spent = False
            for key, events in ready:
                if not self._budget.spend(self._now_ms()):
                    spent = True
                    break
                self.acts += 1
                if key.data is None:
                    self._accept()
                else:
                    self._guarded(key.data, events)
            self._look_around()
            if spent:
                self._ending.wait(PAUSE_S)
        for client in list(self._clients):
            self._hang_up(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        uid = _peer(accepted)
        if len(self._clients) >= CLIENTS_MAX:
            accepted.close()
            return
        client = Client(socket=accepted)
        self._clients.append(client)
        self._selector.register(accepted, selectors.EVENT_READ, client)
        if uid not in {os.geteuid(), 0}:
            with contextlib.suppress(OSError):
                accepted.send(words.encode(_refusal(PeerForeign(uid=uid))))
            self._hang_up(client)

    def _guarded(self, client: Client, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._write(client)
            if events & selectors.EVENT_READ:
                data = client.socket.recv(READ_BYTES)
                if not data:
                    self._hang_up(client)
                    return
                client.line.take(data, self._now_ms())
            self._answer(client)
        except BlockingIOError:
            return
        except (OSError, LineBroken):
            self._hang_up(client)

    def _answer(self, client: Client) -> None:
        text = client.line.request()
        if text is not None:
            try:
                request = words.decode_request(text)
                client.watches |= isinstance(request, AskWatch)
                if desks.is_slow(request):
                    client.line.waits = True
                    self._slow.put_nowait((client, request))
                else:
                    client.line.answer(_made(self._desk, request))
            except queue.Full:
                client.line.waits = False
                client.line.answer(words.encode(Refusal(code="IW-7112", values={"detail": "busy"})))
            except IwatoError as error:
                client.line.answer(words.encode(_refusal(error)))
        self._mind(client)

    def _write(self, client: Client) -> None:
        pending = client.line.pending
        if pending is not None:
            client.line.wrote(client.socket.send(pending))

    def _mind(self, client: Client) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.line.pending else 0)
        self._selector.modify(client.socket, events, client)

    def _look_around(self) -> None:
        """What time does to clients: unfinished requests, streams, requests that waited."""
        now_ms = self._now_ms()
        for client in list(self._clients):
            half_ms = client.line.half_since_ms
            if half_ms is not None and now_ms - half_ms > HALF_MS:
                self._hang_up(client)
                continue
            is_due = client.watches and now_ms - client.news_at_ms >= NEWS_MS
            if is_due and not client.line.pending:  # a slow reader gets less, never a queue
                client.news_at_ms = now_ms
                client.line.answer(_made(self._desk, AskWatch()))
                self._mind(client)
            elif not client.line.waits:
                self._guarded(client, 0)

    def _hang_up(self, client: Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.socket)
            client.socket.close()

    # -- slow answers --------------------------------------------------------------------------------

    def _read_slowly(self) -> None:
        while True:
            client, request = self._slow.get()
            self._made.put((client, _made(self._desk, request)))

    def _take_made(self) -> None:
        while not self._made.empty():
            client, text = self._made.get()
            client.line.waits = False
            if client in self._clients:
                try:
                    client.line.answer(text)
                    self._mind(client)
                except LineBroken:
                    self._hang_up(client)


def _made(desk: Desk, request: AnyRequest) -> bytes:
    """The answer as a line; an error of any kind is an answer too: the thread goes on."""
    try:
        answer: AnyAnswer = Answer(document=dict(desk.answer(request)))
    except IwatoError as error:
        answer = _refusal(error)
    except Exception as error:  # noqa: BLE001 - a bug in one answer must not take the socket away
        answer = _refusal(IwatoError(detail=f"{type(error).__name__}: {error}"))
    return words.encode(answer)


def _refusal(error: IwatoError) -> Refusal:
    values = {name: value if isinstance(value, int) else str(value) for name, value in error.values.items()}
    return Refusal(code=error.code, values=values)


def _listen(path: Path) -> socket.socket:
    """The socket, private from its first moment. What a dead daemon left in its place goes. Bound by its
    folder's descriptor: an address has room for 107 bytes, a home may lie deeper."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.umask(before)
        os.close(folder)
    listener.listen(CLIENTS_MAX)
    return listener


def _peer(accepted: socket.socket) -> int:
    """The user at the other end, as the kernel says."""
    raw = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])
