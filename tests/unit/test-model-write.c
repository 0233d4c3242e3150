/* SPDX-License-Identifier: Apache-2.0 */
/* Models into files: what is written is what was given, whole or not at all. */
#include "world.h"

#include <fcntl.h>

#include "artifact/format.h"
#include "base/json.h"

static int
make_slates (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  free (build (w, "slate", "slate", ""));
  free (build (w, "slate", "stone", "-DSLATE='\"stone\"'"));
  reopen (w, trusting (w));
  run_command ("mkdir '%s'", in_world (w, "out"));
  return 0;
}

#define WITH_SLATES(test) cmocka_unit_test_setup_teardown (test, make_slates, end_world)

static adze_model_tensor *
add_tensor (adze_model *model, const char *name, adze_dtype dtype, int64_t count, const void *data)
{
  adze_model_tensor *added;
  adze_tensor_meta meta = { .struct_size = sizeof meta, .name = name, .rank = 1, .shape = &count,
                            .dtype = dtype };
  must (adze_model_add (model, &meta, &added));
  added->data = malloc (added->meta.byte_size + 1);
  assert_non_null (added->data);
  memcpy (added->data, data, added->meta.byte_size);
  return added;
}

/* Three tensors, a text, a trait. */
static adze_model *
make_model (void)
{
  adze_model *model;
  must (adze_model_new (&model));
  static float numbers[300000];
  for (size_t i = 0; i < 300000; i++)
    numbers[i] = (float)i;
  add_tensor (model, "a", (adze_dtype){ ADZE_FLOAT, 32, 1 }, 300000, numbers);
  add_tensor (model, "e", (adze_dtype){ ADZE_UINT, 8, 1 }, 0, "");
  adze_model_tensor *b = add_tensor (model, "b", (adze_dtype){ ADZE_UINT, 8, 1 }, 5, "12345");
  b->traits = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_table (b->traits, "adze.frozen/1");
  adze_meta author = adze_meta_text ("somebody", 8);
  must (adze_metadata_set (&model->metadata, "author", 6, &author));
  return model;
}

static void
names_in (world *w, const char *folder, char *text, size_t size)
{
  char **names;
  size_t count;
  must (adze_folder_names (in_world (w, folder), "", &names, &count));
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    snprintf (text + strlen (text), size - strlen (text), "%s ", names[i]);
  adze_names_free (names, count);
}

/* The names in the folder out/ are these. */
static void
only (world *w, const char *expected)
{
  char found[512];
  names_in (w, "out", found, sizeof found);
  assert_string_equal (found, expected);
}

static void
same_content (const adze_model *a, const adze_model *b)
{
  assert_int_equal (a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const adze_model_tensor *other = adze_model_find (b, a->tensors[i].meta.name);
    assert_non_null (other);
    assert_true (adze_tensor_meta_equal (&a->tensors[i].meta, &other->meta));
    size_t size = a->tensors[i].meta.byte_size;
    char *one = malloc (size + 1), *two = malloc (size + 1);
    assert_true (one && two);
    must (adze_model_read (a, &a->tensors[i], 0, one, size));
    must (adze_model_read (b, other, 0, two, size));
    assert_memory_equal (one, two, size);
    free (one);
    free (two);
    assert_int_equal (!a->tensors[i].traits, !other->traits);
    if (other->traits)
      assert_true (adze_value_equal (a->tensors[i].traits, other->traits));
  }
  assert_int_equal (a->metadata.count, b->metadata.count);
}

static adze_error *
write_with (world *w, const adze_model *model, const char *name, const char *toml)
{
  adze_document document = { 0 };
  const adze_format_options *given = NULL;
  adze_format_options options = { 0 };
  if (toml) {
    must (adze_json_parse ("settings", toml, strlen (toml), &document));
    options.document = &document;
    options.settings = document.root;
    given = &options;
  }
  adze_error *error = adze_model_write (w->runtime, model, in_world (w, name), given);
  adze_document_cleanup (&document);
  return error;
}

static void
what_is_written_is_read (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  must (write_with (w, model, "out/m.slate", NULL));
  only (w, "m.slate ");
  ADZE_AUTO_MODEL again = NULL;
  must (adze_model_open (w->runtime, in_world (w, "out/m.slate"), NULL, &again));
  same_content (model, again);
  /* And once more, from a file: the same bytes. */
  must (write_with (w, again, "out/n.slate", NULL));
  run_command ("cmp '%s' '%s'", in_world (w, "out/m.slate"), in_world (w, "out/n.slate"));
  /* Over a file that is there, which is read at the same time. */
  must (write_with (w, again, "out/m.slate", NULL));
  run_command ("cmp '%s' '%s'", in_world (w, "out/m.slate"), in_world (w, "out/n.slate"));
}

static void
several_files_are_written (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  ADZE_AUTO_MODEL again = NULL;
  must (write_with (w, model, "out/m.slate", "{\"shard\": 1}"));
  only (w, "m.slate m.slate-2 ");
  must (adze_model_open (w->runtime, in_world (w, "out/m.slate"), NULL, &again));
  same_content (model, again);
}

