/* gguf_type - the number formats a GGUF tensor can have: name, block size.
 *
 * A tensor's rows are cut into blocks of block_values values, each stored in
 * block_bytes bytes; for plain numbers a block is one value. The container needs
 * the sizes of every type in use, served by a kernel or not, to check bounds. Gaps
 * are numbers the format gave up or that never stand in a file. */
#include "infer/model.h"

static const struct {
    const char *name;
    uint32_t block_bytes, block_values;
} type_table[] = {
    [GGUF_F32] = {"F32", 4, 1},
    [GGUF_F16] = {"F16", 2, 1},
    [GGUF_Q4_0] = {"Q4_0", 18, 32},
    [GGUF_Q4_1] = {"Q4_1", 20, 32},
    [GGUF_Q5_0] = {"Q5_0", 22, 32},
    [GGUF_Q5_1] = {"Q5_1", 24, 32},
    [GGUF_Q8_0] = {"Q8_0", 34, 32},
    [GGUF_Q2_K] = {"Q2_K", 84, 256},
    [GGUF_Q3_K] = {"Q3_K", 110, 256},
    [GGUF_Q4_K] = {"Q4_K", 144, 256},
    [GGUF_Q5_K] = {"Q5_K", 176, 256},
    [GGUF_Q6_K] = {"Q6_K", 210, 256},
    [16] = {"IQ2_XXS", 66, 256},
    [17] = {"IQ2_XS", 74, 256},
    [18] = {"IQ3_XXS", 98, 256},
    [19] = {"IQ1_S", 50, 256},
    [GGUF_IQ4_NL] = {"IQ4_NL", 18, 32},
    [21] = {"IQ3_S", 110, 256},
    [22] = {"IQ2_S", 82, 256},
    [GGUF_IQ4_XS] = {"IQ4_XS", 136, 256},
    [24] = {"I8", 1, 1},
    [25] = {"I16", 2, 1},
    [26] = {"I32", 4, 1},
    [27] = {"I64", 8, 1},
    [28] = {"F64", 8, 1},
    [29] = {"IQ1_M", 56, 256},
    [GGUF_BF16] = {"BF16", 2, 1},
    [34] = {"TQ1_0", 54, 256},
    [35] = {"TQ2_0", 66, 256},
    [39] = {"MXFP4", 17, 32},
};

enum { TYPE_COUNT = sizeof type_table / sizeof *type_table };

uint32_t gguf_block_bytes(enum gguf_type type)
{
    return (unsigned)type < TYPE_COUNT ? type_table[type].block_bytes : 0;
}

uint32_t gguf_block_values(enum gguf_type type)
{
    return (unsigned)type < TYPE_COUNT ? type_table[type].block_values : 0;
}

const char *gguf_type_name(enum gguf_type type)
{
    return gguf_block_bytes(type) != 0 ? type_table[type].name : "unknown";
}
