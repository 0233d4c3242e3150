/* SPDX-License-Identifier: Apache-2.0 */
/* Models out of files: which format it is, and what a file is not believed. The files are slates
 * (tests/plugins/slate.c), whose words are what the format tells the host. */
#include "world.h"

#include "artifact/format.h"

static int
make_slates (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  free (build (w, "slate", "slate", ""));
  reopen (w, trusting (w));
  return 0;
}

#define WITH_SLATES(test) cmocka_unit_test_setup_teardown (test, make_slates, end_world)

/* WORDS, padded with zeros to SIZE bytes. */
static const char *
write_slate (world *w, const char *name, size_t size, const char *words)
{
  const char *path = in_world (w, name);
  size_t room = size + strlen ("SLATE\n") + strlen (words) + 1;
  char *bytes = calloc (1, room);
  assert_non_null (bytes);
  snprintf (bytes, room, "SLATE\n%s", words);
  size_t length = strlen (bytes);
  must (adze_file_write (path, bytes, length > size ? length : size, 0666));
  free (bytes);
  return path;
}

/* A slate of these words is refused with all of the parts in its message. */
#define REFUSED(w, words, status, ...) \
  do { \
    adze_model *model_ = NULL; \
    const char *path_ = write_slate (w, "bad.slate", 1024, words); \
    must_fail (adze_model_open ((w)->runtime, path_, NULL, &model_), status, path_, __VA_ARGS__, \
               NULL); \
    assert_null (model_); \
  } while (0)

static adze_model *
open_slate (world *w, const char *words)
{
  adze_model *model = NULL;
  must (adze_model_open (w->runtime, write_slate (w, "good.slate", 1024, words), NULL, &model));
  assert_non_null (model);
  return model;
}

/* ---- What is there. */

static void
tensors_metadata_and_parts_are_found (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = open_slate (w, "tensor a f32 2x3 512\n"
                                         "tensor b f16 - 536\n"
                                         "blocks q q8_0 32 34 2x64 544\n"
                                         "data c u8 4 wxyz\n"
                                         "text author somebody\nnumber depth -3\nlist l 1 2 3\n"
                                         "part slate.graph/1 graph\nend\n");
  assert_string_equal (model->format, "slate");
  assert_int_equal (model->count, 4);
  const adze_model_tensor *a = adze_model_find (model, "a");
  assert_int_equal (a->elements, 6);
  assert_int_equal (a->meta.byte_size, 24);
  assert_int_equal (a->offset, 512);
  assert_int_equal (adze_model_find (model, "b")->meta.byte_size, 2);
  const adze_model_tensor *q = adze_model_find (model, "q");
  assert_int_equal (q->meta.byte_size, 2 * 2 * 34);
  assert_string_equal (adze_meta_type_word (&q->meta), "q8_0");
  assert_null (adze_model_find (model, "d"));
  char bytes[2];
  must (adze_model_read (model, adze_model_find (model, "c"), 1, bytes, 2));
  assert_memory_equal (bytes, "xy", 2);
  assert_int_equal ((int64_t)adze_metadata_get (&model->metadata, "depth")->bits, -3);
  assert_int_equal (adze_metadata_get (&model->metadata, "l")->count, 3);
  assert_string_equal (model->parts[0].id, "slate.graph/1");
  assert_memory_equal (model->parts[0].data, "graph", 5);
}

static void
tensors_lie_in_files_beside_the_first (void **state)
{
  world *w = *state;
  run_command ("mkdir -p '%s' && printf '12345678' > '%s'", in_world (w, "sub"),
               in_world (w, "sub/more.bin"));
  ADZE_AUTO_MODEL model
      = open_slate (w, "beside sub/more.bin a u8 4 4\nbeside sub/more.bin b u8 4 0\nend\n");
  assert_int_equal (model->file_count, 2);
  char bytes[4];
  must (adze_model_read (model, adze_model_find (model, "a"), 0, bytes, 4));
  assert_memory_equal (bytes, "5678", 4);
}

