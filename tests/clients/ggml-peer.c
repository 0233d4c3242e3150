/* SPDX-License-Identifier: Apache-2.0 */
/* ggml-peer LIBRARY ROUNDS [FILE [TYPE]]: holds the blocks of each codec, and the numbers in them, against those
 * that ggml's library makes, in each width that the processor has: numbers of many kinds, without and
 * with importance, ROUNDS times each, and those of FILE, which is floats; all
 * types, or TYPE alone. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/gguf-codecs.h"
#include "../unit/gguf-data.h"

enum { ROWS = 7, COLUMNS = 1280, MOST = 1 << 20 };

typedef struct ggml {
  size_t (*quantize) (int type, const float *from, void *to, int64_t first, int64_t rows, int64_t columns,
                      const float *importance);
  const char *(*name) (int type);
  void *library;
} ggml;

typedef struct buffers {
  float values[MOST], importance[MOST], theirs_back[MOST], ours_back[MOST];
  uint8_t theirs[2 * MOST], ours[2 * MOST];
} buffers;

typedef struct codec_at_work {
  const gguf_codec *codec;
  int type;
  void (*decode) (const void *blocks, float *to, int64_t count);
  uint64_t compared;
} codec_at_work;

static void
stop (const char *what, const char *with)
{
  fprintf (stderr, "ggml-peer: %s: %s\n", what, with);
  exit (1);
}

static void *
symbol (const ggml *g, const char *name)
{
  void *found = dlsym (g->library, name);
  if (!found)
    stop (name, "ggml's library has no such function");
  return found;
}

/* Names of types are ours but for capital letters. */
static bool
same_name (const char *ours, const char *theirs)
{
  for (; *ours && theirs && *theirs; ours++, theirs++)
    if (*ours != (*theirs >= 'A' && *theirs <= 'Z' ? *theirs - 'A' + 'a' : *theirs))
      return false;
  return theirs && *ours == *theirs;
}

static codec_at_work
find (const ggml *g, const gguf_codec *codec)
{
  codec_at_work found = { .codec = codec, .type = -1 };
  for (int type = 0; type < 40 && found.type < 0; type++)
    if (same_name (codec->id, g->name (type))) {
      char name[64];
      snprintf (name, sizeof name, "dequantize_row_%s", g->name (type));
      found.type = type;
      *(void **)&found.decode = symbol (g, name);
    }
  if (found.type < 0)
    stop (codec->id, "ggml has no type of this name");
  return found;
}

static void
compare_bytes (const codec_at_work *c, const void *ours, const void *theirs, uint64_t size, const char *what,
               gguf_width width, const char *data, const char *importance)
{
  const uint8_t *a = ours, *b = theirs;
  if (memcmp (a, b, size) == 0)
    return;
  uint64_t at = 0, different = 0;
  for (uint64_t i = size; i-- > 0;)
    if (a[i] != b[i]) {
      at = i;
      different++;
    }
  fprintf (stderr,
           "ggml-peer: %s, %s, %s: of %s with importance %s %ju of %ju bytes differ; the first is byte %ju: "
           "%u, needed %u\n",
           c->codec->id, gguf_width_name (width), what, data, importance, (uintmax_t)different, (uintmax_t)size,
           (uintmax_t)at, a[at], b[at]);
  exit (1);
}

static void
compare (const ggml *g, codec_at_work *c, buffers *b, uint64_t rows, uint64_t columns, const float *importance,
         const char *data, const char *importance_name)
{
  uint64_t blocks = rows * columns / c->codec->elements, bytes = blocks * c->codec->bytes;
  g->quantize (c->type, b->values, b->theirs, 0, (int64_t)rows, (int64_t)columns, importance);
  c->decode (b->theirs, b->theirs_back, (int64_t)(rows * columns));
  for (gguf_width width = GGUF_SCALAR; width <= gguf_best_width (); width++) {
    memset (b->ours, 0xa5, bytes);
    c->codec->encode (b->values, rows, columns, importance, b->ours, width);
    compare_bytes (c, b->ours, b->theirs, bytes, "blocks", width, data, importance_name);
    c->compared += rows * columns;
  }
  c->codec->decode (b->theirs, blocks, b->ours_back);
  compare_bytes (c, b->ours_back, b->theirs_back, rows * columns * sizeof (float), "numbers", GGUF_SCALAR, data,
                 importance_name);
}

static void
compare_kinds (const ggml *g, codec_at_work *c, buffers *b, uint64_t seed)
{
  /* Rows of one block and of several, and blocks that fill no vector. */
  uint64_t columns = seed % 3 == 0 ? 256 : COLUMNS, rows = seed % ROWS + 1;
  for (gguf_data_kind kind = 0; kind < GGUF_DATA_COUNT; kind++) {
    gguf_data_fill (kind, seed, rows, columns, b->values);
    for (unsigned i = 0; i < GGUF_IMPORTANCE_KINDS; i++)
      compare (g, c, b, rows, columns, gguf_importance_fill (i, seed, columns, b->importance),
               gguf_data_name (kind), gguf_importance_name (i));
  }
}

/* What is no number in FILE, or a multiple of a block, is left out. */
static void
compare_file (const ggml *g, codec_at_work *c, buffers *b, const char *path)
{
  FILE *file = fopen (path, "rb");
  if (!file)
    stop (path, "cannot be read");
  for (size_t count; (count = fread (b->values, sizeof (float), MOST, file)) >= 256;) {
    uint64_t rows = count / 256;
    for (size_t i = 0; i < rows * 256; i++)
      if (!isfinite (b->values[i]))
        b->values[i] = 0;
    for (unsigned i = 0; i < GGUF_IMPORTANCE_KINDS; i++)
      compare (g, c, b, rows, 256, gguf_importance_fill (i, 1, 256, b->importance), path,
               gguf_importance_name (i));
  }
  fclose (file);
}

int
main (int argc, char **argv)
{
  static buffers b;
  if (argc < 3)
    stop ("ggml-peer", "needs a library and a number of rounds");
  ggml g = { .library = dlopen (argv[1], RTLD_NOW) };
  if (!g.library)
    stop (argv[1], dlerror ());
  *(void **)&g.quantize = symbol (&g, "ggml_quantize_chunk");
  *(void **)&g.name = symbol (&g, "ggml_type_name");
  for (size_t i = 0; i < gguf_codec_count; i++) {
    if (argc > 4 && strcmp (argv[4], gguf_codecs[i]->id) != 0)
      continue;
    codec_at_work c = find (&g, gguf_codecs[i]);
    for (uint64_t seed = 0; seed < strtoull (argv[2], NULL, 10); seed++)
      compare_kinds (&g, &c, &b, seed);
    if (argc > 3)
      compare_file (&g, &c, &b, argv[3]);
    printf ("%s: %ju numbers equal\n", c.codec->id, (uintmax_t)c.compared);
  }
  return 0;
}
