"""Random expressions and programs of the filter language that BIRD 2.0.12 knows, too: well typed but for an occasional slip."""
import random

R = random.Random()
pick = R.choice

INTS = [0, 1, 2, 3, 5, 7, 8, 9, 10, 23, 24, 32, 33, 100, 127, 128, 255, 256, 1000, 65534, 65535, 65536, 65537, 100000,
        16777216, 2147483647, 2147483648, 4294967294, 4294967295]
HALVES = [0, 1, 2, 3, 5, 10, 100, 65535]
IP4 = ["0.0.0.0", "1.2.3.4", "10.0.0.0", "10.0.0.1", "10.1.2.3", "192.168.1.1", "255.255.255.255", "127.0.0.1", "224.0.0.1"]
IP6 = ["::", "::1", "2001:db8::1", "fe80::1", "::ffff:1.2.3.4", "2001:db8:1:2:3:4:5:6", "ff02::1", "1::",
       "2001:0:0:1:0:0:0:1", "64:ff9b::1.2.3.4"]
NET4 = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "192.168.0.0/16", "128.0.0.0/1",
        "1.2.3.4/32", "10.0.0.0/9", "10.128.0.0/9", "1.2.3.0/25"]
NET6 = ["::/0", "2001:db8::/32", "2001:db8:1::/48", "::1/128", "fe80::/10", "2001:db8::/64", "::ffff:0:0:0/96", "8000::/1"]
RDS = ["1:2", "0:1:2", "2:1:2", "65535:4294967295", "65536:1", "10.0.0.1:5", "4294967295:65535", "2:65000:7", "0:0:0"]
TEXTS = ['""', '"a"', '"abc"', '"*"', '"a*"', '"?b?"', '"A"', '"ab"', '"a b"', '"x*z"', '"\\*"', '"\\"', '"b"', '"*bc"', '"*a*b*"']
ENUMS = {
    "rts": ["RTS_STATIC", "RTS_BGP", "RTS_DEVICE", "RTS_INHERIT", "RTS_RIP", "RTS_OSPF", "RTS_OSPF_IA", "RTS_PIPE"],
    "scope": ["SCOPE_HOST", "SCOPE_LINK", "SCOPE_SITE", "SCOPE_ORGANIZATION", "SCOPE_UNIVERSE", "SCOPE_UNDEFINED"],
    "rtd": ["RTD_UNICAST", "RTD_BLACKHOLE", "RTD_UNREACHABLE", "RTD_PROHIBIT"],
    "roa": ["ROA_UNKNOWN", "ROA_VALID", "ROA_INVALID"],
    "origin": ["ORIGIN_IGP", "ORIGIN_EGP", "ORIGIN_INCOMPLETE"],
}
# Types as they are declared.
DECLARED = {t: t for t in ["bool", "int", "ip", "prefix", "pair", "quad", "ec", "lc", "rd", "string", "bgppath", "bgpmask",
                           "clist", "eclist", "lclist"]}
DECLARED.update(iset="int set", ipset="ip set", prset="pair set", ecset="ec set", lcset="lc set", pset="prefix set")
TYPES = list(DECLARED) + ["enum", "eset", "rdset"]
# Attributes by type; the last ones cannot be written.
ATTRIBUTES = {
    "int": ["bgp_med", "bgp_local_pref", "ospf_metric1", "ospf_tag", "rip_metric", "igp_metric", "krt_metric", "babel_metric", "cus_i"],
    "bgppath": ["bgp_path", "cus_p"], "clist": ["bgp_community", "bgp_cluster_list", "cus_c"],
    "eclist": ["bgp_ext_community", "cus_e"], "lclist": ["bgp_large_community", "cus_l"],
    "ip": ["krt_prefsrc", "bgp_next_hop", "cus_ip", "from"], "quad": ["ospf_router_id", "bgp_originator_id", "cus_q"],
    "bool": ["krt_lock_mtu", "krt_lock_window", "krt_feature_ecn"], "origin": ["bgp_origin"], "scope": ["scope"],
}
READ_ONLY = {"prefix": ["net"], "string": ["proto", "ifname"], "int": ["weight", "preference"], "bool": ["onlink"]}
PREAMBLE = "".join(f"attribute {t} cus_{n};\n" for t, n in [
    ("int", "i"), ("quad", "q"), ("ip", "ip"), ("bgppath", "p"), ("clist", "c"), ("eclist", "e"), ("lclist", "l")])
# What a function returns is known at run time only.
PREAMBLE += "".join(f"function i_{t}({declared} x) {{ return x; }}\n" for t, declared in DECLARED.items())


