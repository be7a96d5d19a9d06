#!/usr/bin/env python3
"""Read finished programs of the sealed build and say what they can ask of the kernel.

Usage: tools/check-sealed.py PROGRAM...

    form      a static position-independent program, read-only after relocation, no
              segment both writable and executable, stack protector and checked
              string functions in it
    names     no function of the network, no ptrace, popen, system, posix_spawn
    programs  execv and execve are called where a table below says, once each, and
              in cloister only
    calls     for each `syscall` instruction, and each call of the C function of that
              name, the numbers it can be reached with; none is of the network, none
              is ptrace; a number that cannot be told stands in a table, by function

Numbers are found by following constants through the registers of each function, over
all its jumps; where a jump goes to a computed place, everything behind a label counts
as unknown. What the check cannot see: instructions hidden inside others, and code that
a program would write at run time, which its seccomp filter refuses (PROT_EXEC).

Writes PROGRAM.calls: each place with its function and calls, and the verdict. Ends
with one line a program, and exit status 0 only when all hold.
"""
import re
import subprocess
import sys

HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
NETWORK = """socket socketpair connect bind listen accept accept4 shutdown sendto sendmsg
    sendmmsg recvfrom recvmsg recvmmsg getsockname getpeername setsockopt
    getsockopt""".split()
INTRUSION = """ptrace process_vm_readv process_vm_writev io_uring_setup io_uring_enter
    io_uring_register kexec_load kexec_file_load init_module finit_module bpf
    pidfd_getfd""".split()
PROGRAMS = ["execve", "execveat"]
NAMES = re.compile(
    r"^_*(libc_)?(socket|socketpair|connect|bind|listen|accept4?|shutdown|send|sendto|"
    r"sendm?msg|recv|recvfrom|recvm?msg|getaddrinfo|getnameinfo|gethostby\w+|res_n?init|"
    r"res_n?query|res_n?send|getifaddrs|if_nametoindex|ptrace|popen|system|posix_spawnp?|"
    r"spawni|wordexp|execl|execle|execlp|execvp|execvpe|fexecve|execveat)$")

# Who may start a program: function called -> caller, and for what.
STARTS = {
    "execv": {"main": "cloister starts itself once, with threads that sleep"},
    "execve": {"ingest_parser_open": "cloister starts cloister-parse",
               "execv": "of the C library, which ends there"},
}

# Functions in which a number cannot be told, and why that is sound.
SECCOMP = "libseccomp asks for seccomp() by the number it keeps in a table"
SETXID = "the C library repeats a change of uid or gid in each thread; nobody asks for one"
UNTOLD = {
    "syscall": "the C function of that name; its callers are counted in its place",
    "ingest_attest": "the probes: they try what is forbidden, by number, to see it fail",
    "__nptl_setxid": SETXID,
    "__nptl_setxid_sighandler": SETXID,
    "_sys_chk_flag_kernel": SECCOMP,
    "sys_chk_seccomp_action": SECCOMP,
    "sys_chk_seccomp_syscall": SECCOMP,
    "sys_filter_load": SECCOMP,
}
NEVER_CALLED = {"__nptl_setxid"}
# Whose address nobody may take, lest it is called from where this check cannot see.
NEVER_TAKEN = re.compile(r"^lea\s.*<_*(?:libc_)?(execve?|syscall|nptl_setxid)>$")
FINAL = {"__libc_fatal", "abort", "__stack_chk_fail", "__assert_fail", "exit", "_exit",
         "__fortify_fail", "__chk_fail", "__libc_assert_fail"}

REGISTERS = {}
for names in ("rax eax ax al ah", "rbx ebx bx bl bh", "rcx ecx cx cl ch",
              "rdx edx dx dl dh", "rsi esi si sil", "rdi edi di dil", "rbp ebp bp bpl",
              "rsp esp sp spl"):
    for name in names.split():
        REGISTERS["%" + name] = names.split()[0]
for n in range(8, 16):
    for suffix in ("", "d", "w", "b"):
        REGISTERS["%%r%d%s" % (n, suffix)] = "r%d" % n