static void
files_elsewhere_are_refused (void **state)
{
  world *w = *state;
  REFUSED (w, "beside /etc/passwd a u8 4 0\nend\n", ADZE_E_TRUST, "/etc/passwd", "absolute");
  REFUSED (w, "beside ../x a u8 4 0\nend\n", ADZE_E_TRUST, "..");
  REFUSED (w, "beside sub/../../x a u8 4 0\nend\n", ADZE_E_TRUST, "..");
  run_command ("ln -sf /etc/passwd '%s'", in_world (w, "link"));
  REFUSED (w, "beside link a u8 4 0\nend\n", ADZE_E_TRUST, "link");
  REFUSED (w, "beside missing a u8 4 0\nend\n", ADZE_E_NOT_FOUND, "missing");
}

/* ---- What is not believed. */

static void
impossible_tensors_are_refused (void **state)
{
  world *w = *state;
  REFUSED (w, "tensor a f32 2x-3 0\nend\n", ADZE_E_FORMAT, "\"a\"", "dimension 1", "-3");
  REFUSED (w, "tensor a f32 4611686018427387904x4611686018427387904 0\nend\n", ADZE_E_FORMAT,
           "too large");
  REFUSED (w, "tensor a f32 0x4611686018427387904x4611686018427387904 0\nend\n", ADZE_E_FORMAT,
           "too large");
  REFUSED (w, "tensor a f32 1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1 0\n"
              "end\n", ADZE_E_FORMAT, "33 dimensions");
  REFUSED (w, "tensor a f7 1 0\nend\n", ADZE_E_FORMAT, "no known type");
  REFUSED (w, "tensor a f32 2x3 0 23\nend\n", ADZE_E_FORMAT, "23", "24");
  REFUSED (w, "blocks a q8_0 32 34 2x33 0\nend\n", ADZE_E_FORMAT, "multiple of 32", "33");
  REFUSED (w, "blocks a q8_0 0 34 2x32 0\nend\n", ADZE_E_FORMAT, "0 elements");
  REFUSED (w, "tensor \377 u8 1 0\nend\n", ADZE_E_FORMAT, "UTF-8", "0xff");
  REFUSED (w, "tensor a u8 1 0\ntensor b u8 1 1\ntensor a u8 1 2\nend\n", ADZE_E_FORMAT, "\"a\"",
           "same name");
}

static void
places_outside_the_file_are_refused (void **state)
{
  world *w = *state;
  REFUSED (w, "tensor a f32 4 1009\nend\n", ADZE_E_FORMAT, "1009", "1024");
  REFUSED (w, "tensor a f32 4 18446744073709551615\nend\n", ADZE_E_FORMAT, "18446744073709551615");
  REFUSED (w, "tensor a f32 300 0\nend\n", ADZE_E_FORMAT, "1200 bytes");
}

static void
tensors_must_not_overlap (void **state)
{
  world *w = *state;
  REFUSED (w, "tensor a u8 8 512\ntensor b u8 8 519\nend\n", ADZE_E_FORMAT, "\"a\"", "\"b\"",
           "overlap", "519");
  REFUSED (w, "tensor b u8 8 519\ntensor e u8 0 515\ntensor a u8 8 512\nend\n", ADZE_E_FORMAT,
           "overlap");
  adze_model_close (open_slate (w, "tensor b u8 8 520\ntensor e u8 0 520\ntensor a u8 8 512\nend\n"));
  REFUSED (w, "many 3\nend\n", ADZE_E_FORMAT, "overlap");
}

static void
an_extent_has_no_holes (void **state)
{
  world *w = *state;
  adze_model_close (open_slate (w, "tensor a u8 8 512\ntensor b u8 8 527\nextent 512 542 8\nend\n"));
  REFUSED (w, "tensor a u8 8 512\ntensor b u8 8 528\nextent 512 536 8\nend\n", ADZE_E_FORMAT,
           "520 to 528", "no tensor");
  REFUSED (w, "tensor a u8 8 520\nextent 512 528 8\nend\n", ADZE_E_FORMAT, "512 to 520");
  REFUSED (w, "tensor a u8 8 512\nextent 512 528 8\nend\n", ADZE_E_FORMAT, "520 to 528", "last");
  REFUSED (w, "tensor a u8 8 504\nextent 512 520 8\nend\n", ADZE_E_FORMAT, "504", "outside");
  REFUSED (w, "extent 512 2048 8\nend\n", ADZE_E_FORMAT, "no such place");
  REFUSED (w, "extent 512 500 8\nend\n", ADZE_E_FORMAT, "no such place");
}

