#!/usr/bin/env python3
"""Durable accepts per second: signed Plane webhooks, each a new delivery, over keep-alive connections.

Called by scripts/bench; works against any running daemon:
    PLANE_WEBHOOK_SECRET=… benchmarks/accepts.py http://127.0.0.1:8080/webhooks/plane [connections] [seconds]
Every answer must be 200 "accepted": anything else is counted and makes the exit status 1. The client
itself takes a good part of the machine it shares, so the figure is a lower bound.
"""
import hashlib
import hmac
import json
import multiprocessing
import os
import socket
import sys
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent / "tests/fixtures/plane/webhook_v1_issue_updated_target_date.json"


def request(template, key, host, path):
    """One POST as Plane's open edition sends it: its own item, its own update time, its signature."""
    template["data"]["id"] = str(uuid.uuid4())
    body = json.dumps(template).encode()
    signature = hmac.new(key, body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"User-Agent: Autopilot\r\nX-Plane-Delivery: {uuid.uuid4()}\r\nX-Plane-Event: issue\r\n"
        f"X-Plane-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read_answer(stream):
    """(status, body) of one answer with a Content-Length."""
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, stream.read(length)


def connection(address, host, path, key, until, out):
    template = json.loads(TEMPLATE.read_text())
    good, bad, times = 0, {}, []
    with socket.create_connection(address) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = sock.makefile("rb")
        while time.monotonic() < until:
            message = request(template, key, host, path)
            began = time.perf_counter()
            sock.sendall(message)
            status, body = read_answer(stream)
            times.append(time.perf_counter() - began)
            if status == 200 and b'"accepted"' in body:
                good += 1
            else:
                bad[status] = bad.get(status, 0) + 1
    out.append((good, bad, times))


def process(threads, queue, *arguments):
    out = []
    running = [threading.Thread(target=connection, args=(*arguments, out)) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    queue.put((len(out), out))


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    key = os.environ["PLANE_WEBHOOK_SECRET"].encode()
    processes = max(1, min(os.cpu_count() or 1, connections // 8))
    threads = connections // processes
    queue = multiprocessing.Queue()
    until = time.monotonic() + seconds
    running = [
        multiprocessing.Process(
            target=process,
            args=(threads, queue, (url.hostname, url.port), url.netloc, url.path, key, until),
        )
        for _ in range(processes)
    ]
    for each in running:
        each.start()
    answers = [queue.get() for _ in running]
    for each in running:
        each.join()

    good, bad, times, ended = 0, {}, [], 0
    for threads_ended, results in answers:
        ended += threads_ended
        for g, b, t in results:
            good += g
            times += t
            for status, count in b.items():
                bad[status] = bad.get(status, 0) + count
    times.sort()
    if not times:
        sys.exit("no answer at all")

    def ms(share):
        return times[min(len(times) - 1, int(len(times) * share))] * 1000

    print(
        f"accepts_per_second={good / seconds:.0f} connections={processes * threads} "
        f"p50_ms={ms(0.50):.1f} p99_ms={ms(0.99):.1f} max_ms={times[-1] * 1000:.1f} "
        f"refused={sum(bad.values())}"
    )
    if bad or ended != processes * threads:
        sys.exit(f"not everything was accepted: by status {bad}, {processes * threads - ended} connections broke")


if __name__ == "__main__":
    main()