static void
missing_folders_are_made (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  must (write_with (w, model, "out/x/y/m.slate", NULL));
  only (w, "x ");
}

static void
names_without_a_format_are_refused (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  must_fail (write_with (w, model, "out/m.bin", NULL), ADZE_E_UNSUPPORTED, "m.bin",
             ".slate, .tablet", "stone", NULL);
  must_fail (write_with (w, model, "out", NULL), ADZE_E_IO, "is a folder, and a file is to be written there", NULL);
  only (w, "");
}

static void
formats_that_misbehave_leave_nothing (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  must_fail (write_with (w, model, "out/m.slate", "{\"do\": \"omit\"}"), ADZE_E_CONTRACT,
             "left out", "'a'", NULL);
  must_fail (write_with (w, model, "out/m.slate", "{\"do\": \"twice\"}"), ADZE_E_CONTRACT, "twice",
             NULL);
  must_fail (write_with (w, model, "out/m.slate", "{\"do\": \"fail\"}"), ADZE_E_UNSUPPORTED,
             "the slate is full", NULL);
  for (size_t i = 0; i < 4; i++) {
    const char *const names[] = { "../x", "/x", ".x", "m.slate" };
    char settings[64];
    snprintf (settings, sizeof settings, "{\"shard\": 1, \"name\": \"%s\"}", names[i]);
    must_fail (write_with (w, model, "out/m.slate", settings), ADZE_OK, names[i], NULL);
    snprintf (settings, sizeof settings, "{\"shard\": 1, \"do\": \"hide\", \"name\": \"%s\"}",
              names[i]);
    must_fail (write_with (w, model, "out/m.slate", settings), ADZE_E_CONTRACT, "refused", NULL);
  }
  must_fail (write_with (w, model, "out/m.slate", "{\"shrad\": 1}"), ADZE_E_PARAM, "shard", NULL);
  only (w, "");
}

static void
a_tensor_without_room_is_refused_with_those_that_have_some (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  double number = 1;
  add_tensor (model, "d", (adze_dtype){ ADZE_FLOAT, 64, 1 }, 1, &number);
  must_fail (write_with (w, model, "out/m.slate", NULL), ADZE_E_UNSUPPORTED, "\"d\" (f64 [1])",
             "no room for numbers that long", "formats here that can: ", NULL);
  must_fail (adze_format_carries (w->runtime, "slate", NULL, &model->tensors[3].meta),
             ADZE_E_UNSUPPORTED, "f64", NULL);
  must (adze_format_carries (w->runtime, "slate", NULL, &model->tensors[0].meta));
  free (build (w, "slate", "rock", "-DSLATE='\"rock\"' -DLONG_ROOM"));
  must (adze_runtime_refresh (w->runtime, false));
  must_fail (write_with (w, model, "out/m.slate", NULL), ADZE_E_UNSUPPORTED, "rock", NULL);
  only (w, "");
}

/* ---- Temporary files. */

static adze_writer *
open_writer (world *w, const adze_model *model, const char *tag, bool resume, bool *resumed)
{
  adze_writer *writer = NULL;
  must (adze_writer_open (w->runtime, in_world (w, "out/m.slate"), NULL, model, tag,
                          resume ? ADZE_RESUME_PARTS : ADZE_RESUME_NOT, resumed,
                          &writer));
  return writer;
}

static void
put (const adze_writer *writer, size_t tensor, const void *bytes, size_t size)
{
  adze_writer_place place = adze_writer_place_of (writer, tensor);
  must (adze_write_at (place.fd, "test", place.offset, bytes, size));
}

static void
the_name_comes_last (void **state)
{
  world *w = *state;
  bool resumed = true;
  ADZE_AUTO_MODEL model = make_model ();
  ADZE_AUTO_MODEL again = NULL;
  adze_writer *writer = open_writer (w, model, "T", true, &resumed);
  assert_false (resumed);
  only (w, ".m.slate.T.part ");
  assert_true (adze_writer_size (writer) > 1200000);
  put (writer, 0, model->tensors[0].data, 1200000);
  put (writer, 2, "12345", 5);
  must (adze_writer_commit (writer));
  only (w, "m.slate ");
  adze_writer_close (writer, false);
  only (w, "m.slate ");
  must (adze_model_open (w->runtime, in_world (w, "out/m.slate"), NULL, &again));
  same_content (model, again);
}

static void
what_is_not_committed_goes_or_stays (void **state)
{
  world *w = *state;
  bool resumed;
  ADZE_AUTO_MODEL model = make_model ();
  adze_writer_close (open_writer (w, model, "T", false, &resumed), false);
  only (w, "");
  adze_writer_close (open_writer (w, model, "T", false, &resumed), true);
  only (w, ".m.slate.T.part ");
}

