/* SPDX-License-Identifier: Apache-2.0 */
/* Steps with models, for tests/faults/steps.h: reading, looking, comparing, and writing over a file
 * that is there. They use the world's runtime, which is open and has its format loaded, so that what
 * fails in turn is theirs. */
#ifndef TESTS_FAULTS_MODEL_STEPS_H
#define TESTS_FAULTS_MODEL_STEPS_H

#include "../unit/world.h"

#include "artifact/format.h"

static const char model_text[]
    = "SLATE\ntensor a f32 2x4 512\ntensor b u8 8 544\nblocks c q 4 16 8 552\ndata d u8 4 wxyz\n"
      "text who somebody\nnumber depth 3\nlist l 1 2 3\npart slate.graph/1 graph\n"
      "text adze.traits {\"a\":{\"adze.nm/1\":{\"n\":2,\"m\":4}}}\nextent 512 584 8\nend\n";

enum { MODEL_SIZE = 584 };

/* A model, another that differs from it, and how it looks when it was written in two files. */
static inline void
make_models (const world *w)
{
  char bytes[MODEL_SIZE] = "";
  strcpy (bytes, model_text);
  for (int i = 512; i < MODEL_SIZE; i++)
    bytes[i] = (char)(i * 7);
  must (adze_file_write (in_world (w, "model.slate"), bytes, sizeof bytes, 0666));
  bytes[545] = 1;
  must (adze_file_write (in_world (w, "other.slate"), bytes, sizeof bytes, 0666));
}

static inline adze_error *
convert_to (const world *w, const char *out)
{
  const char *const settings[] = { "shard=2", NULL };
  adze_convert_options options = ADZE_CONVERT_OPTIONS_INIT;
  options.settings = settings;
  return adze_model_convert (w->runtime, in_world (w, "model.slate"), in_world (w, out), &options);
}

static inline adze_error *
step_convert (const world *w)
{
  return convert_to (w, "made/m.slate");
}

static inline adze_error *
write_twice (const world *w)
{
  ADZE_AUTO_MODEL model = NULL;
  adze_writer *writer = NULL;
  ADZE_TRY (adze_model_open (w->runtime, in_world (w, "model.slate"), NULL, &model));
  ADZE_TRY (adze_writer_open (w->runtime, in_world (w, "made/r.slate"), NULL, model, "T", true, NULL,
                              &writer));
  adze_writer_close (writer, true);
  writer = NULL;
  bool resumed = false;
  adze_error *error = adze_writer_open (w->runtime, in_world (w, "made/r.slate"), NULL, model, "T",
                                        true, &resumed, &writer);
  adze_writer_close (writer, false);
  return error;
}

/* A writer that goes on where another stopped. What it keeps when it fails is meant to be kept. */
static inline adze_error *
step_resume (const world *w)
{
  adze_error *error = write_twice (w);
  unlink (in_world (w, "made/.r.slate.T.part"));
  return error;
}

static inline adze_error *
step_show (const world *w)
{
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO_FREE char *json = NULL;
  options.stats = true;
  options.match = "*";
  ADZE_TRY (adze_model_show (w->runtime, in_world (w, "model.slate"), &options, &text));
  options.json = true;
  return adze_model_show (w->runtime, in_world (w, "model.slate"), &options, &json);
}

static inline adze_error *
step_diff (const world *w)
{
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_AUTO_FREE char *json = NULL;
  bool same;
  ADZE_TRY (adze_model_diff (w->runtime, in_world (w, "model.slate"), in_world (w, "other.slate"),
                             &options, &same, &text));
  options.json = true;
  return adze_model_diff (w->runtime, in_world (w, "model.slate"), in_world (w, "other.slate"),
                          &options, &same, &json);
}

static inline void
undo_convert (const world *w)
{
  mkdir (in_world (w, "made"), 0777);
  must (adze_file_write (in_world (w, "made/m.slate"), "old", 3, 0666));
  unlink (in_world (w, "made/m.slate-2"));
}

/* The file is PATH's content, or OLD ("": it is not there). */
static inline void
whole_or_old (const world *w, const char *name, const char *golden, const char *old)
{
  ADZE_AUTO_FREE char *found = NULL;
  ADZE_AUTO_FREE char *wanted = NULL;
  size_t size = 0, wanted_size = 0;
  if (access (in_world (w, name), F_OK) != 0) {
    assert_string_equal (old, "");
    return;
  }
  must (adze_file_read (in_world (w, name), 1 << 20, &found, &size));
  if (strcmp (found, old) == 0)
    return;
  if (access (in_world (w, golden), F_OK) != 0)
    return; /* it is being made */
  must (adze_file_read (in_world (w, golden), 1 << 20, &wanted, &wanted_size));
  assert_int_equal (size, wanted_size);
  assert_memory_equal (found, wanted, size);
}

/* Of a model of several files the old one is taken away before the first new one gets its name, so
 * that nobody ever reads a mixture. */
static inline void
models_are_whole (const world *w)
{
  ADZE_AUTO_FREE char *entry = NULL;
  size_t size = 0;
  whole_or_old (w, "made/m.slate-2", "golden/m.slate-2", "");
  if (access (in_world (w, "made/m.slate"), F_OK) != 0)
    return;
  whole_or_old (w, "made/m.slate", "golden/m.slate", "old");
  must (adze_file_read (in_world (w, "made/m.slate"), 1 << 20, &entry, &size));
  if (strcmp (entry, "old") == 0)
    assert_int_not_equal (access (in_world (w, "made/m.slate-2"), F_OK), 0);
}

#endif