WIDE = {"%" + n for n in "rax rbx rcx rdx rsi rdi rbp rsp eax ebx ecx edx esi edi ebp esp"
        .split()} | {"%%r%d%s" % (n, s) for n in range(8, 16) for s in ("", "d")}
CALLED = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
TWO = ["rax", "rdx"]
HIDDEN = {  # instructions that write registers they do not name last
    "cpuid": ["rax", "rbx", "rcx", "rdx"], "rdtsc": TWO, "rdtscp": TWO + ["rcx"],
    "mul": TWO, "imul": TWO, "div": TWO, "idiv": TWO, "cltd": TWO, "cqto": TWO,
    "cltq": TWO, "cwtl": TWO, "xgetbv": TWO, "rep": ["rcx", "rdi", "rsi", "rax"],
    "repz": ["rcx", "rdi", "rsi", "rax"], "repnz": ["rcx", "rdi", "rsi", "rax"],
    "stos": ["rdi"], "lods": ["rax", "rsi"], "movs": ["rdi", "rsi"], "syscall":
    ["rax", "rcx", "r11"], "cmpxchg": ["rax"], "cmpxchg16b": TWO, "lock": TWO,
}
CALL = re.compile(r"^(?:bnd )?call\s+[0-9a-f]+ <([^>+]+)(?:@plt)?>$")
JUMP = re.compile(r"^(?:bnd |notrack )?(j\w+)(?:,p[nt])?\s+([0-9a-f]+) <([^>+]+)")
CONSTANT = re.compile(r"^mov[lqabs]*\s+\$0x([0-9a-f]+),(%\w+)$")
COPY = re.compile(r"^mov[lq]?\s+(%\w+),(%\w+)$")
ZERO = re.compile(r"^(?:xor|sub)[lq]?\s+(%\w+),(%\w+)$")
LAST = re.compile(r"(%[a-z0-9]+)$")
VALUES_MAX = 16


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def call_names():
    numbers = {}
    for line in open(HEADER, encoding="ascii"):
        found = re.match(r"#define __NR_(\w+) (\d+)", line)
        if found:
            numbers[int(found.group(2))] = found.group(1)
    return numbers


def functions(program):
    """Each function as (name, [(address, instruction)]), as objdump prints them."""
    objdump = subprocess.Popen(
        ["objdump", "-d", "--no-show-raw-insn", program], stdout=subprocess.PIPE, text=True)
    name, code = None, []
    for line in objdump.stdout:
        if line.startswith(" "):
            address, _, instruction = line.partition(":\t")
            code.append((int(address, 16), instruction.strip()))
        elif line.endswith(">:\n"):
            if name:
                yield name, code
            name, code = line.split("<", 1)[1][:-3], []
    if name:
        yield name, code
    if objdump.wait() != 0:
        raise SystemExit("sealed: objdump failed on " + program)


def plain(name):
    """The function as its source names it, without what the compiler appends."""
    return re.split(r"\.(?:constprop|isra|part|cold)\b", name)[0]


# ---- constants in registers ----------------------------------------------------------
# A state maps a register to the set of values it can hold; a register that is missing
# can hold anything. A place is reached with the union of all states that lead there.

def step(state, instruction):
    instruction = instruction.partition("#")[0].strip()
    found = CONSTANT.match(instruction)
    if found and found.group(2) in WIDE:
        state[REGISTERS[found.group(2)]] = frozenset([int(found.group(1), 16)])
        return
    found = ZERO.match(instruction)
    if found and found.group(1) == found.group(2) and found.group(1) in WIDE:
        state[REGISTERS[found.group(1)]] = frozenset([0])
        return
    found = COPY.match(instruction)
    if found and found.group(2) in WIDE and found.group(1) in WIDE:
        values = state.get(REGISTERS[found.group(1)])
        target = REGISTERS[found.group(2)]
        state.pop(target, None)
        if values is not None:
            state[target] = values
        return
    word = instruction.split(None, 1)[0] if instruction else ""
    if word in ("cmp", "cmpl", "cmpq", "cmpb", "cmpw", "test", "testb", "testl", "testq",
                "push", "nop", "nopl", "nopw", "endbr64", "bt", "ret"):
        return
    if word == "call" or instruction.startswith("bnd call"):
        for register in CALLED:
            state.pop(register, None)
        return
    for stem, registers in HIDDEN.items():
        if word == stem or (word[:-1] == stem and word[-1] in "bwlq"):
            for register in registers:
                state.pop(register, None)
    if word.startswith(("xchg", "xadd", "cmpxchg")):
        for register in re.findall(r"%\w+", instruction):
            state.pop(REGISTERS.get(register), None)
    found = LAST.search(instruction)
    if found:
        state.pop(REGISTERS.get(found.group(1)), None)


