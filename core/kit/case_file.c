/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about formats and sources: they are handed files that anybody could have written, and must
 * say no to what is none of their own, in words and without harm. */
#include <stdio.h>
#include <string.h>

#include "artifact/dataset.h"
#include "artifact/format.h"
#include "base/file.h"
#include "base/random.h"
#include "kit/kit.h"

enum { HEAD = 4096, FILES = 24 };

/* Bytes of file number INDEX: nothing, a few, pages; of noise, zeros, text and brackets. */
static size_t
make_bytes (uint64_t seed, unsigned index, unsigned char bytes[HEAD])
{
  static const size_t sizes[] = { 0, 1, 7, 8, 64, 511, HEAD, HEAD };
  static const char text[] = "{\"a\": [1, 2, {\"b\": \"c\"}]}\n1,2,3\n";
  uint64_t key = adze_random_key (seed, "kit", "file");
  size_t size = sizes[index % ADZE_COUNT_OF (sizes)];
  for (size_t i = 0; i < size; i++) {
    uint64_t bits;
    adze_random_values (key, (uint64_t)index * HEAD + i, &bits, 1);
    bytes[i] = index / 8 == 0 ? (unsigned char)bits
               : index / 8 == 1 ? (unsigned char)text[i % (sizeof text - 1)]
                                : (unsigned char)(bits % 50 == 0);
  }
  return size;
}

/* ---- Heads. */

/* In memory of exactly that size, so that a tool that watches sees the first byte beyond it. */
static adze_error *
recognise (const adze_format *format, const unsigned char *bytes, size_t size)
{
  static const char *const names[] = { "model.bin", "", "x", "a.b.c.d" };
  ADZE_AUTO_FREE unsigned char *exact = malloc (size ? size : 1);
  if (!exact)
    return adze_error_memory ();
  memcpy (exact, bytes, size);
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    int sure = format->recognise (names[i], exact, size);
    if (sure < 0 || sure > 2)
      return adze_error_new (ADZE_E_CONTRACT, "recognise answered %d; 0, 1 and 2 are answers",
                             sure);
    if (memcmp (exact, bytes, size) != 0)
      return adze_error_new (ADZE_E_CONTRACT, "recognise wrote into the head of a file");
  }
  return NULL;
}

static adze_error *
recognise_all (adze_case *one, adze_bench *bench)
{
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (adze_active_callbacks (bench->record, bench->component->id, &callbacks, &own));
  for (unsigned i = 0; i < FILES; i++) {
    unsigned char bytes[HEAD];
    size_t size = make_bytes (one->seed, i, bytes);
    ADZE_TRY (recognise (&callbacks->format, bytes, size));
  }
  return NULL;
}

adze_error *
adze_case_recognise (adze_case *one)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_case_watching, &bench);
  if (!error)
    error = recognise_all (one, &bench);
  adze_bench_close (&bench);
  return error;
}

/* ---- Whole files. */

static adze_error *
write_file (const char *name, const unsigned char *bytes, size_t size)
{
  FILE *file = fopen (name, "w");
  if (!file)
    return adze_error_errno ("cannot write %s", name);
  size_t written = fwrite (bytes, 1, size, file);
  return fclose (file) == 0 && written == size ? NULL
                                               : adze_error_errno ("cannot write %s", name);
}

static adze_error *
read_model (adze_bench *bench)
{
  ADZE_AUTO_MODEL model = NULL;
  const adze_format_options options = { .format = bench->component->id };
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_TRY (adze_path_absolute ("kit-file", &path));
  return adze_model_open (bench->runtime, path, &options, &model);
}

/* The first examples, if it takes the file for data. */
static adze_error *
read_examples (adze_bench *bench)
{
  ADZE_AUTO_VALUE settings = NULL;
  adze_params *params = NULL;
  adze_dataset *dataset = NULL;
  size_t count;
  char name[] = "<kit>";
  const adze_document document = { .path = name };
  const adze_dataset_options options = { .last = 1 };
  ADZE_TRY (adze_sample_presets (bench->component, &bench->record->opened.descriptor->plugin, &settings));
  ADZE_TRY (adze_params_bind (bench->component, &document, settings, NULL, NULL, NULL, NULL,
                              &params));
  ADZE_TRY (adze_dataset_open (bench->runtime, bench->component->id, params, &options, &dataset));
  adze_error *error = adze_dataset_count (dataset) > 0
                          ? adze_dataset_read (dataset, 0, 0, 3, &count)
                          : NULL;
  adze_dataset_close (dataset);
  return error;
}

static adze_error *
read_file (const adze_case *one, const adze_profile *profile)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, profile, &bench);
  if (!error) {
    /* Whom this process belongs to: it was made for this plugin. */
    bench.record->trusted = true;
    bool format = strcmp (bench.component->kind, ADZE_FORMAT) == 0;
    error = format ? read_model (&bench) : read_examples (&bench);
  }
  if (!error)
    error = adze_runtime_end (bench.runtime);
  adze_bench_close (&bench);
  return error;
}

static adze_error *
each_file (adze_case *one, unsigned index)
{
  unsigned char bytes[HEAD];
  char what[64];
  size_t size = make_bytes (one->seed, index, bytes);
  snprintf (what, sizeof what, "file number %u, of %zu bytes", index, size);
  adze_worker_tell (one->state, what);
  adze_sample_keep_file ();
  ADZE_TRY (write_file ("kit-file", bytes, size));
  return adze_bench_judge (read_file (one, &adze_case_watching), what);
}

adze_error *
adze_case_garbage (adze_case *one)
{
  for (unsigned i = 0; i < FILES; i++)
    ADZE_TRY (each_file (one, i));
  return NULL;
}

/* A failure that is told is one; what is broken or kept is none. */
adze_error *
adze_case_garbage_allocate (adze_case *one)
{
  enum { POINTS = 40, TEXT_FILE = 14 };
  unsigned char bytes[HEAD];
  size_t size = make_bytes (one->seed, TEXT_FILE, bytes);
  adze_sample_keep_file ();
  ADZE_TRY (write_file ("kit-file", bytes, size));
  for (int64_t point = 1; point <= POINTS; point++) {
    adze_profile failing = adze_case_watching;
    char what[64];
    snprintf (what, sizeof what, "call %lld of allocate fails", (long long)point);
    adze_worker_tell (one->state, what);
    failing.fail_allocation = point;
    adze_error *error = read_file (one, &failing);
    adze_status status = adze_error_status (error);
    if (status == ADZE_E_CONTRACT || status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT)
      return adze_error_wrap (error, "when %s", what);
    adze_error_free (error);
  }
  return NULL;
}
