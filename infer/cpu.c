/* cpu - which instruction sets this processor and its operating system offer.
 *
 * CPUID tells what the processor can do; XCR0 tells which registers the system
 * saves at a context switch. A set counts only when both agree, otherwise its
 * first instruction would be the last. The sets are named by what the kernels
 * need, not by marketing names:
 *
 *     scalar   nothing beyond x86-64
 *     avx2     AVX2, FMA, F16C
 *     avxvnni  the same and AVX-VNNI (VEX-coded vpdpwssd)
 *     avx512   the same as avx2 and AVX-512 F, BW, DQ, VL, VNNI */
#include "infer/cpu.h"

#include <string.h>

#include "infer/model.h"

static const char *const isa_names[CPU_ISA_COUNT] = {
    [INFER_ISA_BEST] = "best",     [INFER_ISA_SCALAR] = "scalar",
    [INFER_ISA_AVX2] = "avx2",     [INFER_ISA_AVXVNNI] = "avxvnni",
    [INFER_ISA_AVX512] = "avx512",
};

const char *cpu_isa_name(enum infer_isa isa)
{
    return isa_names[isa];
}

#if defined(CLOISTER_SIMDE) || !defined(__x86_64__)

/* Emulated kernels run anywhere; a CPU of another kind has only the scalar ones. */
bool cpu_has(enum infer_isa isa)
{
#ifdef CLOISTER_SIMDE
    (void)isa;
    return true;
#else
    return isa == INFER_ISA_SCALAR || isa == INFER_ISA_BEST;
#endif
}

#else

#include <cpuid.h>

struct leaf {
    unsigned eax, ebx, ecx, edx;
};

static struct leaf leaf_read(unsigned number, unsigned part)
{
    struct leaf l = {0, 0, 0, 0};
    __get_cpuid_count(number, part, &l.eax, &l.ebx, &l.ecx, &l.edx);
    return l;
}

static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool all(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

static bool has_avx2(void)
{
    const unsigned wanted = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C;
    return all(leaf_read(1, 0).ecx, wanted) && all(saved_registers(), 0x06) &&
           all(leaf_read(7, 0).ebx, bit_AVX2);
}

static bool has_avxvnni(void)
{
    return has_avx2() && all(leaf_read(7, 1).eax, 1u << 4);
}

static bool has_avx512(void)
{
    const unsigned wanted = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    struct leaf l = leaf_read(7, 0);
    return has_avx2() && all(saved_registers(), 0xe6) && all(l.ebx, wanted) &&
           all(l.ecx, bit_AVX512VNNI);
}

bool cpu_has(enum infer_isa isa)
{
    switch (isa) {
    case INFER_ISA_AVX2:
        return has_avx2();
    case INFER_ISA_AVXVNNI:
        return has_avxvnni();
    case INFER_ISA_AVX512:
        return has_avx512();
    case INFER_ISA_BEST:
    case INFER_ISA_SCALAR:
        break;
    }
    return true;
}

#endif

enum infer_isa cpu_best(void)
{
    int isa = INFER_ISA_AVX512;

    while (!cpu_has((enum infer_isa)isa))
        isa--;
    return (enum infer_isa)isa;
}

int cpu_choose(enum infer_isa asked, enum infer_isa *out, struct infer_error *err)
{
    if ((int)asked < 0 || (int)asked >= CPU_ISA_COUNT)
        return infer_fail(err, INFER_EINVALID, "instruction set %d: 0 to %d are known",
                          (int)asked, CPU_ISA_COUNT - 1);
    if (!cpu_has(asked))
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "instruction set %s: this CPU has no more than %s",
                          cpu_isa_name(asked), cpu_isa_name(cpu_best()));
    *out = asked == INFER_ISA_BEST ? cpu_best() : asked;
    return 0;
}

int infer_isa_parse(const char *word, enum infer_isa *out, struct infer_error *err)
{
    enum infer_isa chosen;

    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        if (strcmp(word, isa_names[isa]) != 0)
            continue;
        *out = (enum infer_isa)isa;
        return cpu_choose(*out, &chosen, err);
    }
    return infer_fail(
        err, INFER_EINVALID,
        "instruction set \"%.40s\": expected scalar, avx2, avxvnni or avx512", word);
}
