/* SPDX-License-Identifier: Apache-2.0 */
/* width.c: which vectors this processor has. */
#include "blocks.h"

gguf_width
gguf_best_width (void)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vl"))
    return GGUF_AVX512;
  if (__builtin_cpu_supports ("avx2"))
    return GGUF_AVX2;
#endif
  return GGUF_SCALAR;
}