static void
metadata_is_checked (void **state)
{
  world *w = *state;
  REFUSED (w, "text a 1\ntext b 2\ntext a 3\nend\n", ADZE_E_FORMAT, "metadata \"a\"", "same name");
  REFUSED (w, "text \377 1\nend\n", ADZE_E_FORMAT, "UTF-8");
}

static void
structure_has_a_limit (void **state)
{
  world *w = *state;
  const char *path = write_slate (w, "s.slate", 1024, "part p 0123456789abcdef\nend\n");
  adze_format_options options = { .structure_limit = 1024 };
  adze_model *model = NULL;
  must (adze_model_open (w->runtime, path, &options, &model));
  adze_model_close (model);
  path = write_slate (w, "s.slate", 64, "part p 0123456789abcdef\nend\n");
  options.structure_limit = 64;
  must (adze_model_open (w->runtime, path, &options, &model));
  adze_model_close (model);
  path = write_slate (w, "s.slate", 64, "part p 0123456789abcdef\npart q 0123456789abcdef\nend\n");
  options.structure_limit = 31;
  must_fail (adze_model_open (w->runtime, path, &options, &model), ADZE_OK, path, NULL);
  /* Few words that would fill the memory. */
  path = write_slate (w, "s.slate", 64, "many 100000\nend\n");
  must_fail (adze_model_open (w->runtime, path, NULL, &model), ADZE_E_LIMIT, path, "memory", NULL);
}

static void
facts_say_where (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  const char *path = write_slate (w, "bad.slate", 1024, "tensor a f32 2x3 0 23\nend\n");
  ADZE_AUTO_ERROR error = adze_model_open (w->runtime, path, NULL, &model);
  assert_non_null (error);
  assert_string_equal (adze_error_fact (error, "file"), path);
  assert_non_null (strstr (adze_error_fact (error, "place"), "\"a\""));
  assert_string_equal (adze_error_fact (error, "needed"), "24 bytes");
  assert_string_equal (adze_error_fact (error, "found"), "23 bytes");
}

/* ---- Formats that misbehave. */

static void
what_the_host_refused_cannot_be_hidden (void **state)
{
  world *w = *state;
  REFUSED (w, "do hide\ntensor a f32 2x3 0 23\nend\n", ADZE_E_CONTRACT, "slate", "refused");
  REFUSED (w, "do nothing-said\nend\n", ADZE_OK, "gave no reason");
}

/* ---- Traits. */

static void
traits_come_with_their_tensors (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL model = open_slate (
      w, "tensor a u8 8 512\ntensor b u8 8 520\n"
         "text adze.traits {\"a\":{\"adze.nm/1\":{\"n\":2,\"m\":4}},\"gone\":{\"x/1\":{}}}\nend\n");
  assert_null (adze_metadata_get (&model->metadata, "adze.traits"));
  assert_null (adze_model_find (model, "b")->traits);
  const adze_value *nm = adze_value_get (adze_model_find (model, "a")->traits, "adze.nm/1");
  assert_int_equal (adze_value_get (nm, "m")->integer, 4);
  REFUSED (w, "text adze.traits {\"a\":\nend\n", ADZE_E_FORMAT, "adze.traits", "malformed");
  REFUSED (w, "text adze.traits []\nend\n", ADZE_E_FORMAT, "adze.traits", "a list");
  REFUSED (w, "text adze.traits {\"a\":1}\nend\n", ADZE_E_FORMAT, "'a'", "an integer");
  REFUSED (w, "text adze.traits {\"a\":{\"x/1\":1}}\nend\n", ADZE_E_FORMAT, "'x/1'");
  REFUSED (w, "number adze.traits 1\nend\n", ADZE_E_FORMAT, "adze.traits", "no string");
}