class Maker:
    """Makes expressions; `wrong` is the share of terms of any other type, `names` the variables in sight by type."""

    def __init__(self, wrong=0.005, attributes=False):
        self.wrong, self.attributes, self.scopes, self.constant = wrong, attributes, [], False

    def term(self, kind, depth=0):
        if R.random() < self.wrong:
            kind = pick(TYPES)
        if not self.constant and R.random() < 0.3:
            named = [n for scope in self.scopes for n, t in scope if t == kind]
            if self.attributes:
                named += ATTRIBUTES.get(kind, []) + READ_ONLY.get(kind, [])
            if named:
                return pick(named)
        text = getattr(self, "a_" + kind)(depth)
        shape = R.random()
        if shape < 0.06:
            return f"({text})"
        if shape < 0.13 and kind in DECLARED:
            return f"i_{kind}({text})"
        return text

    def number(self):
        return pick(INTS) if R.random() < 0.6 else R.randrange(12)

    def half(self):
        return pick(HALVES) if R.random() < 0.95 else self.number()

    def is_leaf(self, depth):
        return depth >= 3 or R.random() < 0.25 + 0.15 * depth

    def binary(self, depth, left, operators, right):
        return f"{self.term(left, depth + 1)} {pick(operators)} {self.term(right, depth + 1)}"

    def paren(self, kind, depth):
        """A constant term, as members of sets are."""
        before, self.constant = self.constant, True
        text = f"({self.term(kind, depth + 2)})"
        self.constant = before
        return text

    def a_bool(self, depth):
        if self.is_leaf(depth):
            return pick(["true", "false"])
        shape = R.randrange(9)
        if shape == 0:
            return "!" + self.term("bool", depth + 1)
        if shape == 1:
            return self.binary(depth, "bool", ["&&", "||"], "bool")
        if shape == 2:
            kind = pick(TYPES)
            return self.binary(depth, kind, ["=", "!="], kind if R.random() < 0.7 else pick(TYPES))
        if shape in (3, 4):
            kind = pick(["int", "pair", "quad", "ec", "lc", "ip", "prefix", "enum", "bool"])
            return self.binary(depth, kind, ["<", "<=", ">", ">="], kind)
        if shape == 5:
            return f"defined({self.term(pick(TYPES), depth + 1)})"
        left, right = pick([
            ("int", "iset"), ("pair", "prset"), ("ip", "ipset"), ("ec", "ecset"), ("lc", "lcset"), ("enum", "eset"),
            ("prefix", "pset"), ("prefix", "pset"), ("prefix", "prefix"), ("ip", "prefix"), ("string", "string"),
            ("bgppath", "bgpmask"), ("bgppath", "bgpmask"), ("bgppath", "iset"), ("int", "bgppath"), ("pair", "clist"),
            ("quad", "clist"), ("clist", "prset"), ("ec", "eclist"), ("eclist", "ecset"), ("lc", "lclist"), ("lclist", "lcset")])
        return self.binary(depth, left, ["~", "~", "!~"], right)

    def a_int(self, depth):
        if self.is_leaf(depth):
            n = self.number()
            return pick([str(n), str(n), hex(n), f"0{n}"])
        shape = R.randrange(9)
        if shape < 4:
            return self.binary(depth, "int", ["+", "-", "*", "/"], "int")
        kind, members = pick([
            ("bgppath", ["len", "first", "last", "last_nonaggregated"]), ("clist", ["len"]), ("eclist", ["len"]),
            ("lclist", ["len"]), ("prefix", ["len", "len", "maxlen"]), ("pair", ["asn", "data"]), ("lc", ["asn", "data1", "data2"])])
        return f"{self.term(kind, depth + 1)}.{pick(members)}"

    def a_ip(self, depth):
        if self.is_leaf(depth):
            return pick(IP4 + IP6)
        if R.random() < 0.5:
            return f"{self.term('prefix', depth + 1)}.ip"
        return f"{self.term('ip', depth + 1)}.mask({R.randrange(33)})"

    def a_prefix(self, depth):
        shape, net = R.randrange(12), pick(NET4 + NET4 + NET6)
        if shape == 0:
            return f"{pick(RDS)} {net}"
        if shape == 1:
            net = pick(NET4)
            return f"{net} max {R.randrange(int(net.split('/')[1]), 33)} as {self.number()}"
        if shape == 2:
            return f"{pick(NET6)} from {pick(NET6)}"
        return net

    def a_pair(self, depth):
        part = lambda: self.term("int", depth + 2) if R.random() < 0.15 else self.half()
        return f"({part()}, {part()})"

    def a_quad(self, depth):
        return f"i_quad({pick(IP4)})"

    def a_ec(self, depth):
        kind = pick(["rt", "ro", "rt", "ro", "generic", "unknown 0x4002", "unknown 0x102", "unknown 3", "unknown 0x8000"])
        key = pick([self.half(), self.half(), pick(IP4), 65536, self.number()])
        value = self.term("int", depth + 2) if R.random() < 0.2 else self.half()
        return f"({kind}, {key}, {value})"

    def a_lc(self, depth):
        return "({}, {}, {})".format(*(self.term("int", depth + 2) if R.random() < 0.1 else self.number() for _ in range(3)))

    def a_rd(self, depth):
        return pick(RDS)

    def a_string(self, depth):
        return pick(TEXTS) if R.random() < 0.6 else f"format({self.term(pick(TYPES), depth + 1)})"

    def a_enum(self, depth):
        return pick(ENUMS["rts"] if R.random() < 0.7 else ENUMS[pick(list(ENUMS))])

    def a_origin(self, depth):
        return pick(ENUMS["origin"])

    def a_scope(self, depth):
        return pick(ENUMS["scope"])

    def a_bgppath(self, depth):
        if self.is_leaf(depth):
            return "+empty+"
        shape = R.randrange(7)
        if shape < 5:
            return f"prepend({self.term('bgppath', depth)}, {self.term('int', depth + 2)})"
        name, kind = ("delete", pick(["int", "iset"])) if shape == 5 else ("filter", "iset")
        return f"{name}({self.term('bgppath', depth)}, {self.term(kind, depth + 1)})"

    def a_bgpmask(self, depth):
        items = []
        for _ in range(R.randrange(6)):
            shape = R.randrange(9)
            items.append([lambda: str(self.number()), lambda: "*", lambda: "?", lambda: f"{self.number()}..{self.number()}",
                          lambda: self.a_iset(depth), lambda: f"({self.term('int', depth + 1)})", lambda: "+" if items else "?",
                          lambda: "*", lambda: str(self.number())][shape]())
        return f"[= {' '.join(items)} =]"

    def a_list(self, depth, name, empty, items, members):
        if self.is_leaf(depth):
            return empty
        shape = R.randrange(7)
        this = self.term(name, depth + R.randrange(2))
        if shape < 4:
            return f"add({this}, {self.term(pick(items), depth + 2)})"
        if shape == 4:
            return f"{pick(['add', 'delete', 'filter'])}({this}, {self.term(name, depth + 1)})"
        return f"{pick(['delete', 'filter'])}({this}, {self.term(members, depth + 1)})"

    def a_clist(self, depth):
        return self.a_list(depth, "clist", "-empty-", ["pair", "quad"], "prset")

    def a_eclist(self, depth):
        return self.a_list(depth, "eclist", "--empty--", ["ec"], "ecset")

    def a_lclist(self, depth):
        return self.a_list(depth, "lclist", "---empty---", ["lc"], "lcset")

    def a_iset(self, depth):
        """Members stay apart: 2.0.12 keeps overlapping ones as they are."""
        points, items = sorted(R.sample(INTS + list(range(11, 22)), R.randrange(1, 9))), []
        while points:
            low = points.pop(0)
            if points and R.random() < 0.5:
                items.append(pick(["{}..{}", "{} .. {}", "({})..{}"]).format(low, points.pop(0)))
            else:
                items.append(pick(["{}", "({})"]).format(low))
        R.shuffle(items)
        return f"[{', '.join(items)}]"

    def a_set(self, item):
        return "[" + ", ".join(item() for _ in range(pick([1, 1, 1, 2, 3]))) + "]"

    def span(self, numbers):
        return "{}..{}".format(*sorted([numbers(), numbers()]))

    def a_prset(self, depth):
        return self.a_set(lambda: pick(["({}, *)", "({}, {})", "({}, {})"]).format(
            pick(HALVES), pick([str(pick(HALVES)), self.span(lambda: pick(HALVES[:7]))])))

    def a_ipset(self, depth):
        return "[" + ", ".join(R.sample(IP4[:-1] + IP6, R.randrange(1, 4)) + pick([[], [self.paren("ip", depth)]])) + "]"

    def a_ecset(self, depth):
        value = lambda: pick(["*", str(pick(HALVES)), self.span(lambda: pick(HALVES))])
        return self.a_set(lambda: f"({pick(['rt', 'ro', 'generic'])}, {pick(HALVES)}, {value()})")

    def a_lcset(self, depth):
        n = self.number
        return self.a_set(lambda: pick([f"({n()}, {n()}, {n()})", f"({n()}, {n()}, *)", f"({n()}, *, *)",
                                        f"({n()}, {n()}, {self.span(n)})", f"({n()}, {self.span(n)}, *)"]))

    def a_eset(self, depth):
        return self.a_set(lambda: pick(ENUMS["rts"]))

    def a_rdset(self, depth):
        return self.a_set(lambda: pick(RDS))

    def a_pset(self, depth):
        family, most = pick([(NET4, 32), (NET4, 32), (NET6, 128)])
        tail = lambda: pick(["", "", "+", "-", "{{{},{}}}".format(*sorted([R.randrange(most + 1), R.randrange(most + 1)]))])
        return self.a_set(lambda: pick(family) + tail())


