/* cpu - which instruction sets this processor and its operating system offer. */
#ifndef INFER_CPU_H
#define INFER_CPU_H

#include "infer/infer.h"

enum { CPU_ISA_COUNT = INFER_ISA_AVX512 + 1 };

/* INFER_ISA_SCALAR is always there; INFER_ISA_BEST too. */
bool cpu_has(enum infer_isa isa);
enum infer_isa cpu_best(void);
const char *cpu_isa_name(enum infer_isa isa); /* "best" for INFER_ISA_BEST */

/* Replace INFER_ISA_BEST by the set it means; refuse a set this CPU lacks. */
int cpu_choose(enum infer_isa asked, enum infer_isa *out, struct infer_error *err);

#endif
