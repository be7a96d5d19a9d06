/* memory - a session's plan, said before it is taken and refused when it is too much.
 *
 *     cloister run: needs 1.9 GiB (encoder 0.1 GiB, language model 1.8 GiB), 22.1 GiB
 *     free
 *
 * What the process holds already (its program, libraries, the model's vocabulary) is
 * counted in: the number is what the operator sees as the size of the process. */
#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdio.h>

enum { ANNOUNCE_BYTES = 1 << 30, PARTS_BYTES = 160 };

void memory_words(uint64_t bytes, char out[32])
{
    double mib = (double)bytes / 1048576.0;
    if (mib < 1024)
        snprintf(out, 32, "%.1f MiB", mib);
    else
        snprintf(out, 32, "%.1f GiB", mib / 1024);
}

uint64_t memory_needed(const struct memory_part *part, size_t count)
{
    uint64_t bytes = memory_taken();
    for (size_t i = 0; i < count; i++)
        bytes +=
            part[i].bytes < UINT64_MAX - bytes ? part[i].bytes : UINT64_MAX - bytes;
    return bytes;
}

/* " (encoder 0.1 GiB, language model 1.8 GiB)", where there is more than one. */
static void parts_words(const struct memory_part *part, size_t count,
                        char out[PARTS_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; count > 1 && i < count; i++) {
        char words[32];
        memory_words(part[i].bytes, words);
        int wrote =
            snprintf(out + used, PARTS_BYTES - used, "%s%s %s%s", i == 0 ? " (" : ", ",
                     part[i].what, words, i + 1 == count ? ")" : "");
        used += (size_t)wrote < PARTS_BYTES - used ? (size_t)wrote : 0;
    }
}

int memory_announce(const char *command, const struct memory_part *part, size_t count,
                    bool loud)
{
    char parts[PARTS_BYTES], needed[32], available[32];
    uint64_t bytes = memory_needed(part, count), free_bytes = memory_free();
    parts_words(part, count, parts);
    memory_words(bytes, needed);
    memory_words(free_bytes, available);
    if (bytes > free_bytes) {
        complain(command,
                 "needs %s%s, %s free: that does not fit. Say a smaller --batch or "
                 "--context, --kv q8, fewer --threads, or take a smaller model; "
                 "\"cloister model show FILE\" tells what fits",
                 needed, parts, available);
        return EXIT_NO_START;
    }
    if (loud || bytes >= ANNOUNCE_BYTES)
        complain(command, "needs %s%s, %s free", needed, parts, available);
    return -1;
}
