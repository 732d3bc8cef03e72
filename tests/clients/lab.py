"""Two daemons on the same configuration, each alone in a network namespace, and the ways to ask them.

Nothing here runs outside of a namespace: a routing daemon changes the kernel it runs on.
"""
import errno, fcntl, os, pty, re, select, shutil, signal, socket, struct, subprocess, termios, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ISOLATE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-Urn"]

# Seconds that anything may take before we give up, on however slow and busy a machine: who waits for what comes waits no longer for it.
PATIENCE = 90

# The links both see; the hardware addresses are fixed because link-local addresses follow from them.
LINKS = """
ip link set lo up
ip link add up0 address 02:00:00:00:00:01 type veth peer name up1 address 02:00:00:00:00:02
sysctl -qw net.ipv6.conf.up0.accept_dad=0 net.ipv6.conf.up1.accept_dad=0
ip link set up0 up; ip link set up1 up
ip addr add 198.51.100.1/24 dev up0
ip -6 addr add 2001:db8:0:1::1/64 dev up0 nodad
ip addr add 10.77.0.1 peer 10.77.0.2 dev up1
"""


class Daemon:
    """One daemon: its folder, process and socket."""

    def __init__(self, name, binary, folder):
        self.name, self.binary, self.folder = name, binary, Path(folder) / name
        self.socket = self.folder / "bird.ctl"
        self.process = None

    def start(self):
        self.folder.mkdir()
        for file in ("bird.conf", "anycast.conf"):
            shutil.copy(HERE / file, self.folder / file)
        (self.folder / "birdc.sh").write_text(f'#!/bin/sh\nexec "$1" -s {self.socket} "$2"\n')
        script = f"set -e\n{LINKS}\nexec {self.binary} -f -c {self.folder}/bird.conf -s {self.socket}"
        log = open(self.folder / "stderr", "w")
        self.process = subprocess.Popen(ISOLATE + ["sh", "-c", script], stderr=log, stdout=log, cwd=self.folder)
        self.wait(lambda: "0001 " in self.ask(None))
        # Interfaces come up and the first scans end in their own time.
        self.wait(lambda: self.settled())

    def settled(self):
        state = self.ask("show protocols") + self.ask("show route count")
        seen = getattr(self, "_seen", None)
        self._seen = re.sub(r"\d\d:\d\d:\d\d\S*", "", state)
        time.sleep(0.3)
        return seen == self._seen and not re.search(r"\b(start|flush|stop)\b", state)

    def wait(self, condition, patience=PATIENCE):
        end = time.monotonic() + patience
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended:\n" + (self.folder / "stderr").read_text())
            if time.monotonic() > end:
                raise SystemExit(f"{self.name} does not get ready:\n" + (self.folder / "stderr").read_text())
            time.sleep(0.05)

    def ask(self, command):
        """The raw reply to one command; without one, the greeting."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(PATIENCE)
            link.connect(str(self.socket))
            answer = reply(link)
            if command is not None:
                link.sendall(command.encode() + b"\n")
                answer = reply(link)
        return answer

    def kernel(self, family, table="main"):
        """What the kernel of its namespace holds from it."""
        enter = ["nsenter", "-t", str(self.process.pid), "-n"]
        if os.geteuid() != 0:
            enter[3:3] = ["-U", "--preserve-credentials"]
        lines = run(enter + ["ip", family, "route", "show", "table", table, "proto", "bird"]).out.splitlines()
        return "\n".join(sorted(lines))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                return None
        return self.process and self.process.returncode


def reply(link):
    """Reads lines to the end of one reply."""
    data = b""
    while not re.search(rb"(^|\n)\d{4} [^\n]*\n$", data):
        piece = link.recv(65536)
        if not piece:
            break
        data += piece
    return data.decode(errors="replace")


class Outcome:
    """What a program printed, and how it ended."""

    def __init__(self, out, err, status):
        self.out, self.err, self.status = out, err, status


def run(arguments, text="", timeout=PATIENCE, **more):
    done = subprocess.run(list(map(str, arguments)), input=text, capture_output=True, text=True, timeout=timeout, **more)
    return Outcome(done.stdout, done.stderr, done.returncode)


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x07\x0e\x0f]")


class Terminal:
    """A program on a terminal of its own, typed at like a person does."""

    def __init__(self, arguments, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {"TERM": "xterm", "HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
            os.execvpe(str(arguments[0]), list(map(str, arguments)), environment)
        # High enough that no pager stops anything.
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 300, 150, 0, 0))
        self.text = ""

    def type(self, keys, until, patience=PATIENCE):
        """Types, then waits until the pattern shows up in what was printed since. Returns that, or None."""
        start = len(self.text)
        if keys:
            os.write(self.fd, keys.encode())
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    piece = os.read(self.fd, 65536)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    piece = b""
                if not piece:
                    return self.text[start:] if re.search(until, self.text[start:], re.S) else None
                self.text += ESCAPES.sub("", piece.decode(errors="replace")).replace("\r", "")
            if re.search(until, self.text[start:], re.S):
                return self.text[start:]
        return None

    def close(self):
        """Ends the session with Ctrl-D and returns the exit status, or None if it does not end."""
        try:
            os.write(self.fd, b"\x15\x04")
        except OSError:
            pass
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.type("", r"\Z(?!)", 0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return None
