/* utf8 - decode and encode, by the table of well-formed byte sequences.
 *
 * Only the second byte has limits that depend on the first (Unicode Standard,
 * table 3-7): they exclude overlong forms, surrogates and what lies beyond
 * U+10FFFF. All later bytes are 80..BF. */
#include "infer/utf8.h"

static size_t sequence_bytes(uint8_t lead)
{
    if (lead < 0xc2 || lead > 0xf4)
        return 1;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static uint8_t second_low(uint8_t lead)
{
    return lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
}

static uint8_t second_high(uint8_t lead)
{
    return lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
}

int32_t utf8_next(const char *text, size_t bytes, size_t *at)
{
    uint8_t lead = (uint8_t)text[(*at)++];
    uint8_t low = second_low(lead), high = second_high(lead), byte;
    size_t more = sequence_bytes(lead) - 1;
    int32_t character = lead & (0x3f >> more);

    if (lead < 0x80)
        return lead;
    if (more == 0)
        return UTF8_INVALID;
    for (; more > 0; more--) {
        if (*at == bytes)
            return UTF8_INVALID;
        byte = (uint8_t)text[*at];
        if (byte < low || byte > high)
            return UTF8_INVALID;
        character = character << 6 | (byte & 0x3f);
        ++*at;
        low = 0x80;
        high = 0xbf;
    }
    return character;
}

size_t utf8_put(char *out, int32_t character)
{
    uint32_t c = (uint32_t)character;
    size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = bytes - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(bytes == 1 ? c : (0xf00u >> bytes & 0xf0) | c);
    return bytes;
}
