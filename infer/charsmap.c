/* charsmap - walk a double array as Darts-clone lays it out.
 *
 *     unit   31       30 .. 10    9            8     7 .. 0
 *            no byte  offset      offset << 8  leaf  byte
 *
 * The root is unit 0. From a unit at p the child for byte b is at p ^ offset ^ b and
 * carries b; a unit whose leaf bit is set has its value, the place of a text, at
 * p ^ offset. Nothing says that a file's array keeps these rules, so every place is
 * compared with the array's size and every walk ends with the text. */
#include "infer/charsmap.h"

#include <stdlib.h>
#include <string.h>

struct charsmap {
    uint32_t *unit;
    size_t unit_count;
    char *text;
    size_t text_bytes;
};

int charsmap_open(struct charsmap **out, const void *bytes, size_t count,
                  struct infer_error *err)
{
    struct charsmap *map;
    uint32_t array = 0;

    *out = NULL;
    if (count > 4)
        memcpy(&array, bytes, sizeof array);
    if (array < 4 || array % 4 != 0 || array >= count - 4 ||
        ((const char *)bytes)[count - 1] != '\0')
        return infer_fail(err, INFER_EFORMAT,
                          "tokenizer.ggml.precompiled_charsmap of %zu bytes is not an "
                          "array and texts that end with 0",
                          count);
    map = calloc(1, sizeof *map);
    if (map == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a charsmap");
    map->unit_count = array / 4;
    map->text_bytes = count - 4 - array;
    map->unit = malloc(array);
    map->text = malloc(map->text_bytes);
    if (map->unit == NULL || map->text == NULL) {
        charsmap_close(map);
        return infer_fail(err, INFER_ENOMEM, "no memory for a charsmap");
    }
    memcpy(map->unit, (const char *)bytes + 4, array);
    memcpy(map->text, (const char *)bytes + 4 + array, map->text_bytes);
    *out = map;
    return 0;
}

void charsmap_close(struct charsmap *map)
{
    if (map == NULL)
        return;
    free(map->unit);
    free(map->text);
    free(map);
}

static uint32_t offset_of(uint32_t unit)
{
    return unit >> 10 << (unit >> 6 & 8);
}

const char *charsmap_find(const struct charsmap *map, const char *text, size_t bytes,
                          size_t *matched)
{
    const char *found = NULL;
    size_t at = offset_of(map->unit[0]);

    *matched = 0;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)text[i];
        uint32_t unit, value;

        at ^= byte;
        if (at >= map->unit_count || (map->unit[at] & 0x800000ff) != byte)
            break;
        unit = map->unit[at];
        at ^= offset_of(unit);
        if (!(unit >> 8 & 1) || at >= map->unit_count)
            continue;
        value = map->unit[at] & 0x7fffffff;
        if (value < map->text_bytes) {
            found = map->text + value;
            *matched = i + 1;
        }
    }
    return found;
}
