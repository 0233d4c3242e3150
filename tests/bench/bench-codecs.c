/* SPDX-License-Identifier: Apache-2.0 */
/* bench-codecs: for each block type of GGUF and each width of vectors, numbers a second of processor time
 * and how many times the rate of ggml's library that is, in one process on the same numbers: 15 pairs,
 * the order changing; without importance and, where a type makes use of it, with. ADZE_NODE_MODULES says
 * where ggml's library is (see tests/clients/lib.sh); without it there are our rates alone. Types to be
 * timed may be named as arguments. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/gguf-codecs.h"
#include "../unit/gguf-data.h"

enum { PAIRS = 15, ROWS = 64, COLUMNS = 4096, NUMBERS = ROWS * COLUMNS };

typedef size_t quantize_rows (int type, const float *from, void *to, int64_t first, int64_t rows, int64_t columns,
                              const float *importance);

typedef struct reference {
  quantize_rows *quantize;
  const char *(*name) (int type);
} reference;

static float values[NUMBERS], importance_of_columns[COLUMNS];
static uint8_t blocks[2 * NUMBERS];

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static reference
find_reference (void)
{
  reference none = { NULL, NULL }, found = none;
  const char *modules = getenv ("ADZE_NODE_MODULES");
  char path[4096];
  if (!modules)
    return none;
  snprintf (path, sizeof path, "%s/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so", modules);
  void *library = dlopen (path, RTLD_NOW);
  if (!library) {
    printf ("bench-codecs: %s\n", dlerror ());
    return none;
  }
  *(void **)&found.quantize = dlsym (library, "ggml_quantize_chunk");
  *(void **)&found.name = dlsym (library, "ggml_type_name");
  return found.quantize && found.name ? found : none;
}

static int
type_of (const reference *r, const char *id)
{
  for (int type = 0; r->name && type < 40; type++) {
    const char *name = r->name (type);
    size_t i = 0;
    for (; name && name[i] && (name[i] == id[i] || name[i] + 32 == id[i]); i++)
      ;
    if (name && name[i] == 0 && id[i] == 0)
      return type;
  }
  return -1;
}

static double
seconds_of_ours (const gguf_codec *codec, gguf_width width, const float *importance, unsigned rounds)
{
  double begun = now ();
  for (unsigned i = 0; i < rounds; i++)
    codec->encode (values, ROWS, COLUMNS, importance, blocks, width);
  return (now () - begun) / rounds;
}

static double
seconds_of_theirs (const reference *r, int type, const float *importance)
{
  double begun = now ();
  r->quantize (type, values, blocks, 0, ROWS, COLUMNS, importance);
  return now () - begun;
}

static int
by_value (const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static void
compare (const reference *r, const gguf_codec *codec, gguf_width width, const float *importance)
{
  int type = type_of (r, codec->id);
  double ours[PAIRS], theirs[PAIRS], ratios[PAIRS];
  unsigned rounds = (unsigned)(0.02 / seconds_of_ours (codec, width, importance, 1)) + 1;
  for (unsigned i = 0; i < PAIRS; i++) {
    ours[i] = i % 2 ? seconds_of_ours (codec, width, importance, rounds) : 0;
    theirs[i] = type < 0 ? 0 : seconds_of_theirs (r, type, importance);
    if (i % 2 == 0)
      ours[i] = seconds_of_ours (codec, width, importance, rounds);
    ratios[i] = theirs[i] / ours[i];
  }
  qsort (ours, PAIRS, sizeof ours[0], by_value);
  qsort (theirs, PAIRS, sizeof theirs[0], by_value);
  qsort (ratios, PAIRS, sizeof ratios[0], by_value);
  printf ("%-7s %-10s %-7s: %6.0f million numbers a second", codec->id, importance ? "importance" : "",
          gguf_width_name (width), NUMBERS / ours[PAIRS / 2] * 1e-6);
  if (type >= 0)
    printf (", ggml %6.1f: %5.1f times [%.1f-%.1f]", NUMBERS / theirs[PAIRS / 2] * 1e-6, ratios[PAIRS / 2], ratios[0],
            ratios[PAIRS - 1]);
  printf ("\n");
}

static bool
is_named (const char *id, int count, char **names)
{
  for (int i = 1; i < count; i++)
    if (strcmp (id, names[i]) == 0)
      return true;
  return count < 2;
}

int
main (int argc, char **argv)
{
  reference r = find_reference ();
  gguf_data_fill (GGUF_DATA_outliers, 1, ROWS, COLUMNS, values);
  gguf_importance_fill (1, 1, COLUMNS, importance_of_columns);
  for (size_t i = 0; i < gguf_codec_count; i++)
    for (gguf_width width = GGUF_SCALAR; width <= gguf_best_width (); width++)
      if (is_named (gguf_codecs[i]->id, argc, argv)) {
        compare (&r, gguf_codecs[i], width, NULL);
        compare (&r, gguf_codecs[i], width, importance_of_columns);
      }
  return 0;
}
