"""What is not compared, each with its reason. All the rest of what BIRD 2.0.12 prints here is byte for byte what 2.19 prints, and we do."""
import re

# Masked on both sides.
MASKS = [
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "<datetime>"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?", "<time>"),
    (r"BIRD (version )?\d+\.\d+\S*", "BIRD <version>"),
    (r'"version": "[\d.]+"', '"version": <version>'),
    (r"(?<=Reading configuration from )\S*/", ""),
    (r"/\S*/(?=bird\.c(onf|tl))", ""),
]

# Counters that depend on what a protocol meets at its start, on both sides. A pipe that comes up while routes arrive gets them once by
# notice and once by its feed; in which order links, feeds and other protocols come up is not promised by either daemon.
PIPE_COUNTERS = re.compile(r"^(\S+ +Pipe .*\n(?:[ ]+.*\n)*?)((?: +(?:Im|Ex)port (?:updates|withdraws):.*\n?)+)", re.M)


def mask(text):
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text.rstrip()


def tidy(command, text):
    """Masked, and with lines in a fixed order where BIRD's is that of its hash tables."""
    # What could have stood there is said in our own words.
    text = re.sub(r"(syntax error, ).*", r"\1<what>", mask(text))
    text = PIPE_COUNTERS.sub(r"\1    <counters>\n", text)
    if command.startswith("show symbols"):
        greeting, *lines = text.splitlines()
        # BIRD lists every word of the file that it has looked up, keywords among them.
        return "\n".join([greeting] + sorted(line for line in lines if not line.endswith("\tundefined")))
    if command.startswith("show route"):
        blocks = []
        for line in text.splitlines():
            if line[:1].strip() or not blocks:
                blocks.append([line])
            else:
                blocks[-1].append(line)
        # Runs of nets between headings are sorted.
        done, table = [], 0
        for block in blocks:
            if not NET.match(block[0]):
                table += 1
            done.append((table, block if NET.match(block[0]) else [], block))
        return "\n".join(line for _, _, block in sorted(done) for line in block if line)
    return text


NET = re.compile(r"[0-9a-f:.]+/")
