# The sealed build: what its check finds, and that its programs read as the others do.
load helper

sealed="$top/build/sealed/bin"

built() {
    [ -x "$sealed/cloister" ] && [ -x "$sealed/cloister-parse" ] ||
        skip "there is no sealed build; make sealed"
}

# Linked as the sealed programs are.
link() { # NAME, source on standard input
    mkdir -p "$(dirname "$1")"
    gcc -x c -O2 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -static-pie \
        -Wl,-z,relro,-z,now -o "$1" - || skip "no static C library"
}

copying='#include <stdio.h>
#include <string.h>
static void copy(char *from) { char to[40]; strcpy(to, from); puts(to); }'

verdict() { # NAME, WORDS...
    run "$top/tools/check-sealed.py" "$1"
    [[ "$output" == *"$2"* ]]
    [[ "${lines[-1]}" == *": NOT SEALED" ]]
    [ "$status" -eq 1 ]
}

# What was judged since it was linked needs not be read again.
judged() { # PROGRAM
    if [ "$1.calls" -nt "$1" ] && [ "$1.calls" -nt "$top/tools/check-sealed.py" ]; then
        tail -1 "$1.calls"
    else
        "$top/tools/check-sealed.py" "$1" | tail -1
    fi
}

@test "the programs of the sealed build are sealed" {
    built
    judged "$sealed/cloister" | grep -q ': sealed; '
    judged "$sealed/cloister-parse" | grep -q ': sealed; '
}

@test "a harmless static program passes" {
    echo "$copying int main(int n, char **v) { copy(v[n - 1]); return 0; }" | link harmless
    "$top/tools/check-sealed.py" ./harmless | tail -1 | grep -q ': sealed; '
}

@test "a function of the network is found by its name" {
    echo "#include <sys/socket.h>
        $copying int main(int n, char **v) { copy(v[n - 1]); return socket(2, 1, 0); }" | link named
    verdict ./named "it holds socket"
}

@test "a call of the network is found by its number, through registers" {
    echo "$copying
        static long ask(long number) {
            long result;
            __asm__ volatile(\"mov %1, %%r9; mov %%r9, %%rax; syscall\" : \"=a\"(result)
                : \"r\"(number), \"D\"(2L), \"S\"(1L), \"d\"(0L) : \"rcx\", \"r9\", \"r11\", \"memory\");
            return result;
        }
        int main(int n, char **v) { copy(v[n - 1]); return (int)ask(41); }" | link raw
    verdict ./raw "main makes the call socket"
}

@test "a number that cannot be told is no reason to pass" {
    echo "#include <stdlib.h>
        #include <unistd.h>
        $copying int main(int n, char **v) { copy(v[n - 1]); return (int)syscall(atoi(v[0])); }" | link untold
    verdict ./untold "main makes a call whose number cannot be told"
}

@test "a program is started only from where cloister does" {
    echo "#include <unistd.h>
        $copying
        __attribute__((noinline)) static void go(char **v) { execve(v[0], v, v); }
        int main(int n, char **v) { copy(v[n - 1]); go(v); return 0; }" | link starts/cloister
    verdict starts/cloister "go calls execve"
    echo "#include <unistd.h>
        $copying
        int main(int n, char **v) { copy(v[n - 1]); execv(v[0], v); return 0; }" | link starts/cloister-parse
    verdict starts/cloister-parse "main calls execv"
}

@test "a program of shared libraries is not sealed" {
    echo "$copying int main(int n, char **v) { copy(v[n - 1]); return 0; }" |
        gcc -x c -O2 -o shared -
    verdict ./shared "it is not a static position-independent program"
}

# All but the ranges that a look for ink would hide, which the sealed build cannot.
as_read() { # CLOISTER, file names on standard input
    xargs -d '\n' -n 100 "$1" extract --format json |
        json '[d["path"], d["outcome"], d["reason"], d["metadata"],
            [[s["label"], s["title"], s["text"]] for s in d["sections"] or []]]'
}

@test "the sealed programs read the same text" {
    built
    [ "${OUT:-build/release}" = build/release ] || skip "compared with the release build"
    find "$top/examples" "$corpus/pdf" "$corpus/xml" -type f -iname '*.[px][dm][fl]' 2>/dev/null |
        LC_ALL=C sort >names
    as_read "$sealed/cloister" <names >sealed
    as_read "$cloister" <names >ordinary
    [ "$(wc -l <ordinary)" -ge "$(wc -l <names)" ]
    cmp ordinary sealed
}

@test "a sealed run is told from one that looks for ink" {
    built
    "$sealed/cloister" run --quiet --db a.db "$documents/hr" || [ $? -eq 1 ]
    sqlite3 a.db "SELECT body FROM v_events WHERE type = 'run_started'" >started
    grep -q 'ink=none' started
    grep -q 'no ink check' started
}