def join(old, new):
    """The union of both, and whether it says more than the old one."""
    if old is None:
        return dict(new), True
    both = {}
    for register, values in old.items():
        union = values | new.get(register, frozenset())
        if register in new and len(union) <= VALUES_MAX:
            both[register] = union
    return both, both != old


def follow(code, entered):
    """The state before each instruction; entered: addresses jumped to from outside."""
    places = {address: i for i, (address, _) in enumerate(code)}
    before = [None] * len(code)
    labels = {0} | {places[a] for a in entered if a in places}
    if any(re.match(r"(notrack )?jmp\s+\*", text) for _, text in code):
        labels |= {i + 1 for i, (_, text) in enumerate(code[:-1])
                   if re.match(r"(notrack |bnd )?(jmp|ret)", text)}
        labels |= {places[int(found.group(2), 16)] for found in
                   (JUMP.match(text) for _, text in code)
                   if found and int(found.group(2), 16) in places}
    work = sorted(labels)
    for i in work:
        before[i] = {}
    while work:
        i = work.pop()
        state, text = dict(before[i]), code[i][1]
        found = JUMP.match(text)
        step(state, text)
        onward = []
        if found and int(found.group(2), 16) in places:
            onward.append(places[int(found.group(2), 16)])
        called = CALL.match(text)
        over = called and called.group(1) in FINAL
        over = over or re.match(r"(notrack |bnd )?(jmp|ret|ud2|hlt)", text)
        if not over and i + 1 < len(code):
            onward.append(i + 1)
        for j in onward:
            merged, more = join(before[j], {} if j in labels else state)
            if more:
                before[j] = merged
                work.append(j)
    return before


# ---- the four questions ---------------------------------------------------------------

def check_form(program, wrong):
    header, dynamic = run("readelf", "-hlW", program), run("readelf", "-dW", program)
    symbols = run("nm", program)
    if " DYN " not in header or "INTERP" in header or "(NEEDED)" in dynamic:
        wrong("it is not a static position-independent program")
    if "GNU_RELRO" not in header or "NOW" not in dynamic or "TEXTREL" in dynamic:
        wrong("it is not read-only after relocation")
    if re.search(r"^\s+(LOAD|GNU_STACK)\s.* RWE ", header, re.M):
        wrong("a segment or the stack is both writable and executable")
    checked = sorted(set(re.findall(r" [TtWi] (__\w+_chk)$", symbols, re.M)))
    if " __stack_chk_fail" not in symbols or not checked:
        wrong("it has no stack protector or no checked functions")
    return "static PIE, relro, bind now, W^X, stack protector, %d *_chk" % len(checked)


def check_names(program, wrong):
    for line in run("nm", program).splitlines():
        part = line.split()
        kind, name = part[-2], part[-1]
        if kind in "TtWwiVvU" and NAMES.match(name.split("@")[0]):
            wrong("it holds %s" % name)


