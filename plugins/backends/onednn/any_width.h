/* SPDX-License-Identifier: Apache-2.0 */
/* any_width.h: for files of loops over elements that are independent of each other, so that any width
 * of vectors gives the same; the widest that the processor has is taken. Of vectors of bytes the widest
 * need more than avx512f. */
#ifndef ONEDNN_ANY_WIDTH_H
#define ONEDNN_ANY_WIDTH_H

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#define ANY_WIDTH_OF_BYTES __attribute__ ((target_clones ("avx2", "default")))
#else
#define ANY_WIDTH
#define ANY_WIDTH_OF_BYTES
#endif

/* In front of a loop: no element of it waits for another one. */
#if defined __clang__
/* A build that does not optimise, or that follows every branch, has no vectors, and is not told so. */
#pragma clang diagnostic ignored "-Wpass-failed"
#define EACH_BY_ITSELF _Pragma ("clang loop vectorize(assume_safety)")
#else
#define EACH_BY_ITSELF _Pragma ("GCC ivdep")
#endif

#endif
