/* mutate - real documents, damaged a little, the same way for the same seed.
 *
 *     mutate SEED FIRST COUNT FOLDER <LIST
 *
 * reads the paths of sources, one a line, and writes COUNT files to FOLDER, FIRST.x,
 * FIRST+1.x, ... What file number n holds depends on the seed, on n and on the sources,
 * so that any one of them can be made again alone. Each is one source (a copy in
 * memory, x its ending) after one to four of these blows, at random places:
 *
 *     flip bits, delete, double, insert or blank a run of bytes, cut off the end,
 *     swap two blocks, change a number, write a word of the format where there is
 *     none, go on with the rest of another source
 *
 * A number is a run of digits: in a PDF file lengths, offsets, counts and object
 * numbers are such, in XML character references. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCES_MAX = 4096,
    SOURCE_BYTES_MAX = 4 << 20,
    FILE_BYTES_MAX = 2 * SOURCE_BYTES_MAX
};

struct bytes {
    uint8_t *at;
    size_t count;
};

struct source {
    struct bytes bytes;
    char ending[8]; /* ".pdf" */
};

struct work {
    uint64_t random;
    struct bytes file; /* FILE_BYTES_MAX are there */
    size_t sources;
    struct source source[SOURCES_MAX];
};

/* ---- chance: splitmix64, Steele, Lea and Flood, OOPSLA 2014 -----------------------
 */