/* ---- Which format? */

static void
an_unknown_file_is_described (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  run_command ("printf '\\211PNG\\r\\n' > '%s'", in_world (w, "x.slate"));
  must_fail (adze_model_open (w->runtime, in_world (w, "x.slate"), NULL, &model),
             ADZE_E_UNSUPPORTED, "slate", "89 50 4e 47", "PNG", NULL);
  run_command (": > '%s'", in_world (w, "empty"));
  must_fail (adze_model_open (w->runtime, in_world (w, "empty"), NULL, &model),
             ADZE_E_UNSUPPORTED, "empty", NULL);
  must_fail (adze_model_open (w->runtime, in_world (w, "absent"), NULL, &model), ADZE_E_NOT_FOUND,
             "absent", NULL);
  must_fail (adze_model_open (w->runtime, w->folder, NULL, &model), ADZE_E_IO, "a folder", NULL);
}

static void
a_format_can_be_named (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  adze_format_options options = { .format = "slate" };
  const char *path = write_slate (w, "x", 0, "end\n");
  must (adze_model_open (w->runtime, path, &options, &model));
  adze_model_close (model);
  options.format = "slat";
  must_fail (adze_model_open (w->runtime, path, &options, &model), ADZE_E_NOT_FOUND, "slat",
             "did you mean", NULL);
}

static void
two_formats_that_claim_a_file_are_named (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  free (build (w, "slate", "stone", "-DSLATE='\"stone\"'"));
  reopen (w, in_world (w, "config.toml"));
  must_fail (adze_model_open (w->runtime, write_slate (w, "x", 0, "end\n"), NULL, &model),
             ADZE_E_UNSUPPORTED, "slate, stone", NULL);
  /* The ending decides. */
  must (adze_model_open (w->runtime, write_slate (w, "x.stone", 0, "end\n"), NULL, &model));
  assert_string_equal (model->format, "stone");
  adze_model_close (model);
}

/* A format that does not start is no reason not to ask the others. */
static void
a_format_that_fails_hides_no_other (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  free (build (w, "slate", "a-stone", "-DSLATE='\"a-stone\"' -DBROKEN"));
  reopen (w, in_world (w, "config.toml"));
  must (adze_model_open (w->runtime, write_slate (w, "x", 0, "end\n"), NULL, &model));
  assert_string_equal (model->format, "slate");
  adze_model_close (model);
  const char *format;
  must (adze_format_for_path (w->runtime, "x.tablet", &format));
  assert_string_equal (format, "slate");
}

static void
formats_of_untrusted_folders_do_not_run (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  const char *path = write_slate (w, "x.slate", 0, "end\n");
  reopen (w, NULL);
  must_fail (adze_model_open (w->runtime, path, NULL, &model), ADZE_E_UNSUPPORTED, path, NULL);
  adze_format_options options = { .format = "slate" };
  must_fail (adze_model_open (w->runtime, path, &options, &model), ADZE_E_TRUST, "slate.so",
             "in this process", "trusted", NULL);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_SLATES (tensors_metadata_and_parts_are_found),
    WITH_SLATES (tensors_lie_in_files_beside_the_first),
    WITH_SLATES (files_elsewhere_are_refused),
    WITH_SLATES (impossible_tensors_are_refused),
    WITH_SLATES (places_outside_the_file_are_refused),
    WITH_SLATES (tensors_must_not_overlap),
    WITH_SLATES (an_extent_has_no_holes),
    WITH_SLATES (metadata_is_checked),
    WITH_SLATES (structure_has_a_limit),
    WITH_SLATES (facts_say_where),
    WITH_SLATES (what_the_host_refused_cannot_be_hidden),
    WITH_SLATES (traits_come_with_their_tensors),
    WITH_SLATES (an_unknown_file_is_described),
    WITH_SLATES (a_format_can_be_named),
    WITH_SLATES (two_formats_that_claim_a_file_are_named),
    WITH_SLATES (a_format_that_fails_hides_no_other),
    WITH_SLATES (formats_of_untrusted_folders_do_not_run),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