class Sites:
    """What the code of one program asks for, and from where."""

    def __init__(self, program, wrong):
        self.wrong = wrong
        self.entered, self.keep, self.starts = {}, [], []
        for name, code in functions(program):
            self.read(name, code)

    def read(self, name, code):
        """Keep the code of a function that makes calls; note whom it starts."""
        asks = False
        for _, text in code:
            if NEVER_TAKEN.match(text):
                self.wrong("%s takes the address of what it may not" % name)
            jump = JUMP.match(text)
            called = CALL.match(text)
            callee = called.group(1) if called else jump.group(3) if jump else ""
            if jump and jump.group(3) != name:
                self.entered.setdefault(jump.group(3), set()).add(int(jump.group(2), 16))
            if callee in NEVER_CALLED and callee != name:
                self.wrong("%s calls %s" % (name, callee))
            asks = asks or text == "syscall" or (callee == "syscall" and name != callee)
            if re.match(r"int\s+\$0x80|sysenter", text) and plain(name) not in UNTOLD:
                self.wrong("%s makes a call by the 32-bit gate" % name)
            if callee.lstrip("_") in STARTS and name.lstrip("_") != callee.lstrip("_"):
                self.starts.append((plain(name), callee.lstrip("_")))
        if asks:
            self.keep.append((name, code))

    def numbers(self):
        """Each place that asks: function, address and numbers, None when untold."""
        for name, code in self.keep:
            before = follow(code, self.entered.get(name, ()))
            for i, (address, text) in enumerate(code):
                called = CALL.match(text) or JUMP.match(text)
                by_name = called and called.groups()[-1] == "syscall" and name != "syscall"
                if text == "syscall" or by_name:
                    yield name, address, (before[i] or {}).get("rdi" if by_name else "rax")


def check_starts(program, sites, wrong):
    for name, callee in sites.starts:
        if program.rpartition("/")[2] != "cloister" or name not in STARTS[callee]:
            wrong("%s calls %s" % (name, callee))
        if sites.starts.count((name, callee)) > 1:
            wrong("%s calls %s more than once" % (name, callee))
    return ", ".join("%s in %s" % (callee, name) for name, callee in sites.starts) or "none"


def judge_call(name, numbers, known, wrong):
    """The names of the calls that one place can make; complain of the forbidden."""
    if numbers is None:
        if plain(name) not in UNTOLD:
            wrong("%s makes a call whose number cannot be told" % name)
        return set()
    calls = {known.get(number, str(number)) for number in numbers}
    for call in calls if plain(name) not in UNTOLD else ():
        if call in NETWORK + INTRUSION or (
                call in PROGRAMS and name.lstrip("_") != "execve"):
            wrong("%s makes the call %s" % (name, call))
    return calls


def check_calls(sites, known, wrong):
    lines, used, untold = [], set(), {}
    for name, address, numbers in sites.numbers():
        calls = judge_call(name, numbers, known, wrong)
        used |= calls
        if numbers is None:
            untold[plain(name)] = untold.get(plain(name), 0) + 1
        lines.append("%x %s: %s" % (address, name, " ".join(sorted(calls)) or "untold"))
    return lines, used, untold


def check(program, known):
    faults = []
    form = check_form(program, faults.append)
    check_names(program, faults.append)
    sites = Sites(program, faults.append)
    starts = check_starts(program, sites, faults.append)
    places, used, untold = check_calls(sites, known, faults.append)
    print("%s\n  form: %s\n  starts programs: %s" % (program, form, starts))
    print("  %d places make system calls, of these kinds: %s" %
          (len(places), " ".join(sorted(used))))
    for name in sorted(untold):
        print("  %d untold in %s: %s" % (untold[name], name, UNTOLD.get(name, "?")))
    for fault in sorted(set(faults)):
        print("  WRONG: %s" % fault)
    verdict = "sealed: %s: %s" % (program, "NOT SEALED" if faults else
                                  "sealed; no socket, no ptrace, programs only as listed")
    with open(program + ".calls", "w", encoding="ascii") as out:
        out.write("\n".join(places + [verdict]) + "\n")
    print(verdict)
    return not faults


def main():
    if len(sys.argv) < 2:
        raise SystemExit("usage: tools/check-sealed.py PROGRAM...")
    known = call_names()
    results = [check(program, known) for program in sys.argv[1:]]
    sys.exit(0 if all(results) else 1)


main()