static void
a_resumed_writer_finds_what_was_written (void **state)
{
  world *w = *state;
  bool resumed;
  char found[5];
  ADZE_AUTO_MODEL model = make_model ();
  adze_writer *writer = open_writer (w, model, "T", true, &resumed);
  put (writer, 2, "12345", 5);
  adze_writer_close (writer, true);
  writer = open_writer (w, model, "T", true, &resumed);
  assert_true (resumed);
  adze_writer_place place = adze_writer_place_of (writer, 2);
  must (adze_read_at (place.fd, "test", place.offset, found, 5));
  assert_memory_equal (found, "12345", 5);
  adze_writer_close (writer, true);
  /* Without being asked to, with another layout, or with other bytes there, it begins anew. */
  writer = open_writer (w, model, "T", false, &resumed);
  assert_false (resumed);
  place = adze_writer_place_of (writer, 2);
  must (adze_read_at (place.fd, "test", place.offset, found, 5));
  assert_memory_equal (found, "\0\0\0\0\0", 5);
  adze_writer_close (writer, true);
  run_command ("printf X | dd of='%s' conv=notrunc status=none", in_world (w, "out/.m.slate.T.part"));
  adze_writer_close (open_writer (w, model, "T", true, &resumed), true);
  assert_false (resumed);
  run_command ("printf X >> '%s'", in_world (w, "out/.m.slate.T.part"));
  adze_writer_close (open_writer (w, model, "T", true, &resumed), true);
  assert_false (resumed);
  adze_meta title = adze_meta_text ("t", 1);
  must (adze_metadata_set (&model->metadata, "title", 5, &title));
  adze_writer_close (open_writer (w, model, "T", true, &resumed), false);
  assert_false (resumed);
  only (w, "");
}

static void
a_link_under_the_temporary_name_is_not_followed (void **state)
{
  world *w = *state;
  bool resumed;
  ADZE_AUTO_MODEL model = make_model ();
  run_command ("echo precious > '%s'; ln -s ../precious '%s'", in_world (w, "precious"),
               in_world (w, "out/.m.slate.T.part"));
  adze_writer_close (open_writer (w, model, "T", true, &resumed), false);
  assert_false (resumed);
  run_command ("grep -q precious '%s'", in_world (w, "precious"));
}

static adze_writer *
open_sharded (world *w, const adze_model *model)
{
  adze_document document = { 0 };
  must (adze_json_parse ("s", "{\"shard\": 1}", 12, &document));
  adze_format_options options = { .document = &document, .settings = document.root };
  adze_writer *writer = NULL;
  must (adze_writer_open (w->runtime, in_world (w, "out/m.slate"), &options, model, "T",
                          ADZE_RESUME_NOT, NULL, &writer));
  adze_document_cleanup (&document);
  return writer;
}

/* A folder in the way of the file that leads to the others: nothing of the old is touched. */
static void
nothing_is_named_while_the_old_file_cannot_go (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  adze_writer *writer = open_sharded (w, model);
  run_command ("mkdir '%s'", in_world (w, "out/m.slate"));
  must_fail (adze_writer_commit (writer), ADZE_E_IO, "take away the old", "out/m.slate", NULL);
  only (w, ".m.slate-2.T.part .m.slate.T.part m.slate ");
  /* Once it is out of the way, the same writer can finish. */
  run_command ("rmdir '%s'", in_world (w, "out/m.slate"));
  must (adze_writer_commit (writer));
  adze_writer_close (writer, false);
  only (w, "m.slate m.slate-2 ");
}

static void
half_a_commit_is_told (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = make_model ();
  adze_writer *writer = open_sharded (w, model);
  run_command ("echo old > '%s'; mkdir '%s'", in_world (w, "out/m.slate"),
               in_world (w, "out/m.slate-2"));
  must_fail (adze_writer_commit (writer), ADZE_E_IO, "out/m.slate was taken away", "m.slate-2",
             NULL);
  only (w, ".m.slate-2.T.part .m.slate.T.part m.slate-2 ");
  run_command ("rmdir '%s'", in_world (w, "out/m.slate-2"));
  must (adze_writer_commit (writer));
  adze_writer_close (writer, false);
  only (w, "m.slate m.slate-2 ");
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_SLATES (what_is_written_is_read),
    WITH_SLATES (several_files_are_written),
    WITH_SLATES (missing_folders_are_made),
    WITH_SLATES (names_without_a_format_are_refused),
    WITH_SLATES (formats_that_misbehave_leave_nothing),
    WITH_SLATES (a_tensor_without_room_is_refused_with_those_that_have_some),
    WITH_SLATES (the_name_comes_last),
    WITH_SLATES (what_is_not_committed_goes_or_stays),
    WITH_SLATES (a_resumed_writer_finds_what_was_written),
    WITH_SLATES (a_link_under_the_temporary_name_is_not_followed),
    WITH_SLATES (nothing_is_named_while_the_old_file_cannot_go),
    WITH_SLATES (half_a_commit_is_told),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
