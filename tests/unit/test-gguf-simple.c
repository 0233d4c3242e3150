/* SPDX-License-Identifier: Apache-2.0 */
/* The block types of GGUF that are not K-quants: the same bytes in each width of vectors, and those that ggml's
 * library gave for the same numbers. */
#include "../../plugins/codecs/gguf/simple_decode.c"

#include "../../plugins/codecs/gguf/iq4.c"
#include "../../plugins/codecs/gguf/search.c"
#include "../../plugins/codecs/gguf/simple.c"
#include "../../plugins/codecs/gguf/width.c"

#include "gguf-block-tests.h"

static const golden table[] = {
  { &gguf_q8_0, UINT64_C (0x0e693fe475061e4b), UINT64_C (0x5d2196613170c48f), UINT64_C (0x4d3c58924e21682f) },
  { &gguf_q4_0, UINT64_C (0xa336162f20a4973b), UINT64_C (0x28df9da8a04d6c96), UINT64_C (0xc4f22785b14c6c9f) },
  { &gguf_q4_1, UINT64_C (0xcaebea638b07689c), UINT64_C (0x29086dea2242e012), UINT64_C (0xc916870036b36eec) },
  { &gguf_q5_0, UINT64_C (0x4db60094edc94ade), UINT64_C (0xea4948c25408fd01), UINT64_C (0x5ecede2b85e801c7) },
  { &gguf_q5_1, UINT64_C (0x582dfd13096c57c3), UINT64_C (0xda09301b4c67da7f), UINT64_C (0xa4522e593577e312) },
  { &gguf_iq4_nl, UINT64_C (0x6eacdc4fd2b400e5), UINT64_C (0xa2b4b91f58ae4479), UINT64_C (0x8236d4e73b9ea80e) },
  { &gguf_iq4_xs, UINT64_C (0x9c0e25fc758f98d6), UINT64_C (0x2de8f6a5721e65c5), UINT64_C (0xdcc6253e6515a31f) },
  { &gguf_mxfp4, UINT64_C (0xfd7891a1385defc7), UINT64_C (0xf7c2ac6ecb6b9438), UINT64_C (0x7e2abc0a0b8a3383) },
  { &gguf_tq1_0, UINT64_C (0x9758208fca6526b5), UINT64_C (0xccdcfa0039d287b6), UINT64_C (0xadb490b84e40d33d) },
  { &gguf_tq2_0, UINT64_C (0xd05adfe2884e19cb), UINT64_C (0x9cbb7d58edf5b255), UINT64_C (0xadb490b84e40d33d) },
  { NULL, 0, 0, 0 },
};

int
main (void)
{
  return run_block_tests (table);
}
