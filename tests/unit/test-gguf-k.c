/* SPDX-License-Identifier: Apache-2.0 */
/* The K-quants of GGUF: the same bytes in each width of vectors, and those that ggml's library gave for the same
 * numbers. */
#include "../../plugins/codecs/gguf/k.c"
#include "../../plugins/codecs/gguf/k_decode.c"
#include "../../plugins/codecs/gguf/width.c"

#include "gguf-block-tests.h"

static const golden table[] = {
  { &gguf_q2_k, UINT64_C (0x3509c6724692e081), UINT64_C (0x24f342ef796cd288), UINT64_C (0xf35bd10a053aa57a) },
  { &gguf_q3_k, UINT64_C (0xe88c317e55dbcc42), UINT64_C (0x6a314bb045bea0d4), UINT64_C (0x6ee1d22fab0d0f9f) },
  { &gguf_q4_k, UINT64_C (0xb8c09eb5c852f687), UINT64_C (0x15f2dbbbf2b4e52f), UINT64_C (0xeae0f8acc68218f9) },
  { &gguf_q5_k, UINT64_C (0x0cd9643fdf5ecbf5), UINT64_C (0x6d9c0452402d8b4d), UINT64_C (0x6e9db1d9c60f1864) },
  { &gguf_q6_k, UINT64_C (0x171c414ddbbf4c98), UINT64_C (0xff26945fe0d072fe), UINT64_C (0x4c00a66f35362115) },
  { NULL, 0, 0, 0 },
};

int
main (void)
{
  return run_block_tests (table);
}