class Program(Maker):
    """The body of a filter, as lines."""

    def __init__(self, wrong):
        super().__init__(wrong, attributes=True)
        self.scopes, self.lines, self.count, self.left = [[]], [], 0, R.randrange(3, 22)

    def put(self, line):
        self.lines.append("  " * len(self.scopes) + line)

    def block(self, head, fewest=0):
        self.put(head + "{")
        self.scopes.append([])
        for _ in range(R.randrange(fewest, 4)):
            self.statement()
        self.scopes.pop()
        self.put("}")

    def fresh(self, kind):
        self.count += 1
        self.scopes[-1].append((f"w{self.count}", kind))
        return f"w{self.count}"

    def statement(self):
        self.left -= 1
        shape = R.randrange(20) if self.left > 0 and len(self.scopes) < 5 else 7
        if shape < 4:
            kind = pick(list(DECLARED))
            value = self.term(kind, 1)
            self.put(f"{DECLARED[kind]} {self.fresh(kind)} = {value};")
        elif shape < 6 and any(self.scopes):
            name, kind = pick([v for scope in self.scopes for v in scope])
            self.put(f"{name} = {self.term(kind, 1)};")
            self.put(f'print "{name}=", {name};')
        elif shape < 10:
            kind = pick(list(ATTRIBUTES))
            name = pick(ATTRIBUTES[kind])
            if R.random() < 0.1 and name[:3] != "cus" and name not in ("from", "scope"):
                self.put(f"unset({name});")
            else:
                self.put(f"{name} = {self.term(kind, 1)};")
            self.put(f'print "{name}=", {name}, " ", defined({name});')
        elif shape < 12:
            name, method, kind = pick([
                ("bgp_path", "prepend", "int"), ("bgp_path", "delete", "iset"), ("bgp_path", "filter", "iset"),
                ("bgp_community", "add", "pair"), ("bgp_community", "delete", "prset"), ("bgp_community", "filter", "clist"),
                ("bgp_ext_community", "add", "ec"), ("bgp_ext_community", "delete", "ecset"),
                ("bgp_large_community", "add", "lc"), ("bgp_large_community", "filter", "lcset")])
            self.put(f"{name}.{method}({self.term(kind, 1)});")
            self.put(f"print {name}, {name}.len;")
        elif shape < 15:
            self.block(f"if {self.term('bool', 1)} then ")
            if R.random() < 0.5:
                self.block("else ")
        elif shape == 15:
            over, kind = pick([("bgppath", "int"), ("clist", "pair"), ("eclist", "ec"), ("lclist", "lc")])
            over = self.term(over, 1)
            self.scopes.append([])
            self.block(f"for {kind} {self.fresh(kind)} in {over} do ", 1)
            self.scopes.pop()
        elif shape == 16:
            self.case()
        elif shape == 17 and R.random() < 0.3:
            self.put(pick(["accept;", "reject;", 'accept "a";', f'reject "b ", {self.term("int", 1)};', "error;"]))
        else:
            self.put(f"{pick(['print', 'print', 'printn'])} {self.term(pick(TYPES), 1)}, {self.term(pick(TYPES), 1)};")

    def case(self):
        points, labels = sorted(R.sample([1, 2, 3, 5, 7, 8, 9, 10, 20, 30, 40, 255, 256, 65535], R.randrange(1, 7))), []
        while points:
            low = points.pop(0)
            labels.append(f"{low}..{points.pop(0)}" if points and R.random() < 0.4 else str(low))
        R.shuffle(labels)
        self.put(f"case {self.term('int', 1)} {{")
        for label in labels:
            self.put(f"{label}:")
            self.scopes.append([])
            for _ in range(R.randrange(3)):
                self.statement()
            self.scopes.pop()
        if R.random() < 0.5:
            self.put('else: print "other";')
        self.put("}")

    def body(self, number):
        self.put(f'print "@{number} start";')
        while self.left > 0:
            self.statement()
        self.put(f'print "@{number} end";')
        self.put(pick(["accept;", "accept;", "reject;"]))
        return "\n".join(self.lines)
