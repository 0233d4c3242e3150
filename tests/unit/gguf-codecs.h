/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs of GGUF, compiled into a test or a benchmark, and a table of them. */
#ifndef TESTS_UNIT_GGUF_CODECS_H
#define TESTS_UNIT_GGUF_CODECS_H

#include <stddef.h>

#include "../../plugins/codecs/gguf/simple_decode.c"

#include "../../plugins/codecs/gguf/iq4.c"
#include "../../plugins/codecs/gguf/k.c"
#include "../../plugins/codecs/gguf/k_decode.c"
#include "../../plugins/codecs/gguf/search.c"
#include "../../plugins/codecs/gguf/simple.c"
#include "../../plugins/codecs/gguf/width.c"

#define GGUF_LISTED(id) &gguf_##id,
static const gguf_codec *const gguf_codecs[] = { GGUF_CODECS (GGUF_LISTED) };
#undef GGUF_LISTED
static const size_t gguf_codec_count = sizeof gguf_codecs / sizeof gguf_codecs[0];

static inline const char *
gguf_width_name (gguf_width width)
{
  static const char *const names[] = { "scalar", "AVX2", "AVX-512" };
  return names[width];
}

#endif