static uint64_t roll(struct work *work)
{
    uint64_t z = work->random += 0x9E3779B97F4A7C15;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static size_t below(struct work *work, size_t bound)
{
    return bound ? (size_t)(roll(work) % bound) : 0;
}

/* Short runs are likelier than long ones: of 1 to 2^k bytes, k at random. */
static size_t run_length(struct work *work, size_t most)
{
    size_t length = 1 + below(work, (size_t)1 << below(work, 14));

    return length < most ? length : most;
}

/* ---- blows ------------------------------------------------------------------------
 */

static void file_replace(struct work *work, size_t at, size_t removed,
                         const void *bytes, size_t added)
{
    struct bytes *file = &work->file;

    if (file->count - removed + added > FILE_BYTES_MAX)
        return;
    memmove(file->at + at + added, file->at + at + removed, file->count - at - removed);
    memcpy(file->at + at, bytes, added);
    file->count += added - removed;
}

static void flip_bits(struct work *work)
{
    for (size_t i = run_length(work, 64); i > 0; i--)
        work->file.at[below(work, work->file.count)] ^= (uint8_t)(1 << below(work, 8));
}

static void delete_run(struct work *work)
{
    size_t at = below(work, work->file.count);

    file_replace(work, at, run_length(work, work->file.count - at), "", 0);
}

static void double_run(struct work *work)
{
    size_t at = below(work, work->file.count);
    size_t count = run_length(work, work->file.count - at);
    uint8_t *copy = malloc(count);

    if (!copy)
        abort();
    memcpy(copy, work->file.at + at, count);
    file_replace(work, below(work, work->file.count), 0, copy, count);
    free(copy);
}

static void insert_run(struct work *work)
{
    uint8_t chance[64];
    size_t count = run_length(work, sizeof chance);

    for (size_t i = 0; i < count; i++)
        chance[i] = (uint8_t)roll(work);
    file_replace(work, below(work, work->file.count), 0, chance, count);
}

static void blank_run(struct work *work)
{
    static const uint8_t blanks[] = {0, ' ', 0xFF, '\n'};
    size_t at = below(work, work->file.count);

    memset(work->file.at + at, blanks[below(work, sizeof blanks)],
           run_length(work, work->file.count - at));
}

static void cut_end(struct work *work)
{
    work->file.count = 1 + below(work, work->file.count);
}

static void swap_blocks(struct work *work)
{
    size_t a = below(work, work->file.count), b = below(work, work->file.count);
    size_t low = a < b ? a : b, high = a < b ? b : a;
    size_t room =
        high - low < work->file.count - high ? high - low : work->file.count - high;

    for (size_t i = run_length(work, room); room > 0 && i-- > 0;) {
        uint8_t kept = work->file.at[low + i];
        work->file.at[low + i] = work->file.at[high + i];
        work->file.at[high + i] = kept;
    }
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void change_number(struct work *work)
{
    static const char *const extreme[] = {"0",          "-1",         "1",
                                          "65535",      "2147483647", "2147483648",
                                          "4294967295", "4294967296", "99999999999999",
                                          "0.00001",    "1e9",        "-2147483648"};
    size_t at = below(work, work->file.count), end;
    char text[32];

    while (at < work->file.count && !is_digit(work->file.at[at]))
        at++;
    for (end = at; end < work->file.count && end - at < 18; end++)
        if (!is_digit(work->file.at[end]))
            break;
    if (end == at)
        return;
    memcpy(text, work->file.at + at, end - at);
    text[end - at] = '\0';
    if (below(work, 2) == 0)
        snprintf(text, sizeof text, "%" PRIu64,
                 (uint64_t)strtoull(text, NULL, 10) + below(work, 9) - 4);
    else
        strcpy(text, extreme[below(work, sizeof extreme / sizeof extreme[0])]);
    file_replace(work, at, end - at, text, strlen(text));
}

static void write_word(struct work *work)
{
    static const char *const words[] = {"<",
                                        ">",
                                        "]]>",
                                        "&#0;",
                                        "&#xD800;",
                                        "&x;",
                                        "<!--",
                                        "-->",
                                        "<![CDATA[",
                                        "<?xml ",
                                        "</",
                                        "/>",
                                        "<!DOCTYPE",
                                        "\xEF\xBB\xBF",
                                        "\x1B[31m",
                                        "<<",
                                        ">>",
                                        "[",
                                        "]",
                                        "(",
                                        ")",
                                        "endobj",
                                        "endstream",
                                        "stream\n",
                                        "xref\n",
                                        "trailer ",
                                        "/Kids ",
                                        "/Parent ",
                                        "/Length ",
                                        "/Filter /FlateDecode ",
                                        "/Prev ",
                                        "3 0 R ",
                                        " 0 obj\n",
                                        "/Type /ObjStm ",
                                        "/Encrypt 1 0 R ",
                                        "Tj ",
                                        "ET ",
                                        "BT ",
                                        "/ToUnicode ",
                                        "%PDF-1.7\n"};
    const char *word = words[below(work, sizeof words / sizeof words[0])];
    size_t at = below(work, work->file.count), bytes = strlen(word);
    size_t removed = below(work, 2) * bytes;

    if (removed > work->file.count - at)
        removed = 0;
    file_replace(work, at, removed, word, bytes);
}

static void go_on_with_another(struct work *work)
{
    const struct bytes *other = &work->source[below(work, work->sources)].bytes;
    size_t at = 1 + below(work, work->file.count), from = below(work, other->count);

    file_replace(work, at, work->file.count - at, other->at + from,
                 other->count - from);
}

static void strike(struct work *work)
{
    static void (*const blow[])(struct work *) = {
        flip_bits,   delete_run,    double_run,        insert_run,    blank_run,
        swap_blocks, change_number, change_number,     change_number, write_word,
        write_word,  cut_end,       go_on_with_another};

    for (size_t left = 1 + below(work, 4); left > 0 && work->file.count > 0; left--)
        blow[below(work, sizeof blow / sizeof blow[0])](work);
}

/* ---- files ------------------------------------------------------------------------
 */

/* The bytes of a file; none when it is too large. */
static struct bytes source_read(FILE *file)
{
    struct bytes source = {.at = malloc(SOURCE_BYTES_MAX)};

    if (!source.at)
        abort();
    source.count = fread(source.at, 1, SOURCE_BYTES_MAX, file);
    if (source.count == SOURCE_BYTES_MAX)
        source.count = 0;
    uint8_t *fitting = realloc(source.at, source.count + 1);
    source.at = fitting ? fitting : source.at;
    return source;
}

/* Each path on a line of its own; what cannot be opened or is empty is left out. */
static void sources_read(struct work *work, FILE *list)
{
    char path[4096];

    while (work->sources < SOURCES_MAX && fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = '\0';
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        struct source *source = &work->source[work->sources];
        source->bytes = source_read(file);
        const char *dot = strrchr(path, '.');
        snprintf(source->ending, sizeof source->ending, "%.6s", dot ? dot : "");
        work->sources += source->bytes.count > 0;
        fclose(file);
    }
}

static bool file_write(const struct bytes *bytes, const char *folder, uint64_t number,
                       const char *ending)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%06" PRIu64 "%s", folder, number, ending) >=
        (int)sizeof path)
        return false;
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool written = fwrite(bytes->at, 1, bytes->count, file) == bytes->count;
    return fclose(file) == 0 && written;
}

static bool make_one(struct work *work, uint64_t seed, uint64_t number,
                     const char *folder)
{
    work->random = seed * 0x2545F4914F6CDD1D ^ number * 0x9FB21C651E98DF25;
    const struct source *source = &work->source[below(work, work->sources)];
    work->file.count = source->bytes.count;
    memcpy(work->file.at, source->bytes.at, source->bytes.count);
    strike(work);
    return file_write(&work->file, folder, number, source->ending);
}

int main(int argc, char **argv)
{
    static struct work work;

    if (argc != 5) {
        fputs("usage: mutate SEED FIRST COUNT FOLDER <LIST\n", stderr);
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10), first = strtoull(argv[2], NULL, 10);
    uint64_t count = strtoull(argv[3], NULL, 10);
    work.file.at = malloc(FILE_BYTES_MAX);
    sources_read(&work, stdin);
    if (!work.file.at || work.sources == 0) {
        fputs("mutate: not one of the sources can be read\n", stderr);
        return 1;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!make_one(&work, seed, first + i, argv[4])) {
            fprintf(stderr, "mutate: cannot write to %s\n", argv[4]);
            return 1;
        }
    return 0; /* the memory goes with the process */
}
