/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.h: what files include in front of kernels that are compiled once for each width. */
#ifndef GGUF_KERNELS_H
#define GGUF_KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "blocks.h"
#include "numbers.h"

/* What is a constant where a function is called decides what becomes of it. */
#define INLINED static inline __attribute__ ((always_inline))
/* Arrays of vectors are registers only where no loop is left around them. */
#ifdef __clang__
#define UNROLLED _Pragma ("clang loop unroll(full)")
#else
#define UNROLLED _Pragma ("GCC unroll 16")
#endif

/* What is known of numbers that become codes (k_lanes.h). */
enum { NEAR = 1, NOT_ABOVE = 2, NOT_BELOW = 4 };
/* Ranges of codes that are tried at a time (k_scale.h). */
enum { RANGES = 3 };

/* A function of a file of kernels in each width, by gguf_width. */
#ifdef __x86_64__
#define GGUF_FORMS(name) { name##_scalar, name##_avx2, name##_avx512 }
#else
#define GGUF_FORMS(name) { name##_scalar, name##_scalar, name##_scalar }
#endif

/* Loops over the numbers of a span become vectors of whatever the processor has without being asked; between
 * these two compilers look for such loops. */
#if defined __GNUC__ && !defined __clang__
#define GGUF_LOOPS_BEGIN _Pragma ("GCC push_options") _Pragma ("GCC optimize(\"O3\")")
#define GGUF_LOOPS_END _Pragma ("GCC pop_options")
#else
#define GGUF_LOOPS_BEGIN
#define GGUF_LOOPS_END
#endif
/* And such a function in the widest that there is. Clang gives the one that chooses another name, under which
 * other files do not find it. */
#if defined __x86_64__ && defined __linux__ && !defined __clang__
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

#endif
